/** Words and marks of a free text, in the form in which vocabularies are compared with it. */

export interface Token {
  /** Lower case, without accents. */
  readonly text: string;
  readonly kind: 'word' | 'number' | 'mark';
  /** In the text: [start, end). */
  readonly start: number;
  readonly end: number;
  /** Joined to the token before by a hyphen. */
  readonly hyphened: boolean;
  /** What was typed, if `text` is a mended form. */
  readonly typed?: string;
}

/** A Chinese character, a decimal number, a number, a name such as "T8", a run of letters, or any other sign. */
const TOKEN =
  /\p{Script=Han}|\p{N}+(?:[.,]\p{N}+)+|\p{N}+|(?:(?![\p{Script=Han}x×])\p{L}){1,3}\p{N}+|(?:(?!\p{Script=Han})[\p{L}\p{M}])+|\r?\n|[^\s]/gu;
const HYPHENS = new Set(['-', '‐', '‑', '–', '—', '−', '­']);
const APOSTROPHES = new Set(["'", '’', '`']);
const MARKS: Readonly<Record<string, string>> = { '。': '.', '；': ';', '．': '.', '·': '.' };

/** Never fails; spans are those of the text as given. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let hyphened = false;
  for (const match of text.matchAll(TOKEN)) {
    const [written] = match;
    const start = match.index;
    const end = start + written.length;
    const last = tokens[tokens.length - 1];
    // "Ober- und Mittelfeld": the word goes on elsewhere
    if (
      HYPHENS.has(written) &&
      last?.end === start &&
      last.kind === 'word' &&
      !/\S/u.test(text[end] ?? ' ')
    ) {
      tokens[tokens.length - 1] = { ...last, text: `${last.text}-` };
      continue;
    }
    if (HYPHENS.has(written) && joins(text, start, end)) {
      hyphened = true;
      continue;
    }
    if (APOSTROPHES.has(written) && last?.end === start && last.kind === 'word') {
      // French "d'", "l'"; in "patient's" it is nothing
      if (last.text.length === 1) tokens[tokens.length - 1] = { ...last, text: `${last.text}'` };
      continue;
    }
    const folded = HYPHENS.has(written) ? '-' : fold(written);
    if (folded === '') continue;
    const kind = /^\p{N}/u.test(folded) ? 'number' : /^[\p{L}\p{M}]/u.test(folded) ? 'word' : 'mark';
    tokens.push({ text: kind === 'mark' ? (MARKS[folded] ?? folded) : folded, kind, start, end, hyphened });
    hyphened = false;
  }
  return tokens;
}

/** Whether two texts have the same words and numbers in the same order. */
export function sameWords(a: string, b: string): boolean {
  const words = (text: string): string =>
    tokensOf(text)
      .flatMap((token) => (token.kind === 'mark' ? [] : [token.text]))
      .join(' ');
  return words(a) === words(b);
}

/** Lower case without accents: "Opacité" and "OPACITE" are one word. */
export function fold(text: string): string {
  if (/^[\x20-\x7e]*$/u.test(text)) return text.toLowerCase();
  if (text === '\n' || text === '\r\n') return '\n';
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('œ', 'oe')
    .replaceAll('æ', 'ae')
    .replace(/\s+/gu, '');
}

/** Whether a hyphen is part of a word ("left-sided", "mid- and lower") rather than a dash. */
function joins(text: string, start: number, end: number): boolean {
  const [before, after] = [text[start - 1] ?? ' ', text[end] ?? ' '];
  if (/\p{N}/u.test(before) && /\p{N}/u.test(after)) return false; // a range of numbers
  return /[\p{L}\p{N}]/u.test(before) ? !/[-–—]/u.test(after) : /\p{L}/u.test(after) && start > 0;
}
