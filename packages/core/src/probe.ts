/**
 * A synthetic case whose expected output is in the manifest, to check a device first: a GPU driver may
 * silently compute wrong results, which a mask does not show. S side of the model's input.
 */
import { Random } from './random.js';

/** Pixels recorded in the manifest. */
export const PROBE_PIXELS = 256;
/** Words missing from a vocabulary do no harm. */
export const PROBE_NOTE =
  'Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.';
/** Clamp of log-odds: float32 holds 1 - 1e-5 to 1 % of its distance from 1. */
const LEAST = 1e-5;
const BLOCKS = 8;

/** [3,S,S] in [0,1]: blocks of random colours with 20 % noise. */
export function probePlanes(size: number): Float32Array {
  const random = Random.from('probe', size);
  const colours = Float32Array.from({ length: 3 * BLOCKS * BLOCKS }, () => random.next());
  return Float32Array.from({ length: 3 * size * size }, (_, i) => {
    const [channel, y, x] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
    const block = Math.floor((y * BLOCKS) / size) * BLOCKS + Math.floor((x * BLOCKS) / size);
    return 0.8 * (colours[channel * BLOCKS * BLOCKS + block] ?? 0) + 0.2 * random.next();
  });
}

/** Values of [S,S] at corners, which show padding errors, and random other pixels. */
export function probeValues(probability: Float32Array, size: number): number[] {
  const random = Random.from('probe pixels', size);
  const last = size - 1;
  const corners = [0, last, last * size, last * size + last];
  return Array.from({ length: PROBE_PIXELS }, (_, i) => {
    return probability[corners[i] ?? random.int(size * size)] ?? Number.NaN;
  });
}

/** The largest in log-odds; NaN if one is not a number. */
export function probeDifference(expected: readonly number[], actual: readonly number[]): number {
  return expected.reduce((worst, value, i) => {
    return Math.max(worst, Math.abs(logOdds(value) - logOdds(actual[i] ?? Number.NaN)));
  }, 0);
}

function logOdds(probability: number): number {
  const bounded = Math.min(1 - LEAST, Math.max(LEAST, probability));
  return Math.log(bounded / (1 - bounded));
}
