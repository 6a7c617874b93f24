/**
 * The exact Euclidean distance transform in linear time, by lower envelopes of parabolas: Felzenszwalb and
 * Huttenlocher, "Distance Transforms of Sampled Functions", Theory of Computing 8 (2012).
 */
import { checkMask, type Mask } from '../images/raster.js';
import { checkSpacing, type Spacing } from '../images/spacing.js';

/**
 * Squared distance from each pixel's centre to the nearest foreground pixel's; Infinity for an empty mask.
 * @param spacing width and height of a pixel; default 1 each. @throws MASK_SIZE_MISMATCH, OPTION_INVALID
 */
export function squaredDistances(mask: Mask, spacing: Spacing = [1, 1]): Float64Array {
  checkMask(mask, 'squaredDistances');
  checkSpacing(spacing, 'squaredDistances');
  const [dx, dy] = spacing;
  const { width, height, data } = mask;
  const squared = Float64Array.from(data, (value) => (value === 0 ? Infinity : 0));
  const envelope = new Envelope(Math.max(width, height));
  for (let x = 0; x < width; x++) envelope.transform(squared, x, width, height, dy);
  for (let y = 0; y < height; y++) envelope.transform(squared, y * width, 1, width, dx);
  return squared;
}

/** Lower envelope of parabolas f(q) + (p - q)^2 over positions p of a line. */
class Envelope {
  private readonly f: Float64Array;
  private readonly at: Float64Array;
  private readonly low: Float64Array;
  /** Where each becomes the lowest. */
  private readonly from: Float64Array;

  constructor(length: number) {
    this.f = new Float64Array(length);
    this.at = new Float64Array(length);
    this.low = new Float64Array(length);
    this.from = new Float64Array(length);
  }

  /** Replaces values at `start`, `start + step`, ... by their envelope. */
  transform(values: Float64Array, start: number, step: number, length: number, spacing: number): void {
    const { f, at, low, from } = this;
    let last = -1; // of the envelope so far
    for (let i = 0, p = start; i < length; i++, p += step) {
      const value = values[p]!;
      f[i] = value;
      if (value === Infinity) continue; // nowhere the lowest
      const q = i * spacing;
      let crossing = -Infinity;
      while (last >= 0) {
        crossing = (value + q * q - (low[last]! + at[last]! * at[last]!)) / (2 * (q - at[last]!));
        if (crossing > from[last]!) break;
        last--;
        crossing = -Infinity;
      }
      last++;
      at[last] = q;
      low[last] = value;
      from[last] = crossing;
    }
    if (last < 0) return; // all Infinity
    for (let i = 0, k = 0, p = start; i < length; i++, p += step) {
      const q = i * spacing;
      while (k < last && from[k + 1]! < q) k++;
      const far = q - at[k]!;
      values[p] = low[k]! + far * far;
    }
  }
}
