/** A device's own sigmoid may exceed 1 in the last digit. */
const SLACK = 1e-6;

/**
 * Why values are no probabilities (NaN, or outside [0, 1], as without sigmoid), such as "probabilities that
 * are NaN", or null.
 */
export function whyNoProbabilities(values: Float32Array): string | null {
  // `find` would call a function 50,000 times.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= -SLACK && value <= 1 + SLACK) continue;
    return Number.isNaN(value)
      ? 'probabilities that are NaN'
      : `a probability of ${Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value)}, expected 0 to 1`;
  }
  return null;
}
