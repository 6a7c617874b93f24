/**
 * Finds masks turned against their images, masks of neighbouring cases, inverted masks and images, by the
 * set's own map from images to masks (`fit.ts`).
 *
 * If all masks are wrong alike, maps are fitted to each rival, and the images explain the right one best: a
 * paired t over the cases' squared errors. One split's masks (`splits.ts`) and single ones (`singles.ts`) are
 * judged by the map of all masks as they are.
 */
import { THUMB as S } from '../measure/thumbnail.js';
import { fitTargets } from './fit.js';
import { CLEAR, CLEAR_GAIN, meanOf, rate, spreadOf, turned } from './rate.js';
import { singleSuspicions } from './singles.js';
import { neighbours, ofShift, splitSuspicions } from './splits.js';
import { STRAIGHT_TURNS, TURN_WORDS, turnedFrom, TURNS } from './turns.js';
import { type Subject, suspicion, type Suspicion, type Turn } from './types.js';

const LEAST_CASES = 10;
/** In order of names. */
const SHIFTS = [-2, -1, 1, 2];

/** @param copies with a turned copy; not reported as negatives */
export function pairSuspicions(
  subjects: readonly Subject[],
  copies: ReadonlySet<Subject> = new Set(),
): Suspicion[] {
  const usable = subjects.filter(
    ({ measure }) => measure.foreground > 0 && measure.foreground < 1 && measure.grey8.sd > 1,
  );
  if (usable.length < LEAST_CASES) return [];
  const square = usable.every(({ measure }) => measure.width === measure.height);
  const turns: readonly Turn[] = square ? TURNS : STRAIGHT_TURNS;
  const masks = usable.map(({ measure }) => Float64Array.from(measure.shape, (value) => value / 255));
  const all = wholeSet(usable, masks, turns);
  if (all.length > 0) return all;
  const ratings = rate(usable, masks, turns, SHIFTS);
  const parts = splitSuspicions(usable, ratings);
  const told = new Set(parts.flatMap(({ cases }) => cases.map(({ split }) => split)));
  return [...parts, ...singleSuspicions(usable, masks, ratings, told, copies)];
}

/** Null if a case has no such neighbour. */
interface Rival {
  readonly turn?: Turn;
  readonly shift?: number;
  readonly mask: (at: number) => Float64Array | null;
}

function wholeSet(
  subjects: readonly Subject[],
  masks: readonly Float64Array[],
  turns: readonly Turn[],
): Suspicion[] {
  const own = (at: number): Float64Array => masks[at] as Float64Array;
  const rivals: Rival[] = [
    ...turns.map((turn): Rival => {
      const from = turnedFrom(turn, S);
      return { turn, mask: (at) => turned(own(at), from) };
    }),
    ...SHIFTS.map((shift): Rival => ({
      shift,
      mask: (at) =>
        subjects[at + shift]?.split === subjects[at]?.split ? (masks[at + shift] ?? null) : null,
    })),
  ];
  const { chosen, errors, correlations } = fitTargets(subjects, [own, ...rivals.map(({ mask }) => mask)]);
  const variance = meanOf(chosen.map((at) => spreadOf(own(at))));
  let best: { rival: Rival; t: number; gain: number } | null = null;
  for (const [r, rival] of rivals.entries()) {
    const gains = chosen.flatMap((_, i) => {
      if (rival.turn === undefined) {
        // Another case's mask differs in size, and so do errors.
        const gained = valueOf(correlations, r + 1, i) - valueOf(correlations, 0, i);
        return Number.isNaN(gained) ? [] : [gained];
      }
      return [(valueOf(errors, 0, i) - valueOf(errors, r + 1, i)) / variance];
    });
    const gain = meanOf(gains);
    const t = gain / Math.sqrt(spreadOf(gains) / gains.length);
    if (gains.length >= LEAST_CASES && t > CLEAR && gain > CLEAR_GAIN && (best === null || t > best.t))
      best = { rival, t, gain };
  }
  if (best === null) return [];
  const { turn, shift } = best.rival;
  if (turn !== undefined) {
    const cases = subjects.map(({ split, id }) => ({ split, id, turn }));
    return [
      suspicion(
        'PAIRS_TURNED',
        `all masks look ${TURN_WORDS[turn]} against their images (the images explain ${points(best.gain)} points more of the masks the other way round)`,
        cases,
      ),
    ];
  }
  const cases = neighbours(subjects, subjects, shift as number);
  return [
    suspicion(
      'PAIRS_SHIFTED',
      `masks look like those of other cases, ${ofShift(shift as number)} (what the images make expect correlates with those by ${best.gain.toFixed(2)} more)`,
      cases,
    ),
  ];
}

const points = (share: number): string => (100 * share).toFixed(1);

const valueOf = (table: readonly Float64Array[], row: number, i: number): number =>
  (table[row] as Float64Array)[i] as number;
