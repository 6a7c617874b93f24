/** How well a set's masks and their rivals fit its map (`fit.ts`). */
import { THUMB as S } from '../measure/thumbnail.js';
import { correlation, expectation, fitTargets } from './fit.js';
import { turnedFrom } from './turns.js';
import type { Subject, Turn } from './types.js';

/** Paired t that a rival needs for all cases or a split, ... */
export const CLEAR = 4;
/** ... and the variance or correlation it must add. */
export const CLEAR_GAIN = 0.01;

/** Correlations with the map's expectation, per case. */
export interface Ratings {
  readonly own: Float64Array;
  readonly turned: readonly { readonly turn: Turn; readonly values: Float64Array }[];
  /** NaN if there is none. */
  readonly shifted: readonly { readonly shift: number; readonly values: Float64Array }[];
  /** The masks as they are, images inverted. */
  readonly inverted: Float64Array;
}

export function rate(
  subjects: readonly Subject[],
  masks: readonly Float64Array[],
  turns: readonly Turn[],
  shifts: readonly number[],
): Ratings {
  const { maps } = fitTargets(subjects, [(at) => masks[at] as Float64Array]);
  const expected = expectation(maps[0] as Float64Array);
  const table = (): Float64Array => new Float64Array(subjects.length);
  const [own, ofInverted] = [table(), table()];
  const ofTurned = turns.map((turn) => ({ turn, from: turnedFrom(turn, S), values: table() }));
  const ofShifted = shifts.map((shift) => ({ shift, values: table() }));
  for (const [i, { split, measure }] of subjects.entries()) {
    const mask = masks[i] as Float64Array;
    const { upright, inverted } = expected(measure.picture);
    own[i] = correlation(mask, upright);
    ofInverted[i] = correlation(mask, inverted);
    for (const { from, values } of ofTurned) values[i] = correlation(turned(mask, from), upright);
    for (const { shift, values } of ofShifted) {
      const other = subjects[i + shift]?.split === split ? masks[i + shift] : undefined;
      values[i] = other === undefined ? NaN : correlation(other, upright);
    }
  }
  return { own, turned: ofTurned, shifted: ofShifted, inverted: ofInverted };
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Slightly above 0 for equal values. */
export function spreadOf(values: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i] as number;
    squares += (values[i] as number) ** 2;
  }
  return Math.max(1e-6, squares / values.length - (sum / values.length) ** 2);
}

export function turned(mask: Float64Array, from: Int32Array): Float64Array {
  const out = new Float64Array(S * S);
  for (let p = 0; p < S * S; p++) out[p] = mask[from[p] as number] as number;
  return out;
}
