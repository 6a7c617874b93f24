/**
 * Masks that are turned against their images, masks of the neighbouring case, inverted masks and images: each is a rival explanation of a pair,
 * which the data set's own map from images to masks (`fit.ts`) judges.
 *
 * All masks alike: a map is fitted to the masks as they are and to those of each rival; the images explain the right ones best. The squared errors
 * of the cases are compared pair by pair, so that chance is bounded by a paired t.
 *
 * Single cases: a, the correlation of a mask with what the map expects, and b, that of the rival. A pair that is wrong has a and b exchanged, so
 * log p(b, a) - log p(a, b), with the set's own (trimmed) normal distribution of (a, b), is how much better the rival explains the case. The limits
 * are measured on QaTa-COV19, MoNuSeg and phantoms (docs/guide/check-data.md).
 */
import { THUMB as S } from '../measure/thumbnail.js';
import { correlation, expectation, fitTargets } from './fit.js';
import { STRAIGHT_TURNS, TURN_WORDS, turnedFrom, TURNS } from './turns.js';
import { counted, quantile, type Subject, suspicion, type Suspicion, type Turn } from './types.js';
import { shareIn, zonesNamed } from './zones.js';

const CELLS = S * S;
/** Fewer cases say nothing about what is usual. */
const LEAST_CASES = 10;
/** A rival of all cases needs this t, ... */
const CLEAR = 4;
/** ... and so much more of the masks explained, as a share of their variance. */
const CLEAR_GAIN = 0.01;
/** Neighbours, in the order of names, whose masks a case may have. */
const SHIFTS = [-2, -1, 1, 2];
/** Log-odds of a single case by its image alone, for straight and for quarter turns: the highest of QaTa-COV19's 7,669 pairs are 6.8 and 9.0. */
const STRAIGHT_ODDS = 7.5;
const QUARTER_ODDS = 10;
/** Where the mask also lies outside the zones that its note names, and turned lies in them, less is enough. */
const ODDS_WITH_NOTE = 5;
const OUTSIDE = 0.25;
const INSIDE = 0.75;
const INVERTED_ODDS = 7.5;
/** Log-odds that a clean set reaches now and then, how often, and how improbable their number must be. */
const OFTEN_ODDS = 5;
const OFTEN = 0.003;
const IMPROBABLE = 1e-5;

export function pairSuspicions(subjects: readonly Subject[]): Suspicion[] {
  const usable = subjects.filter(
    ({ measure }) => measure.foreground > 0 && measure.foreground < 1 && measure.grey8.sd > 1,
  );
  if (usable.length < LEAST_CASES) return [];
  const square = usable.every(({ measure }) => measure.width === measure.height);
  const turns: readonly Turn[] = square ? TURNS : STRAIGHT_TURNS;
  const masks = usable.map(({ measure }) => Float64Array.from(measure.shape, (value) => value / 255));
  const all = wholeSet(usable, masks, turns);
  return all.length > 0 ? all : singleCases(usable, masks, turns);
}

/** The cases' masks under a rival of the whole set; null where a case has no such neighbour. */
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
        // Another case's mask is larger or smaller, and so are its errors; correlations compare.
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
  const cases = subjects.flatMap(({ split, id }, at) => {
    const other = subjects[at + (shift as number)];
    return other?.split === split ? [{ split, id, other: { split, id: other.id } }] : [];
  });
  return [
    suspicion(
      'PAIRS_SHIFTED',
      `masks look like those of other cases, ${Math.abs(shift as number)} ${(shift as number) > 0 ? 'after' : 'before'} in the order of names (what the images make expect correlates with those by ${best.gain.toFixed(2)} more)`,
      cases,
    ),
  ];
}

function singleCases(
  subjects: readonly Subject[],
  masks: readonly Float64Array[],
  turns: readonly Turn[],
): Suspicion[] {
  const { maps } = fitTargets(subjects, [(at) => masks[at] as Float64Array]);
  const expected = expectation(maps[0] as Float64Array);
  const froms = turns.map((turn) => turnedFrom(turn, S));
  const own = new Float64Array(subjects.length);
  const rival = [...turns, 'inverted'].map(() => new Float64Array(subjects.length));
  for (const [i, { measure }] of subjects.entries()) {
    const mask = masks[i] as Float64Array;
    const { upright, inverted } = expected(measure.picture);
    own[i] = correlation(mask, upright);
    for (const [t, from] of froms.entries())
      (rival[t] as Float64Array)[i] = correlation(turned(mask, from), upright);
    (rival[turns.length] as Float64Array)[i] = correlation(mask, inverted);
  }
  const odds = rival.map((values) => logOdds(own, values));
  const zones = zonesNamed(subjects, masks);
  const found: Suspicion[] = [];
  const best = subjects.map((_, i) => {
    const rated = turns.map((turn, at) => {
      const value = (odds[at] as Float64Array)[i] as number;
      const mask = masks[i] as Float64Array;
      const named = zones[i] ?? null;
      const note =
        named !== null &&
        value > ODDS_WITH_NOTE &&
        shareIn(mask, named) < OUTSIDE &&
        shareIn(turned(mask, froms[at] as Int32Array), named) > INSIDE;
      const usual = (STRAIGHT_TURNS as readonly Turn[]).includes(turn) ? STRAIGHT_ODDS : QUARTER_ODDS;
      return { i, turn, value, certain: value > (note ? ODDS_WITH_NOTE : usual) };
    });
    return rated.reduce((a, b) => ((b.certain === a.certain ? b.value > a.value : b.certain) ? b : a));
  });
  const often = best.filter(({ value }) => value > OFTEN_ODDS).length;
  const many = poissonTail(often, OFTEN * subjects.length) < IMPROBABLE;
  const picked = best
    .filter(({ value, certain }) => certain || (many && value > OFTEN_ODDS))
    .sort((a, b) => b.value - a.value);
  if (picked.length > 0) {
    const cases = picked.map(({ i, turn }) => {
      const { split, id } = subjects[i] as Subject;
      return { split, id, why: TURN_WORDS[turn], turn };
    });
    found.push(
      suspicion(
        'PAIRS_TURNED',
        `${counted(cases.length, 'mask looks', 'masks look')} turned against the image`,
        cases,
      ),
    );
  }
  const last = odds[turns.length] as Float64Array;
  const inverted = Array.from(last, (value, i) => ({ value, i }))
    .filter(({ value }) => value > INVERTED_ODDS)
    .sort((a, b) => b.value - a.value)
    .map(({ i }) => ({ split: (subjects[i] as Subject).split, id: (subjects[i] as Subject).id }));
  if (inverted.length > 0)
    found.push(
      suspicion(
        'IMAGES_INVERTED',
        `${counted(inverted.length, 'image looks', 'images look')} inverted, light for dark, against the rest`,
        inverted,
      ),
    );
  return found;
}

/** log p(b, a) - log p(a, b) for each case, by the trimmed normal distribution of the pairs. */
export function logOdds(a: Float64Array, b: Float64Array): Float64Array {
  let keep = Array.from(a, (_, i) => i);
  let [ma, mb, caa, cab, cbb] = [0, 0, 0, 0, 0];
  const distance = (x: number, y: number): number => {
    const det = caa * cbb - cab * cab;
    const [dx, dy] = [x - ma, y - mb];
    return (cbb * dx * dx - 2 * cab * dx * dy + caa * dy * dy) / det;
  };
  for (let round = 0; round < 3; round++) {
    ma = meanOf(keep.map((i) => a[i] as number));
    mb = meanOf(keep.map((i) => b[i] as number));
    const product = (x: Float64Array, mx: number, y: Float64Array, my: number): number =>
      meanOf(keep.map((i) => ((x[i] as number) - mx) * ((y[i] as number) - my)));
    [caa, cab, cbb] = [product(a, ma, a, ma) + 1e-4, product(a, ma, b, mb), product(b, mb, b, mb) + 1e-4];
    if (round === 2) break;
    const far = Array.from(a, (value, i) => distance(value, b[i] as number));
    const limit = quantile(far, 0.9);
    keep = keep.filter((i) => (far[i] as number) <= limit);
  }
  // The spread of the inner nine tenths is this much less than that of all.
  [caa, cab, cbb] = [1.6 * caa, 1.6 * cab, 1.6 * cbb];
  return Float64Array.from(a, (x, i) => (distance(x, b[i] as number) - distance(b[i] as number, x)) / 2);
}

/** The chance of `count` or more where `mean` are expected. */
export function poissonTail(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let below = 0;
  for (let k = 0; k < count; k++) {
    below += term;
    term *= mean / (k + 1);
  }
  return Math.max(0, 1 - below);
}

const points = (share: number): string => (100 * share).toFixed(1);

const valueOf = (table: readonly Float64Array[], row: number, i: number): number =>
  (table[row] as Float64Array)[i] as number;

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Mean square deviation; a little above 0 of equal values. */
function spreadOf(values: ArrayLike<number>): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i] as number;
    squares += (values[i] as number) ** 2;
  }
  return Math.max(1e-6, squares / values.length - (sum / values.length) ** 2);
}

function turned(mask: Float64Array, from: Int32Array): Float64Array {
  const out = new Float64Array(CELLS);
  for (let p = 0; p < CELLS; p++) out[p] = mask[from[p] as number] as number;
  return out;
}
