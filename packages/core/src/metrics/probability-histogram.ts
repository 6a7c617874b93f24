/**
 * Histogram of predicted probabilities against the truth, for calibration (`calibration.ts`) and other
 * thresholds (`threshold-curve.ts`). 100 bins: bin k holds k / 100 < p <= (k + 1) / 100, the first also p =
 * 0. Edges are exact, so counts at a threshold equal those of `threshold`.
 */
import { ReclmisError } from '../errors.js';

export const PROBABILITY_BINS = 100;

export class ProbabilityHistogram {
  /** Background pixels by bin. */
  readonly negatives = new Float64Array(PROBABILITY_BINS);
  /** Foreground pixels by bin. */
  readonly positives = new Float64Array(PROBABILITY_BINS);
  /** Sums of probabilities by bin. */
  readonly sums = new Float64Array(PROBABILITY_BINS);
  /** Sum of (p - y)^2, y being 1 on the foreground. */
  squaredError = 0;

  /**
   * Adds an image.
   * @param probabilities in [0, 1]. @param truth as many, nonzero on the foreground.
   * @throws MASK_SIZE_MISMATCH
   */
  add(probabilities: ArrayLike<number>, truth: ArrayLike<number>): this {
    const n = probabilities.length;
    if (truth.length !== n) {
      throw new ReclmisError(
        'MASK_SIZE_MISMATCH',
        `ProbabilityHistogram: ${n} probabilities, but ${truth.length} values of the truth`,
      );
    }
    const { negatives, positives, sums } = this;
    for (let i = 0; i < n; i++) {
      const p = probabilities[i]!;
      const bin = binOf(p);
      sums[bin] = sums[bin]! + p;
      if (truth[i] !== 0) {
        positives[bin] = positives[bin]! + 1;
        this.squaredError += (1 - p) * (1 - p);
      } else {
        negatives[bin] = negatives[bin]! + 1;
        this.squaredError += p * p;
      }
    }
    return this;
  }

  merge(other: ProbabilityHistogram): this {
    for (const name of ['negatives', 'positives', 'sums'] as const) {
      const [own, others] = [this[name], other[name]];
      for (let bin = 0; bin < PROBABILITY_BINS; bin++) own[bin] = own[bin]! + others[bin]!;
    }
    this.squaredError += other.squaredError;
    return this;
  }
}

function binOf(p: number): number {
  let bin = Math.ceil(p * PROBABILITY_BINS) - 1;
  // p * 100 may round across an edge
  if (p <= bin / PROBABILITY_BINS) bin--;
  else if (p > (bin + 1) / PROBABILITY_BINS) bin++;
  return Math.min(PROBABILITY_BINS - 1, Math.max(0, bin));
}
