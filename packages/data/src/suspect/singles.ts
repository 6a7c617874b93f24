/**
 * Finds single turned masks and single negatives. a and b are the correlations of a case's mask and of the
 * rival with the map's expectation. A wrong pair has them exchanged, so log p(b, a) - log p(a, b), with the
 * set's own trimmed normal distribution, measures how much better the rival is. Limits:
 * docs/guide/check-data.md.
 */
import { THUMB as S } from '../measure/thumbnail.js';
import type { Split } from '../types.js';
import { meanOf, type Ratings, turned } from './rate.js';
import { STRAIGHT_TURNS, TURN_WORDS, turnedFrom } from './turns.js';
import { counted, quantile, type Subject, suspicion, type Suspicion, type Turn } from './types.js';
import { shareIn, zonesNamed } from './zones.js';

/** For straight and quarter turns; QaTa-COV19's 7,669 pairs have at most 6.8 and 9.0. */
const STRAIGHT_ODDS = 7.5;
const QUARTER_ODDS = 10;
/** If the mask is outside the zones of its note, and inside when turned. */
const ODDS_WITH_NOTE = 5;
const OUTSIDE = 0.25;
const INSIDE = 0.75;
const INVERTED_ODDS = 7.5;
/** A clean set sometimes reaches these odds; how often, and how improbable their number must be. */
const OFTEN_ODDS = 5;
const OFTEN = 0.003;
const IMPROBABLE = 1e-5;

/** @param told splits with all masks reported already @param copies with a turned copy: not negatives */
export function singleSuspicions(
  subjects: readonly Subject[],
  masks: readonly Float64Array[],
  { own, turned: ofTurned, inverted: ofInverted }: Ratings,
  told: ReadonlySet<Split>,
  copies: ReadonlySet<Subject>,
): Suspicion[] {
  const isTold = (i: number): boolean => told.has((subjects[i] as Subject).split);
  const turns = ofTurned.map(({ turn }) => turn);
  const froms = turns.map((turn) => turnedFrom(turn, S));
  const odds = [...ofTurned.map(({ values }) => values), ofInverted].map((values) => logOdds(own, values));
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
  const often = best.filter(({ i, value }) => !isTold(i) && value > OFTEN_ODDS).length;
  const many = poissonTail(often, OFTEN * subjects.length) < IMPROBABLE;
  const picked = best
    .filter(({ i, value, certain }) => !isTold(i) && (certain || (many && value > OFTEN_ODDS)))
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
    .filter(
      // A turned mask sometimes fits the inverted image.
      ({ value, i }) =>
        value > INVERTED_ODDS &&
        !isTold(i) &&
        !copies.has(subjects[i] as Subject) &&
        best[i]?.certain !== true,
    )
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
  // Corrects for trimming to the inner nine tenths.
  [caa, cab, cbb] = [1.6 * caa, 1.6 * cab, 1.6 * cbb];
  return Float64Array.from(a, (x, i) => (distance(x, b[i] as number) - distance(b[i] as number, x)) / 2);
}

/** `count` or more if `mean` are expected. */
export function poissonTail(count: number, mean: number): number {
  let term = Math.exp(-mean);
  let below = 0;
  for (let k = 0; k < count; k++) {
    below += term;
    term *= mean / (k + 1);
  }
  return Math.max(0, 1 - below);
}
