/** What may be a probability. */

/** A device's own sigmoid may end above 1 by its last digit. */
const SLACK = 1e-6;

/**
 * Why values are no probabilities: one that is not a number, or lies outside [0, 1], as those of a graph without its sigmoid do. Null where all are.
 * @returns words for a message: "probabilities that are not numbers".
 */
export function whyNoProbabilities(values: Float32Array): string | null {
  // A plain loop: `find` calls a function for each of the 50,000 values.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value >= -SLACK && value <= 1 + SLACK) continue;
    return Number.isNaN(value)
      ? 'probabilities that are not numbers'
      : `a probability of ${Number.isFinite(value) ? Number(value.toPrecision(7)) : String(value)}, expected 0 to 1`;
  }
  return null;
}
