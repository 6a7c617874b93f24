/**
 * What an exported model says of its interest (paper, eq. 3): where in the image it looks, and at which words of the note.
 *
 * N patches, T tokens.
 */
import { ReclmisError } from './errors.js';
import { groupTokens, type NoteTokens, sumByGroup } from './text/note-tokens.js';
import { inOneForm } from './text/words.js';

/** A word of the note that the model read. */
export interface InterestingWord {
  /** As the note has it. */
  readonly text: string;
  /** From this character of the note (UTF-16, as `slice` counts). */
  readonly start: number;
  /** Up to, but without, this one. */
  readonly end: number;
  /** Its share of the interest, 0 to 1. All words sum to 1 with the marks that CLIP's tokeniser adds. */
  readonly weight: number;
}

export interface Interest {
  /** Patches of interest: height x width values, row by row, which sum to 1. Patch and patch cover the whole image. */
  readonly map: Float32Array;
  /** Patches in a row. */
  readonly width: number;
  /** Rows of patches. */
  readonly height: number;
  /** Words of interest, in the note's order; words beyond the model's context are absent. */
  readonly words: readonly InterestingWord[];
}

/** Shares of patches [N] and tokens [T], each with the sum 1; padding has 0. */
export interface InterestShares {
  readonly patches: Float32Array;
  readonly tokens: Float32Array;
}

/**
 * Reads a case's row of the output `manifest.segmenter.interest`.
 * @param row [N+T]: shares of the patches, then the tokens' scores @param patches N @throws INFERENCE_FAILED if the
 * values are no shares and scores
 */
export function interestShares(
  row: Float32Array,
  patches: number,
  { tokens }: Pick<NoteTokens, 'tokens'>,
): InterestShares {
  const expected = patches + tokens.length;
  if (row.length !== expected)
    throw new ReclmisError('INFERENCE_FAILED', `interest: expected ${expected} values, got ${row.length}`);
  if (!row.every(Number.isFinite))
    throw new ReclmisError('INFERENCE_FAILED', 'interest: the model gave values that are no numbers');
  const scores = row.subarray(patches);
  const read = tokens.map(({ kind }) => kind !== 'padding');
  const most = Math.max(...scores.filter((_, t) => read[t]));
  const powers = scores.map((score, t) => (read[t] ? Math.exp(score - most) : 0));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { patches: row.slice(0, patches), tokens: powers.map((power) => power / sum) };
}

/** The note's words with their shares. @param note that the tokens are of */
export function interestingWords(note: string, tokens: NoteTokens, shares: Float32Array): InterestingWord[] {
  const { groups } = groupTokens(tokens);
  const weights = sumByGroup(groups, shares);
  const { form, at } = inForm(note);
  let from = 0;
  return groups.flatMap(({ text }, i) => {
    if (text === '') return []; // a mark, or padding
    const found = form.indexOf(text, from);
    if (found < 0) return []; // an HTML entity, which CLIP reads as its character
    from = found + text.length;
    const [start, end] = [at[found]!, at[from]!];
    return [{ text: note.slice(start, end), start, end, weight: weights[i]! }];
  });
}

/** A note as tokenisers spell it, and where each character of that comes from. */
function inForm(note: string): { readonly form: string; readonly at: readonly number[] } {
  let form = '';
  const at: number[] = [];
  for (const { 0: letter, index } of note.matchAll(/\P{M}\p{M}*|\p{M}+/gsu)) {
    const own = inOneForm(letter).replaceAll('\u2019', "'");
    for (let i = 0; i < own.length; i++) at.push(index);
    form += own;
  }
  return { form, at: [...at, note.length] };
}
