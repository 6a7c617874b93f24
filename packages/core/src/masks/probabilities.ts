/** Checks probabilities. */

/** A device's own sigmoid may exceed 1 in the last digit. */
const SLACK = 1e-6;

/**
 * Why values are not probabilities: NaN, or outside [0, 1], as from a graph without its sigmoid. Null if all are valid.
 * @returns words for a message: "probabilities that are NaN".
 */
export function whyNoProbabilities(values: Float32Array): string | null {
  // A plain loop: `find` calls a function for each of the 50,000 values.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= -SLACK && value <= 1 + SLACK) continue;
    return Number.isNaN(value)
      ? 'probabilities that are NaN'
      : `a probability of ${Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value)}, expected 0 to 1`;
  }
  return null;
}
