/**
 * Bootstrap intervals (Efron, "Bootstrap methods: another look at the jackknife", 1979). Images of one
 * patient are alike, so whole patients are drawn (cluster bootstrap; Field and Welsh, JRSS B 69, 2007).
 * Statistics are functions of sums over images, summed once per group.
 */
import { ReclmisError } from '../errors.js';
import { quantileOfSorted } from '../quantile.js';
import { Random } from '../random.js';

export interface Interval {
  readonly value: number;
  /** NaN if undefined in all or nearly all resamples. */
  readonly low: number;
  readonly high: number;
}

export interface PairedDifference extends Interval {
  /**
   * Two-sided p-value of no difference: twice the smaller share of resamples on either side of 0 (inclusive),
   * at most 1, with one added to count and number, so never 0. NaN if undefined.
   */
  readonly p: number;
}

export interface BootstrapOptions {
  /** Default 2000: 2.5 % of them are 50 resamples. */
  readonly resamples?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default 0.95. */
  readonly confidence?: number;
}

/** Sums of the same quantities for each group. */
export interface GroupedSums {
  readonly width: number;
  /** [groups x width], row by row. */
  readonly sums: Float64Array;
}

/**
 * @param rows each of `width` numbers.
 * @param groups the group of each. @throws INTERNAL if lengths differ
 */
export function groupSums(rows: readonly ArrayLike<number>[], groups: readonly string[]): GroupedSums {
  const width = rows[0]?.length ?? 0;
  if (rows.length !== groups.length || rows.some((row) => row.length !== width)) {
    throw new ReclmisError(
      'INTERNAL',
      `groupSums: expected ${rows.length} groups and rows of ${width} numbers`,
    );
  }
  const order = new Map<string, number>();
  for (const group of groups) if (!order.has(group)) order.set(group, order.size);
  const sums = new Float64Array(order.size * width);
  rows.forEach((row, i) => {
    const start = order.get(groups[i]!)! * width;
    for (let k = 0; k < width; k++) sums[start + k] = sums[start + k]! + row[k]!;
  });
  return { width, sums };
}

/**
 * Percentile intervals of several figures.
 * @param statistics figures from sums over all drawn images: a fixed number, NaN where undefined.
 */
export function bootstrap(
  data: GroupedSums,
  statistics: (sums: Float64Array) => readonly number[],
  options: BootstrapOptions = {},
): Interval[] {
  const { values, drawn } = resample(data, statistics, options);
  return values.map((value, m) => intervalOf(value, drawn[m]!, options.confidence));
}

/**
 * Intervals and p-values of differences: `statistics` subtracts two runs' figures on the same drawn images,
 * so shared difficulty cancels out.
 */
export function pairedBootstrap(
  data: GroupedSums,
  statistics: (sums: Float64Array) => readonly number[],
  options: BootstrapOptions = {},
): PairedDifference[] {
  const { values, drawn } = resample(data, statistics, options);
  return values.map((value, m) => {
    const sorted = drawn[m]!;
    const n = sorted.length;
    const atMost = sorted.reduce((count, x) => count + (x <= 0 ? 1 : 0), 0);
    const atLeast = sorted.reduce((count, x) => count + (x >= 0 ? 1 : 0), 0);
    const p =
      n === 0 || Number.isNaN(value)
        ? Number.NaN
        : Math.min(1, (2 * (Math.min(atMost, atLeast) + 1)) / (n + 1));
    return { ...intervalOf(value, sorted, options.confidence), p };
  });
}

/**
 * Holm's correction ("A simple sequentially rejective multiple test procedure", 1979): the i-th smallest of m
 * p-values times m - i + 1, made monotone, at most 1. NaN stays NaN and does not count.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).filter((i) => !Number.isNaN(pValues[i]!));
  order.sort((a, b) => pValues[a]! - pValues[b]!);
  const corrected = pValues.map(() => Number.NaN);
  let least = 0;
  order.forEach((at, rank) => {
    least = Math.max(least, Math.min(1, (order.length - rank) * pValues[at]!));
    corrected[at] = least;
  });
  return corrected;
}

function resample(
  { width, sums }: GroupedSums,
  statistics: (sums: Float64Array) => readonly number[],
  { resamples = 2000, seed = 1 }: BootstrapOptions,
): { values: readonly number[]; drawn: Float64Array[] } {
  const groups = width === 0 ? 0 : sums.length / width;
  const totals = new Float64Array(width);
  const add = (group: number): void => {
    for (let k = 0, at = group * width; k < width; k++, at++) totals[k] = totals[k]! + sums[at]!;
  };
  for (let g = 0; g < groups; g++) add(g);
  const values = [...statistics(totals)];
  const drawn = values.map(() => new Float64Array(resamples));
  const defined = values.map(() => 0);
  const random = Random.from(seed, 'bootstrap');
  for (let b = 0; b < resamples && groups > 0; b++) {
    totals.fill(0);
    for (let i = 0; i < groups; i++) add(random.int(groups));
    statistics(totals).forEach((value, m) => {
      if (Number.isNaN(value)) return;
      drawn[m]![defined[m]!] = value;
      defined[m]!++;
    });
  }
  return { values, drawn: drawn.map((all, m) => all.subarray(0, defined[m]).sort()) };
}

function intervalOf(value: number, sorted: Float64Array, confidence = 0.95): Interval {
  const out = (1 - confidence) / 2;
  if (Number.isNaN(value)) return { value, low: Number.NaN, high: Number.NaN };
  return { value, low: quantileOfSorted(sorted, out), high: quantileOfSorted(sorted, 1 - out) };
}
