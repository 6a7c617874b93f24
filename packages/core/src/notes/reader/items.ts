/** A sentence as known phrases, numbers, marks and unknown words. */
import type { Span } from './free-note.js';
import type { Lexicon, Mark } from './lexicon.js';
import { nearDecisive } from './mend.js';
import type { Token } from './tokens.js';

export type ItemMark =
  | Mark
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'slash' | 'ignored' | 'unread' | 'slip' | 'question' };

export type ItemKind = ItemMark['kind'];

export interface Item {
  readonly marks: readonly ItemMark[];
  readonly span: Span;
  /** The misspelt text, if a word was mended. */
  readonly typed?: string;
}

const UNREAD: readonly ItemMark[] = [{ kind: 'unread' }];
/** Unknown, and a letter away from a word for a side, a height or a negation. */
const SLIP: readonly ItemMark[] = [{ kind: 'unread' }, { kind: 'slip' }];
const UNIT: readonly ItemMark[] = [{ kind: 'unit' }];
const FOREIGN: readonly ItemMark[] = [{ kind: 'foreign' }];
const IGNORED: readonly ItemMark[] = [{ kind: 'ignored' }];
const TITLE: readonly ItemMark[] = [{ kind: 'title' }, { kind: 'filler' }];
const MARKS: Readonly<Record<string, readonly ItemMark[]>> = {
  ',': [{ kind: 'comma' }],
  '(': [{ kind: 'comma' }],
  ')': [{ kind: 'comma' }],
  '-': [{ kind: 'comma' }],
  ':': [{ kind: 'colon' }],
  '=': [{ kind: 'colon' }],
  '/': [{ kind: 'slash' }],
};
const STOPS = new Set(['.', ';', '!', '\n', '?']);

/** The mark of a kind, or undefined. */
export function markOf<K extends ItemKind>(item: Item, kind: K): Extract<ItemMark, { kind: K }> | undefined {
  return item.marks.find((mark): mark is Extract<ItemMark, { kind: K }> => mark.kind === kind);
}

export function has(item: Item | undefined, ...kinds: readonly ItemKind[]): boolean {
  return item?.marks.some(({ kind }) => kinds.includes(kind)) ?? false;
}

/** Sentences end at a full stop, a semicolon, a line's end, and at a question mark, which is an item too. */
export function sentencesOf(text: string, tokens: readonly Token[], lexicon: Lexicon): Item[][] {
  const sentences: Item[][] = [];
  let items: Item[] = [];
  let listed = 0; // the last number of a list
  const close = (): void => {
    if (items.length > 0) sentences.push(withoutComparisons(items));
    items = [];
  };
  for (let i = 0; i < tokens.length;) {
    const token = tokens[i]!;
    const numbering = numberingAt(tokens, i, items, listed);
    if (numbering > 0) {
      close();
      listed = Number(token.text);
      i += numbering;
      continue;
    }
    const found = lexicon.match(tokens, i);
    if ((found?.length ?? 1) < 3 && isLetters(tokens.slice(i, i + 3), lexicon)) {
      items.push({ marks: IGNORED, span: { start: token.start, end: tokens[i + 2]!.end } });
      i += 3;
      continue;
    }
    const used = tokens.slice(i, i + (found?.length ?? 1));
    const typed = used.find((one) => one.typed !== undefined)?.typed;
    const span = { start: token.start, end: used[used.length - 1]!.end };
    i += used.length;
    const stops = used.length === 1 && STOPS.has(token.text) && !abbreviates(text, span, items);
    const asks = stops && token.text === '?' && !endsQuestion(text, span, items.length);
    const title = used.length === 1 ? titleBefore(text, token, found === null, items) : null;
    if (title !== null) {
      // Spanish "D." before a name is no side
      if (has(items[title], 'side')) items[title] = { marks: TITLE, span: items[title]!.span };
      items.push({ marks: IGNORED, span });
      continue;
    }
    const measures = used.length === 1 && isUnitOf(tokens[i - 2], token);
    const marks = measures ? UNIT : (found?.marks ?? (stops ? [] : ownMarks(token, lexicon)));
    const spoken = marks.some(({ kind }) => kind === 'stop');
    const own = [...marks, ...asideMarks(token, used.length, stops && !asks)];
    if (stops && !asks && token.text === ';' && namesOnlyPlaces(items)) {
      items.push({ marks: MARKS[','] ?? [], span });
      continue;
    }
    if (own.length > 0 && !spoken)
      items.push({ marks: own, span, ...(typed === undefined ? {} : { typed }) });
    if ((stops && !asks) || spoken) close();
  }
  close();
  return sentences;
}

/** "Mrs Wright": the title before an unknown or mended word with a capital, or before other parts of its name. */
function titleBefore(text: string, token: Token, unknown: boolean, before: readonly Item[]): number | null {
  if (token.kind !== 'word' || !(unknown || token.typed !== undefined)) return null;
  if (!/^\p{Lu}/u.test(text.slice(token.start, token.end))) return null;
  let i = before.length - 1;
  for (let parts = 0; parts < LONGEST_NAME && isNamePart(text, before[i]); parts++) i--;
  return has(before[i], 'title') ? i : null;
}

const LONGEST_NAME = 3;

/** Not known, and in capitals. */
const isNamePart = (text: string, item: Item | undefined): boolean =>
  item !== undefined &&
  has(item, 'ignored') &&
  /^[\p{Lu}.'’-]/u.test(text.slice(item.span.start, item.span.end));

/** "bilateral opacities, L > R", "lower zones > upper": where there is more says nothing if both sides are named. */
function withoutComparisons(items: readonly Item[]): Item[] {
  const result = [...items];
  for (const [i, item] of items.entries()) {
    if (!has(item, 'more')) continue;
    const [from, to] = [comparedFrom(items, i), comparedTo(items, i)];
    const [first, last] = [items[from], items[i + 1]];
    const sides = isBareSide(first) && isBareSide(last) && from === i - 1 && to === i + 1;
    const heights = has(first, 'zone') && has(last, 'zone');
    if ((!sides && !heights) || has(items[to + 1], 'zone', 'organ', 'named', 'side')) continue;
    const others = items.filter((_, at) => at < from || at > to);
    if (!others.some(isOnBothSides)) continue;
    for (let at = from; at <= to; at++) result[at] = { marks: IGNORED, span: items[at]!.span };
  }
  return result;
}

/** The first item of what is more. */
function comparedFrom(items: readonly Item[], at: number): number {
  const organ = has(items[at - 1], 'organ') && !has(items[at - 1], 'zone');
  return organ ? at - 2 : at - 1;
}

function comparedTo(items: readonly Item[], at: number): number {
  const organ = has(items[at + 1], 'zone') && has(items[at + 2], 'organ');
  return organ ? at + 2 : at + 1;
}

function isBareSide(item: Item | undefined): boolean {
  const side = item && markOf(item, 'side')?.value;
  return side === 'left' || side === 'right';
}

const isOnBothSides = (item: Item): boolean =>
  markOf(item, 'side')?.value === 'both' || (markOf(item, 'named')?.value.length ?? 0) > 1;

/** "LLZ; RLZ - 2 patches": a semicolon in a list of places. */
function namesOnlyPlaces(items: readonly Item[]): boolean {
  const all = items.every((item) =>
    has(item, 'side', 'zone', 'named', 'organ', 'whole', 'and', 'comma', 'link', 'filler', 'range'),
  );
  return all && items.some((item) => has(item, 'zone', 'named') || (has(item, 'side') && items.length > 1));
}

/** What a sign means besides: a dash may be a comma, and a question mark may end a sentence. */
function asideMarks({ text }: Token, length: number, ends: boolean): readonly ItemMark[] {
  if (length > 1) return [];
  if (text === '-') return MARKS['-'] ?? [];
  return text === '?' && ends ? [{ kind: 'question' }] : [];
}

/** "r/v": letters that are not both sides, as in "L/R". */
function isLetters([a, slash, b]: readonly Token[], lexicon: Lexicon): boolean {
  const letter = (one: Token | undefined): boolean => one?.kind === 'word' && /^[a-z]$/.test(one.text);
  if (!letter(a) || slash?.text !== '/' || !letter(b) || slash.start !== a!.end || b!.start !== slash.end)
    return false;
  const isSide = (one: Token): boolean =>
    lexicon.match([one], 0)?.marks.some(({ kind }) => kind === 'side') ?? false;
  return !(isSide(a!) && isSide(b!));
}

/** "4L", "2.1 L" and "3d": no side, whatever the letter means elsewhere. */
function isUnitOf(before: Token | undefined, { kind, text, start }: Token): boolean {
  if (before?.kind !== 'number' || kind !== 'word' || /\p{Script=Han}/u.test(text)) return false;
  const glued = before.end === start;
  return glued ? text.length <= 3 : text.length === 1 && /[.,]/.test(before.text);
}

/** Tokens of a list's number: "1. ", "2) " or "3、" where a sentence begins or the number before has led to it. */
function numberingAt(tokens: readonly Token[], at: number, before: readonly Item[], last: number): number {
  const [token, next, after] = [tokens[at]!, tokens[at + 1], tokens[at + 2]];
  if (token.kind !== 'number' || !/^\d{1,2}$/.test(token.text) || !next || !after) return 0;
  const closed = next.start === token.end && ['.', ')', ':', '、'].includes(next.text);
  const dashed = next.text === '-' && next.start > token.end && after.kind !== 'number';
  if (!closed && !dashed) return 0;
  const first = before.every((item) => has(item, 'comma'));
  // "Impression: 1. ... 2. ...", not "Number: 1."
  const second = (one: Token, i: number): boolean =>
    i > at && one.text === '2' && tokens[i + 1]?.text === next.text;
  const listed = token.text === '1' && tokens.some(second);
  return first || listed || (last > 0 && Number(token.text) === last + 1) ? 2 : 0;
}

/** "Lt. sided": a full stop after a few letters and before a small letter, unless they end a note ("opacity RLL. heart normal"). */
function abbreviates(text: string, { start, end }: Span, before: readonly Item[]): boolean {
  const [last, other] = [before[before.length - 1], before[before.length - 2]];
  if (has(last, 'title')) return true;
  if (has(last, 'zone', 'named', 'organ', 'finding', 'clear', 'foreign', 'landmark', 'unit')) return false;
  if (has(last, 'side') && has(other, 'finding', 'organ')) return false;
  const heads = before.some((item) => has(item, 'finding', 'clear', 'foreign', 'landmark'));
  const opens = has(last, 'side') && !heads; // "Rt. Upper zone shows ..."
  return (
    text[start] === '.' &&
    /(?:^|[^\p{L}])\p{L}{1,3}$/u.test(text.slice(Math.max(0, start - 4), start)) &&
    (opens ? /^[^\S\n]+\p{L}/u : /^[^\S\n]+\p{Ll}/u).test(text.slice(end, end + 8))
  );
}

/** "Consolidation? The left lung is clear", not "? consolidation" or "shadowing ? collapse". */
function endsQuestion(text: string, { start, end }: Span, before: number): boolean {
  return (
    before > 0 && !/\s/u.test(text[start - 1] ?? ' ') && /^\s+\p{Lu}|^\s*$/u.test(text.slice(end, end + 8))
  );
}

function ownMarks(token: Token, lexicon: Lexicon): readonly ItemMark[] {
  if (token.kind === 'number') {
    const value = Number(token.text);
    if (value === 0) return UNREAD; // "consolidation: 0"
    return Number.isInteger(value) && value >= 1 && value <= 99 ? [{ kind: 'number', value }] : IGNORED;
  }
  if (token.kind === 'mark') return MARKS[token.text] ?? IGNORED;
  // "T8", "(b)"
  if (/^\p{L}{1,3}\p{N}+$/u.test(token.text) || /^[a-z]$/.test(token.text)) return IGNORED;
  const ends = (list: readonly string[]): boolean =>
    list.some((end) => token.text.length > end.length + 2 && token.text.endsWith(end));
  if (ends(lexicon.foreignEnds)) return FOREIGN;
  const harmless = ends(lexicon.harmless);
  if (!harmless && endsForeign(token.text, lexicon)) return FOREIGN;
  return harmless ? IGNORED : nearDecisive(token.text, lexicon) ? SLIP : UNREAD;
}

const LEAST_END = 5;

/** "Nierenzellkarzinom", "Oberarmfraktur": a compound is what its last part is, if that is foreign. */
function endsForeign(word: string, lexicon: Lexicon): boolean {
  if (!lexicon.language.compounds) return false;
  for (let i = 2; i + LEAST_END <= word.length; i++) {
    const text = word.slice(i);
    if (!lexicon.words.has(text)) continue;
    const found = lexicon.match([{ text, kind: 'word', start: 0, end: 0, hyphened: false }], 0);
    return found?.marks.every(({ kind }) => kind === 'foreign') ?? false;
  }
  return false;
}
