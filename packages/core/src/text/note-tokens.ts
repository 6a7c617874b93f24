/**
 * The tokens of a note as people read them: which word each belongs to, and which are marks or padding. Explanations
 * give a number per token; people want one per word.
 */

/** `start`, `end`: CLIP's marks; `unknown`: a word outside the vocabulary; `padding`: fills the context. */
export type NoteTokenKind = 'start' | 'word' | 'unknown' | 'end' | 'padding';

export interface NoteToken {
  readonly kind: NoteTokenKind;
  /** The piece of the word it stands for; empty for marks and padding. */
  readonly text: string;
  /** Index into the note's words; null for marks and padding, and for the unknown token of a note without words. */
  readonly word: number | null;
}

/** A note as a model reads it. */
export interface NoteTokens {
  /** One per position of the context. */
  readonly tokens: readonly NoteToken[];
  /** All words of the note in order, in the tokeniser's spelling. Words without tokens were cut off. */
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

/** Groups tokens by word, in order; also returns the words that did not fit the context. */
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

/** How a group is shown: the word, or the name of the mark. */
export function groupLabel({ kind, text }: TokenGroup): string {
  return text === '' ? `‹${kind}›` : text;
}

/** Sums values over the tokens of each group. @param values one per token. */
export function sumByGroup(groups: readonly TokenGroup[], values: ArrayLike<number>): number[] {
  return groups.map(({ tokens }) => tokens.reduce((sum, at) => sum + (values[at] ?? 0), 0));
}
