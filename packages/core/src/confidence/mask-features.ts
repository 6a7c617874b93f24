/**
 * Figures of a probability map from which the Dice of its mask is predicted (`confidence.ts`).
 *
 * All are shares, 0 to 1, of the map at the model's own size. None knows the truth.
 */
import { threshold } from '../images/image.js';
import type { Mask } from '../images/raster.js';
import { components } from '../masks/components.js';

export const MASK_FEATURES = [
  'expectedDice',
  'stability',
  'certainty',
  'border',
  'area',
  'peak',
  'scatter',
] as const;
export type MaskFeature = (typeof MASK_FEATURES)[number];

export interface MaskFeatures extends Readonly<Record<MaskFeature, number>> {
  /**
   * Twice the sum of the mask's probabilities over the sum of the mask's pixels and all probabilities: the
   * Dice to expect if pixels were independent and their probabilities right. 1 if both are empty.
   */
  readonly expectedDice: number;
  /** Dice of the masks at 0.7 and 0.3; 1 if both are empty. */
  readonly stability: number;
  /** Pixels of the mask over themselves and all uncertain pixels (0.1 to 0.9); 1 without either. */
  readonly certainty: number;
  /** Mean entropy, in bits, of pixels with a neighbour of the other value (4-connectivity); 0 without. */
  readonly border: number;
  /** Root of the mask's share of the map: proportional to its side. */
  readonly area: number;
  /** Highest probability. */
  readonly peak: number;
  /** 1 - 1 / parts of the mask; 0 if it is empty. */
  readonly scatter: number;
}

const STRICT = 0.7;
const LOOSE = 0.3;
const UNCERTAIN = 0.1;

/**
 * @param map [height,width], probabilities 0 to 1. @param cut the mask's threshold
 * @throws MASK_SIZE_MISMATCH
 */
export function maskFeatures(map: ArrayLike<number>, width: number, height: number, cut = 0.5): MaskFeatures {
  const mask = threshold(map, width, height, cut);
  let [sum, inside, pixels, strict, loose, uncertain, peak] = [0, 0, 0, 0, 0, 0, 0];
  for (let i = 0; i < map.length; i++) {
    const p = map[i]!;
    sum += p;
    if (p > peak) peak = p;
    if (p > STRICT) strict++;
    if (p > LOOSE) loose++;
    if (p > UNCERTAIN && p < 1 - UNCERTAIN) uncertain++;
    if (mask.data[i] === 0) continue;
    inside += p;
    pixels++;
  }
  const share = (part: number, whole: number): number => (whole === 0 ? 1 : part / whole);
  const parts = components(mask).length;
  return {
    expectedDice: share(2 * inside, pixels + sum),
    stability: share(2 * strict, strict + loose),
    certainty: share(pixels, pixels + uncertain),
    border: borderEntropy(map, mask),
    area: Math.sqrt(pixels / map.length),
    peak: Math.min(1, peak), // a device's sigmoid may exceed 1 in the last digit
    scatter: parts === 0 ? 0 : 1 - 1 / parts,
  };
}

function borderEntropy(map: ArrayLike<number>, { width, height, data }: Mask): number {
  let sum = 0;
  let count = 0;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const own = data[i];
      const meets =
        (x > 0 && data[i - 1] !== own) ||
        (x + 1 < width && data[i + 1] !== own) ||
        (y > 0 && data[i - width] !== own) ||
        (y + 1 < height && data[i + width] !== own);
      if (!meets) continue;
      sum += entropy(map[i]!);
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** Bits; 0 at and beyond 0 and 1. */
function entropy(p: number): number {
  return p <= 0 || p >= 1 ? 0 : -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p));
}
