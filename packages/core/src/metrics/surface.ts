/**
 * HD95, the 95th percentile of the Hausdorff distance, and ASSD, the average symmetric surface distance
 * (Maier-Hein et al., "Metrics reloaded", Nature Methods 21, 2024). Conventions, on which implementations
 * differ:
 * - The surface is foreground pixels with a background pixel among their 4 neighbours; outside the picture is
 *   background.
 * - Distances are exact, Euclidean, between pixel centres; in millimetres with a spacing.
 * - HD95 is the larger of the two directed 95th percentiles (as in MONAI, unlike MedPy), interpolated
 *   linearly.
 * - ASSD is the mean over the pixels of both surfaces.
 * - Two empty masks have distance 0; if only one is empty the result is null, and means exclude it and say
 *   so.
 */
import { squaredDistances } from '../masks/distance.js';
import { ReclmisError } from '../errors.js';
import { quantileOfSorted } from '../quantile.js';
import { checkMask, type Mask } from '../images/raster.js';
import type { Spacing } from '../images/spacing.js';

/** In pixels, or in millimetres with a spacing. */
export interface SurfaceDistances {
  readonly hd95: number;
  readonly assd: number;
  /** The full Hausdorff distance. */
  readonly hausdorff: number;
}

/** Compares two masks; null if only one is empty. @throws MASK_SIZE_MISMATCH, OPTION_INVALID */
export function surfaceDistances(
  prediction: Mask,
  truth: Mask,
  spacing: Spacing = [1, 1],
): SurfaceDistances | null {
  if (prediction.width !== truth.width || prediction.height !== truth.height) {
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `surfaceDistances: the truth is ${truth.width} x ${truth.height}, the prediction ${prediction.width} x ${prediction.height}`,
      { remedy: 'Resize the prediction to the true mask’s size first.' },
    );
  }
  const a = surface(prediction);
  const b = surface(truth);
  const there = sortedDistances(a, b, spacing);
  const back = sortedDistances(b, a, spacing);
  if (there.length === 0 && back.length === 0) return { hd95: 0, assd: 0, hausdorff: 0 };
  if (there.length === 0 || back.length === 0) return null;
  return {
    hd95: Math.max(quantileOfSorted(there, 0.95), quantileOfSorted(back, 0.95)),
    assd: (sum(there) + sum(back)) / (there.length + back.length),
    hausdorff: Math.max(there[there.length - 1]!, back[back.length - 1]!),
  };
}

/** Foreground pixels with a 4-neighbour in the background or outside. @throws MASK_SIZE_MISMATCH */
export function surface(mask: Mask): Mask {
  checkMask(mask, 'surface');
  const { width, height, data } = mask;
  const edge = new Uint8Array(data.length);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      if (data[p] === 0) continue;
      const inside =
        x > 0 &&
        x + 1 < width &&
        y > 0 &&
        y + 1 < height &&
        data[p - 1] !== 0 &&
        data[p + 1] !== 0 &&
        data[p - width] !== 0 &&
        data[p + width] !== 0;
      if (!inside) edge[p] = 1;
    }
  }
  return { width, height, data: edge };
}

function sortedDistances(from: Mask, to: Mask, spacing: Spacing): Float64Array {
  const squared = squaredDistances(to, spacing);
  const found: number[] = [];
  for (let p = 0; p < from.data.length; p++) if (from.data[p] !== 0) found.push(Math.sqrt(squared[p]!));
  return Float64Array.from(found).sort();
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
