/** Quantiles by linear interpolation, numpy's default. */

/**
 * Value at `share * (n - 1)`.
 * @param sorted ascending. @param share in [0, 1]. @returns NaN for no values.
 */
export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The same for values in any order; not changed. */
export function quantile(values: ArrayLike<number>, share: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), share);
}
