/**
 * Calibration: whether seven in ten pixels with probability 0.7 are foreground.
 *
 * Expected calibration error: the pixel-weighted gap between confidence and frequency over equal bins (Naeini
 * et al., "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015). Most pixels are
 * certain background, so it is small for any model: use it to compare models.
 */
import { ReclmisError } from '../errors.js';
import { PROBABILITY_BINS, type ProbabilityHistogram } from './probability-histogram.js';

export interface CalibrationBin {
  /** Edges; the lower one belongs to the previous bin, except 0. */
  readonly from: number;
  readonly to: number;
  readonly pixels: number;
  /** Mean probability; null in an empty bin. */
  readonly confidence: number | null;
  /** Share of true foreground; null in an empty bin. */
  readonly frequency: number | null;
}

export interface Calibration {
  readonly bins: readonly CalibrationBin[];
  /** Mean of |frequency - confidence| over pixels; NaN without pixels. */
  readonly expectedError: number;
  /** Largest |frequency - confidence| of a non-empty bin; NaN without pixels. */
  readonly maximumError: number;
  /** Mean of (p - y)^2 over pixels (Brier 1950); NaN without pixels. */
  readonly brier: number;
}

/** Calibration over all pixels of a histogram. @param bins a divisor of 100. @throws INTERNAL if it is not */
export function calibration(histogram: ProbabilityHistogram, bins = 10): Calibration {
  const each = PROBABILITY_BINS / bins;
  if (!Number.isInteger(bins) || !Number.isInteger(each)) {
    throw new ReclmisError(
      'INTERNAL',
      `calibration: the number of bins must divide ${PROBABILITY_BINS}, got ${bins}`,
    );
  }
  const found: CalibrationBin[] = [];
  let total = 0;
  let error = 0;
  let maximumError = Number.NaN;
  for (let bin = 0; bin < bins; bin++) {
    const [negatives, positives, sum] = (['negatives', 'positives', 'sums'] as const).map((name) =>
      histogram[name].subarray(bin * each, (bin + 1) * each).reduce((a, b) => a + b, 0),
    ) as [number, number, number];
    const pixels = negatives + positives;
    const empty = pixels === 0;
    const confidence = sum / pixels;
    const frequency = positives / pixels;
    found.push({
      from: bin / bins,
      to: (bin + 1) / bins,
      pixels,
      confidence: empty ? null : confidence,
      frequency: empty ? null : frequency,
    });
    if (empty) continue;
    const gap = Math.abs(frequency - confidence);
    total += pixels;
    error += pixels * gap;
    maximumError = Number.isNaN(maximumError) ? gap : Math.max(maximumError, gap);
  }
  return { bins: found, expectedError: error / total, maximumError, brier: histogram.squaredError / total };
}
