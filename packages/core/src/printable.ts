/** Makes foreign text safe to print: escape sequences could clear a terminal or reorder a line. */

/** C0, DEL, C1, line and paragraph separators, bidirectional controls. */
const OBEYED = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Escapes all that a terminal obeys, except line breaks, as `\u001b`, which JSON understands. */
export function printable(text: string): string {
  return text.replace(OBEYED, (char) => (char === '\n' ? char : escaped(char)));
}

/** The same on one line: escapes line breaks too. */
export function printableLine(text: string): string {
  return text.replace(OBEYED, escaped);
}

/** Longest foreign text that `quoted` repeats. */
const MAX_QUOTED = 100;

/** Foreign text for a message: in quotes, on one line, at most 100 characters. */
export function quoted(text: string): string {
  return printableLine(JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text));
}
