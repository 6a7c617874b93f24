/**
 * Finds sets whose masks are all displaced by 6 to 16 pixels the same way, e.g. by a crop: edges are
 * strongest away from the outlines (`measure/edges.ts`).
 */
import { EDGE_SIDE, EDGE_STEP, edgeScale } from '../measure/edges.js';
import { SPLITS } from '../types.js';
import { counted, median, placeOf, type Subject, suspicion, type Suspicion } from './types.js';

/** Fewer may agree by chance (docs/guide/check-data.md). */
const LEAST_CASES = 20;
const LEAST_MOVE = 6;
/** t of the comparison with the masks in place. */
const CLEAR = 5;
/** Relative to the mean of all moves: gain over the masks in place, and least peak. */
const GAIN = 0.1;
const PEAK = 1.2;
const MIDDLE = Math.floor(EDGE_SIDE / 2);

/** Suspicions about the whole set, else about each split. */
export function displacedSuspicions(subjects: readonly Subject[]): Suspicion[] {
  const groups = [subjects, ...SPLITS.map((split) => subjects.filter((one) => one.split === split))];
  const [all, ...parts] = groups.map((group) => ({ group, move: displacement(group) }));
  const found = all?.move ? [all] : parts.filter(({ move }) => move !== null);
  return found.flatMap(({ group, move }) => {
    if (move === null) return [];
    const scale = median(group.map(({ measure }) => edgeScale(measure.width, measure.height)));
    const whose = group === subjects ? 'all' : group[0]?.split;
    return [
      suspicion(
        'PAIRS_DISPLACED',
        `${whose} masks lie beside the edges of their images, ${direction(scale * move.x, scale * move.y)} (the edges of ${counted(move.cases, 'image')} are ${move.times.toFixed(1)} times as strong there)`,
        group.map(placeOf),
      ),
    ];
  });
}

interface Move {
  /** Moves masks right and down, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly cases: number;
  readonly times: number;
}

/** Null if no move makes masks fit clearly better. */
export function displacement(subjects: readonly Subject[]): Move | null {
  const edges = subjects.flatMap(({ measure }) => measure.edges ?? []);
  if (edges.length < LEAST_CASES) return null;
  const sums = new Float64Array(EDGE_SIDE * EDGE_SIDE);
  for (const one of edges)
    for (const [k, value] of one.entries()) sums[k] = (sums[k] as number) + value / edges.length;
  const place = MIDDLE * EDGE_SIDE + MIDDLE;
  const best = sums.reduce((top, value, k) => (value > (sums[top] as number) ? k : top), place);
  const [x, y] = [(best % EDGE_SIDE) - MIDDLE, Math.floor(best / EDGE_SIDE) - MIDDLE];
  // At the rim of the grid it may be any flank.
  if (EDGE_STEP * Math.hypot(x, y) < LEAST_MOVE || Math.max(Math.abs(x), Math.abs(y)) === MIDDLE) return null;
  const [there, here] = [sums[best] as number, sums[place] as number];
  const gains = edges.map((one) => (one[best] as number) - (one[place] as number));
  const gain = there - here;
  const variance = gains.reduce((sum, value) => sum + (value - gain) ** 2, 0) / (gains.length - 1);
  const clear = gain / Math.sqrt(variance / gains.length) > CLEAR;
  if (!clear || gain < GAIN || there < PEAK) return null;
  return { x: EDGE_STEP * x, y: EDGE_STEP * y, cases: edges.length, times: there / Math.max(here, 1e-3) };
}

/** Where masks are that need such a move. */
function direction(x: number, y: number): string {
  const parts = [
    ...(x === 0 ? [] : [`${Math.abs(x)} pixels too far to the ${x > 0 ? 'left' : 'right'}`]),
    ...(y === 0 ? [] : [`${Math.abs(y)} pixels too ${y > 0 ? 'high' : 'low'}`]),
  ];
  return parts.join(' and ');
}
