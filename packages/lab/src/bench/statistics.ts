/** What is said of a row of measured times. */

/** Of times per image, in seconds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Nine in ten were at most this. */
  readonly p90: number;
}

/**
 * The value below which the given share of the values lies, interpolated linearly between the sorted values (numpy's default).
 * @param share in [0, 1]. @returns NaN of nothing.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: quantile(values, 0),
    max: quantile(values, 1),
    p90: quantile(values, 0.9),
  };
}
