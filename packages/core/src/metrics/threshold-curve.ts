/** Dice and IoU at every threshold k / 100, as mean over images and pooled (see `metrics.ts`). */
import { type Measures, measuresOf, type PixelCounts } from './metrics.js';
import { PROBABILITY_BINS, ProbabilityHistogram } from './probability-histogram.js';

/** NaN before the first image. */
export interface ThresholdPoint {
  readonly threshold: number;
  readonly mean: Measures;
  readonly pooled: Measures;
}

/** Accumulates images, keeping only sums. */
export class ThresholdCurve {
  readonly histogram = new ProbabilityHistogram();
  private images = 0;
  /** By threshold. */
  private readonly sums = MEASURES.map(() => new Float64Array(PROBABILITY_BINS));

  /** Adds an image. @throws MASK_SIZE_MISMATCH */
  add(probabilities: ArrayLike<number>, truth: ArrayLike<number>): this {
    const own = new ProbabilityHistogram().add(probabilities, truth);
    countsByThreshold(own).forEach((counts, k) => {
      const measures = measuresOf(counts);
      MEASURES.forEach((name, m) => {
        const sums = this.sums[m]!;
        sums[k] = sums[k]! + measures[name];
      });
    });
    this.histogram.merge(own);
    this.images++;
    return this;
  }

  /** From threshold 0.01 to 0.99. */
  get points(): ThresholdPoint[] {
    const counts = countsByThreshold(this.histogram);
    const n = this.images === 0 ? Number.NaN : this.images;
    return Array.from({ length: PROBABILITY_BINS - 1 }, (_, i) => {
      const k = i + 1;
      const [dice, iou, precision, recall] = this.sums.map((sums) => sums[k]! / n) as [
        number,
        number,
        number,
        number,
      ];
      const pooled = this.images === 0 ? { dice, iou, precision, recall } : measuresOf(counts[k]!);
      return { threshold: k / PROBABILITY_BINS, mean: { dice, iou, precision, recall }, pooled };
    });
  }
}

const MEASURES = ['dice', 'iou', 'precision', 'recall'] as const;

function countsByThreshold({ negatives, positives }: ProbabilityHistogram): PixelCounts[] {
  const truth = positives.reduce((a, b) => a + b, 0);
  const counts: PixelCounts[] = [];
  let [intersection, predicted] = [0, 0];
  for (let k = PROBABILITY_BINS - 1; k >= 0; k--) {
    intersection += positives[k]!;
    predicted += positives[k]! + negatives[k]!;
    counts[k] = { intersection, predicted, truth };
  }
  return counts;
}
