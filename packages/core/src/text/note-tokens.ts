/** A note's tokens by word, since people want one number per word. */

/**
 * `start`, `end`: CLIP's marks; `slip`: not in the vocabulary, and read as a word that is; `unknown`: not in the
 * vocabulary; `padding`: fills the context.
 */
export type NoteTokenKind = 'start' | 'word' | 'slip' | 'unknown' | 'end' | 'padding';

export interface NoteToken {
  readonly kind: NoteTokenKind;
  /** Piece of the word, or what a slip is read as; empty for marks and padding. */
  readonly text: string;
  /** Index into the note's words; null for marks, padding, and the unknown token of a note without words. */
  readonly word: number | null;
}

export interface NoteTokens {
  /** One per position of the context. */
  readonly tokens: readonly NoteToken[];
  /** In order and the tokeniser's spelling. Words without tokens were cut. */
  readonly words: readonly string[];
}

/** The tokens of a word, a mark, or all padding. */
export interface TokenGroup {
  readonly kind: NoteTokenKind;
  /** Empty for marks and padding. */
  readonly text: string;
  /** At least one index. */
  readonly tokens: readonly number[];
}

/** Groups tokens by word, in order; `cut` are words beyond the context. */
export function groupTokens({ tokens, words }: NoteTokens): { groups: TokenGroup[]; cut: string[] } {
  const groups: { kind: NoteTokenKind; text: string; tokens: number[]; word: number | null }[] = [];
  for (const [at, { kind, word }] of tokens.entries()) {
    const last = groups.at(-1);
    const together = last !== undefined && last.word === word && (word !== null || kind === 'padding');
    if (together && last.kind === kind) last.tokens.push(at);
    else groups.push({ kind, text: word === null ? '' : (words[word] ?? ''), tokens: [at], word });
  }
  const read = new Set(tokens.map(({ word }) => word));
  return {
    groups: groups.map(({ kind, text, tokens: own }) => ({ kind, text, tokens: own })),
    cut: words.filter((_, at) => !read.has(at)),
  };
}

/** The word, or the name of the mark. */
export function groupLabel({ kind, text }: TokenGroup): string {
  return text === '' ? `‹${kind}›` : text;
}

/** Sums values, one per token, by group. */
export function sumByGroup(groups: readonly TokenGroup[], values: ArrayLike<number>): number[] {
  return groups.map(({ tokens }) => tokens.reduce((sum, at) => sum + (values[at] ?? 0), 0));
}
