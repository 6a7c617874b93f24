/** Finds repeated keys in JSON; `JSON.parse` silently takes the last. */

/**
 * The first key that one object of `json` holds twice, or null. Escapes are decoded first: "a" and "\u0061"
 * are the same key.
 * @param json must parse; nothing else is checked.
 */
export function findDuplicateKey(json: string): string | null {
  /** Open containers: an object's keys so far, null for an array. */
  const open: (Set<string> | null)[] = [];
  let expectsKey = false;
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '{':
        open.push(new Set());
        expectsKey = true;
        break;
      case '[':
        open.push(null);
        expectsKey = false;
        break;
      case '}':
      case ']':
        open.pop();
        expectsKey = false;
        break;
      case ',':
        expectsKey = open.at(-1) instanceof Set;
        break;
      case '"': {
        const start = i;
        for (i++; json[i] !== '"'; i++) if (json[i] === '\\') i++;
        const keys = open.at(-1);
        if (expectsKey && keys) {
          const key = JSON.parse(json.slice(start, i + 1)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
          expectsKey = false;
        }
        break;
      }
      default: // numbers, literals, colons and spaces
    }
  }
  return null;
}
