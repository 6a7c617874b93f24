/**
 * Predicted probabilities against the truth, as a histogram of pixels: from it come the calibration (`calibration.ts`) and the scores at other thresholds
 * (`threshold-curve.ts`), with memory that does not grow with the pictures.
 *
 * 100 bins; bin k holds k / 100 < p <= (k + 1) / 100, the first one p = 0 too. The edges are compared exactly, so that the counts at a threshold k / 100 are
 * those of `threshold`.
 */
import { ReclmisError } from '../errors.js';

/** Bins of the histogram. */
export const PROBABILITY_BINS = 100;

/** Counts of pixels by probability and truth. */
export class ProbabilityHistogram {
  /** Pixels of the background, by bin. */
  readonly negatives = new Float64Array(PROBABILITY_BINS);
  /** Pixels of the true foreground, by bin. */
  readonly positives = new Float64Array(PROBABILITY_BINS);
  /** The sum of the probabilities, by bin. */
  readonly sums = new Float64Array(PROBABILITY_BINS);
  /** The sum of (p - y)^2, y being 1 on the true foreground and 0 elsewhere. */
  squaredError = 0;

  /**
   * Takes in the pixels of an image. @param probabilities in [0, 1]. @param truth as many values, other than 0 on the foreground.
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

  /** Takes in what another one has counted. */
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
