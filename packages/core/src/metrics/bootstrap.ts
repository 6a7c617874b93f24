/**
 * Bootstrap intervals (Efron, "Bootstrap methods: another look at the jackknife", 1979) for images that come in groups: several images of one patient are alike, so
 * whole patients are drawn, with replacement, as many as there are (the cluster bootstrap; Field and Welsh, JRSS B 69, 2007). Images count as many times as their patient is drawn.
 *
 * Everything is a function of sums over images: each group is its sums once, and a resample adds up those of the groups that it draws. So means over images and pooled
 * figures are resampled alike, in time that grows with groups, not with images or pixels.
 */
import { ReclmisError } from '../errors.js';
import { quantileOfSorted } from '../quantile.js';
import { Random } from '../random.js';

/** A figure with the interval in which it lies with the given confidence. */
export interface Interval {
  readonly value: number;
  /** NaN where the figure is not defined, or in hardly any resample. */
  readonly low: number;
  readonly high: number;
}

/** Two figures' difference. */
export interface PairedDifference extends Interval {
  /**
   * Two-sided, of the hypothesis that the difference is 0: twice the smaller of the shares of resamples at or below and at or above 0, at most 1, with one added to
   * count and number so that it is never 0. NaN where the difference is not defined.
   */
  readonly p: number;
}

export interface BootstrapOptions {
  /** Default 2000; a percentile of 2.5 % then rests on 50 resamples. */
  readonly resamples?: number;
  /** Decides the resamples; default 1. */
  readonly seed?: number;
  /** Default 0.95. */
  readonly confidence?: number;
}

/** Sums of the same quantities for each group. */
export interface GroupedSums {
  /** Quantities that are summed. */
  readonly width: number;
  /** [groups x width], row by row. */
  readonly sums: Float64Array;
}

/**
 * Adds up rows by group. @param rows each of `width` numbers. @param groups the group of each.
 * @throws INTERNAL where the lengths do not fit
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
 * Percentile intervals of several figures at once.
 * @param statistics the figures, from sums over all drawn images; the same number of them each time; NaN where one is not defined.
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
 * The same for differences, with p-values: `statistics` gives differences of figures of two runs, both from the same drawn images, so what makes an image hard for both
 * does not count.
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
 * Holm's correction for several comparisons ("A simple sequentially rejective multiple test procedure", 1979): the i-th smallest of m p-values times m - i + 1, never
 * below a smaller one's, at most 1. NaN stays NaN and does not count.
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

/** The figures of the data as they are, and of each resample in ascending order, without those where one is not defined. */
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
