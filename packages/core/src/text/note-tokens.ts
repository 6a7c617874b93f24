/**
 * The tokens of a note as people read them: which word each belongs to, and which are marks or padding. What says where a model looks is a
 * number for each token; people want one for each word.
 */

/** `start`, `end`: CLIP's marks; `unknown`: a word that the vocabulary does not hold; `padding`: what fills the context. */
export type NoteTokenKind = 'start' | 'word' | 'unknown' | 'end' | 'padding';

/** One token. */
export interface NoteToken {
  readonly kind: NoteTokenKind;
  /** The piece of the word that it stands for; empty for marks and padding. */
  readonly text: string;
  /** Index into the note's words; null for marks and padding, and for the unknown token of a note without words. */
  readonly word: number | null;
}

/** A note as a model reads it. */
export interface NoteTokens {
  /** As many as the context is long. */
  readonly tokens: readonly NoteToken[];
  /** All words of the note in order, in the tokenizer's spelling. Those that no token belongs to were cut off. */
  readonly words: readonly string[];
}

/** Tokens that belong together: those of a word, a mark, or all padding. */
export interface TokenGroup {
  readonly kind: NoteTokenKind;
  /** The whole word; empty for marks and padding. */
  readonly text: string;
  /** Indices of its tokens, at least one. */
  readonly tokens: readonly number[];
}

/** The tokens grouped by word, in order; and the words that the context had no place for. */
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

/** How people are shown a group: the word, or what the mark is. */
export function groupLabel({ kind, text }: TokenGroup): string {
  return text === '' ? `‹${kind}›` : text;
}

/** A number for each group: the sum over its tokens. @param values one for each token. */
export function sumByGroup(groups: readonly TokenGroup[], values: ArrayLike<number>): number[] {
  return groups.map(({ tokens }) => tokens.reduce((sum, at) => sum + (values[at] ?? 0), 0));
}
