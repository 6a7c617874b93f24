/**
 * Finds splits whose masks are all turned, or all the neighbouring case's, unlike the others: a step that ran
 * on one folder only.
 */
import { SPLITS } from '../types.js';
import { CLEAR, CLEAR_GAIN, meanOf, type Ratings, spreadOf } from './rate.js';
import { TURN_WORDS } from './turns.js';
import { type Subject, type SuspectCase, suspicion, type Suspicion } from './types.js';

const LEAST_CASES = 10;

export function splitSuspicions(
  subjects: readonly Subject[],
  { own, turned, shifted }: Ratings,
): Suspicion[] {
  const splits = SPLITS.filter((split) => subjects.some((one) => one.split === split));
  if (splits.length < 2) return [];
  return splits.flatMap((split): Suspicion[] => {
    const at = subjects.flatMap((one, i) => (one.split === split ? [i] : []));
    const cases = at.map((i) => subjects[i] as Subject);
    const gainsOf = (values: Float64Array): number[] =>
      at.map((i) => (values[i] as number) - (own[i] as number)).filter((gain) => !Number.isNaN(gain));
    const rated = [
      ...turned.map(({ turn, values }) => ({ turn, shift: null, ...clearness(gainsOf(values)) })),
      ...shifted.map(({ shift, values }) => ({ turn: null, shift, ...clearness(gainsOf(values)) })),
    ];
    const best = rated.filter(({ t, gain }) => t > CLEAR && gain > CLEAR_GAIN).sort((a, b) => b.t - a.t)[0];
    if (best === undefined) return [];
    const { turn, shift, gain } = best;
    const more = `(what the images make expect correlates with those by ${gain.toFixed(2)} more)`;
    if (turn === null)
      return [
        suspicion('PAIRS_SHIFTED', `masks of ${split} look like those of other cases, ${ofShift(shift)} ${more}`, neighbours(subjects, cases, shift)), // prettier-ignore
      ];
    return [
      suspicion('PAIRS_TURNED', `all masks of ${split} look ${TURN_WORDS[turn]} against their images ${more}`, cases.map((one) => ({ split, id: one.id, turn }))), // prettier-ignore
    ];
  });
}

/** `1 after in the order of names`. */
export const ofShift = (shift: number): string =>
  `${Math.abs(shift)} ${shift > 0 ? 'after' : 'before'} in the order of names`;

export function neighbours(
  subjects: readonly Subject[],
  cases: readonly Subject[],
  shift: number,
): SuspectCase[] {
  const wanted = new Set(cases);
  return subjects.flatMap((one, at) => {
    const other = subjects[at + shift];
    return wanted.has(one) && other?.split === one.split
      ? [{ split: one.split, id: one.id, other: { split: other.split, id: other.id } }]
      : [];
  });
}

function clearness(gains: readonly number[]): { t: number; gain: number } {
  if (gains.length < LEAST_CASES) return { t: 0, gain: 0 };
  const gain = meanOf(gains);
  return { t: gain / Math.sqrt(spreadOf(gains) / gains.length), gain };
}
