/** A sentence as known phrases, numbers, marks and unknown words. */
import type { Span } from './free-note.js';
import type { Lexicon, Mark } from './lexicon.js';
import type { Token } from './tokens.js';

export type ItemMark =
  | Mark
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'comma' | 'colon' | 'slash' | 'ignored' | 'unread' };

export type ItemKind = ItemMark['kind'];

export interface Item {
  readonly marks: readonly ItemMark[];
  readonly span: Span;
  /** The misspelt text, if a word was mended. */
  readonly typed?: string;
}

const UNREAD: readonly ItemMark[] = [{ kind: 'unread' }];
const IGNORED: readonly ItemMark[] = [{ kind: 'ignored' }];
const MARKS: Readonly<Record<string, readonly ItemMark[]>> = {
  ',': [{ kind: 'comma' }],
  '(': [{ kind: 'comma' }],
  ')': [{ kind: 'comma' }],
  '-': [{ kind: 'comma' }],
  ':': [{ kind: 'colon' }],
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
  const close = (): void => {
    if (items.length > 0) sentences.push(items);
    items = [];
  };
  for (let i = 0; i < tokens.length;) {
    const token = tokens[i]!;
    const found = lexicon.match(tokens, i);
    const used = tokens.slice(i, i + (found?.length ?? 1));
    const typed = used.find((one) => one.typed !== undefined)?.typed;
    const span = { start: token.start, end: used[used.length - 1]!.end };
    i += used.length;
    const stops = used.length === 1 && STOPS.has(token.text) && !abbreviates(text, span);
    const asks = stops && token.text === '?' && !endsQuestion(text, span, items.length);
    const marks = found?.marks ?? (stops ? [] : ownMarks(token, lexicon));
    if (marks.length > 0) items.push({ marks, span, ...(typed === undefined ? {} : { typed }) });
    if (stops && !asks) close();
  }
  close();
  return sentences;
}

/** "Lt. sided": a full stop after a few letters and before a small letter. */
function abbreviates(text: string, { start, end }: Span): boolean {
  return (
    text[start] === '.' &&
    /(?:^|[^\p{L}])\p{L}{1,3}$/u.test(text.slice(Math.max(0, start - 4), start)) &&
    /^[^\S\n]+\p{Ll}/u.test(text.slice(end, end + 8))
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
    return Number.isInteger(value) && value >= 1 && value <= 99 ? [{ kind: 'number', value }] : IGNORED;
  }
  if (token.kind === 'mark') return MARKS[token.text] ?? IGNORED;
  const harmless = lexicon.harmless.some(
    (end) => token.text.length > end.length + 2 && token.text.endsWith(end),
  );
  return harmless ? IGNORED : UNREAD;
}
