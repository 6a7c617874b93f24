/**
 * Resizing of images and masks by area, of pictures and of planes of numbers (`resize-rule.ts` prepares what a model
 * reads), and probabilities to masks.
 *
 * Output pixel i has its centre at (i + 1/2) * scale of the input. Images and probabilities use Pillow's
 * BILINEAR, a triangle filter widened when shrinking; Pillow rounds to 8 bits after each axis, this code
 * once, so values differ by at most one level. Masks are resampled by area, so they keep their place and
 * size.
 *
 * H, W input rows and columns; S output size.
 */
import { ReclmisError } from '../errors.js';
import { checkImage, checkMask, type Mask, type RgbImage } from './raster.js';

interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` per output position; the first `count` are used. */
  readonly weights: Float64Array;
  readonly stride: number;
}

/** 1/2 minus rounding. */
const HALF = 0.5 - 1e-6;

/** Their sums are independent. */
const LANES = 4;

/** Resizes to `width` x `height` pixels (default: a square); returns the same object if nothing changes. */
export function resizeImage(image: RgbImage, width: number, height: number = width): RgbImage {
  checkImage(image, 'resizeImage');
  checkSize(width, height, 'resizeImage');
  const { width: W, height: H, data } = image;
  if (W === width && H === height) return image;
  const across = triangleTaps(W, width);
  const down = triangleTaps(H, height);
  const grey = isGrey(image);
  const out = new Uint8Array(width * height * 3); // [S, S, 3]
  for (let channel = 0; channel < (grey ? 1 : 3); channel++) {
    const sums = resampleRows(resampleColumns(data, W, H, across, 3, channel), width, down); // [S, S]
    for (let i = 0, to = channel; i < sums.length; i++, to += 3) out[to] = (sums[i] as number) + 0.5; // rounds, since the values are not negative
  }
  if (grey) for (let to = 0; to < out.length; to += 3) out[to + 2] = out[to + 1] = out[to] as number;
  return { width, height, data: out };
}

/** Equal channels save two thirds of the work. */
function isGrey({ data }: RgbImage): boolean {
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

/**
 * Resizes a plane of numbers from w x h to W x H with the same filter, within the input's range; a copy if
 * the sizes are equal.
 */
export function resizePlane(plane: Float32Array, w: number, h: number, W: number, H: number): Float32Array {
  checkSize(w, h, 'resizePlane');
  checkSize(W, H, 'resizePlane');
  if (plane.length !== w * h) {
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `resizePlane: expected ${w} x ${h} values, got ${plane.length}`,
    );
  }
  if (w === W && h === H) return plane.slice();
  const rows = resampleColumns(plane, w, h, triangleTaps(w, W)); // [h, W]
  return resampleRows(rows, W, triangleTaps(h, H)); // [H, W]
}

/**
 * Resizes to `width` x `height` pixels (default: a square): a smaller pixel is foreground if at least half
 * its area was; a larger one copies the nearest. Returns the same object if nothing changes.
 */
export function resizeMask(mask: Mask, width: number, height: number = width): Mask {
  checkMask(mask, 'resizeMask');
  checkSize(width, height, 'resizeMask');
  const { width: W, height: H, data } = mask;
  if (W === width && H === height) return mask;
  const rows = resampleColumns(data, W, H, areaTaps(W, width)); // [H, S]
  const shares = resampleRows(rows, width, areaTaps(H, height)); // [S, S]
  const out = new Uint8Array(shares.length);
  for (let i = 0; i < out.length; i++) out[i] = (shares[i] as number) >= HALF ? 1 : 0;
  return { width, height, data: out };
}

/** 1 where the probability (w x h) is greater than `t`. */
export function threshold(plane: ArrayLike<number>, w: number, h: number, t = 0.5): Mask {
  checkSize(w, h, 'threshold');
  if (plane.length !== w * h) {
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `threshold: expected ${w} x ${h} values, got ${plane.length}`,
    );
  }
  const data = new Uint8Array(plane.length);
  for (let i = 0; i < data.length; i++) data[i] = Number((plane[i] as number) > t);
  return { width: w, height: h, data };
}

/** Widened when shrinking (Pillow's `precompute_coeffs`). */
function triangleTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return makeTaps(from, to, Math.ceil(support) * 2 + 1, (i) => {
    const centre = (i + 0.5) * scale;
    return {
      first: Math.max(0, Math.floor(centre - support + 0.5)),
      end: Math.min(from, Math.floor(centre + support + 0.5)),
      weight: (x) => Math.max(0, 1 - Math.abs(x + 0.5 - centre) / support),
    };
  });
}

/** The nearest pixel when growing. */
function areaTaps(from: number, to: number): Taps {
  const scale = from / to;
  return makeTaps(from, to, Math.ceil(scale) + 2, (i) => {
    if (scale <= 1) {
      const nearest = Math.min(from - 1, Math.floor((i + 0.5) * scale));
      return { first: nearest, end: nearest + 1, weight: () => 1 };
    }
    const low = i * scale;
    const high = low + scale;
    return {
      first: Math.floor(low),
      end: Math.min(from, Math.ceil(high)),
      weight: (x) => Math.max(0, Math.min(x + 1, high) - Math.max(x, low)),
    };
  });
}

function makeTaps(
  from: number,
  to: number,
  most: number,
  at: (i: number) => { first: number; end: number; weight: (x: number) => number },
): Taps {
  const stride = Math.min(most, from);
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Float64Array(to * stride);
  for (let i = 0; i < to; i++) {
    const window = at(i);
    const n = Math.min(window.end - window.first, stride);
    let sum = 0;
    for (let k = 0; k < n; k++) {
      const weight = window.weight(window.first + k);
      weights[i * stride + k] = weight;
      sum += weight;
    }
    for (let k = 0; k < n; k++) weights[i * stride + k] = (weights[i * stride + k] as number) / sum;
    first[i] = window.first;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

/**
 * Resamples along x: [H, W] -> [H, S], four rows at a time, in float64.
 * @param step between pixels in `data` with several channels.
 */
function resampleColumns(
  data: Float32Array | Uint8Array,
  W: number,
  H: number,
  { first, count, weights, stride }: Taps,
  step = 1,
  channel = 0,
): Float32Array {
  const size = first.length;
  const out = new Float32Array(H * size);
  const lanes = new Float64Array(LANES * W); // [W, 4]
  for (let y = 0; y < H; y += LANES) {
    const [y1, y2, y3] = [Math.min(y + 1, H - 1), Math.min(y + 2, H - 1), Math.min(y + 3, H - 1)];
    let from = y * W * step + channel;
    const to1 = (y1 - y) * W * step;
    const to2 = (y2 - y) * W * step;
    const to3 = (y3 - y) * W * step;
    for (let to = 0; to < LANES * W; to += LANES, from += step) {
      lanes[to] = data[from] as number;
      lanes[to + 1] = data[from + to1] as number;
      lanes[to + 2] = data[from + to2] as number;
      lanes[to + 3] = data[from + to3] as number;
    }
    for (let x = 0; x < size; x++) {
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      let at = LANES * (first[x] as number);
      let tap = x * stride;
      for (const end = tap + (count[x] as number); tap < end; tap++, at += LANES) {
        const weight = weights[tap] as number;
        sum0 += weight * (lanes[at] as number);
        sum1 += weight * (lanes[at + 1] as number);
        sum2 += weight * (lanes[at + 2] as number);
        sum3 += weight * (lanes[at + 3] as number);
      }
      out[y * size + x] = sum0;
      out[y1 * size + x] = sum1;
      out[y2 * size + x] = sum2;
      out[y3 * size + x] = sum3;
    }
  }
  return out;
}

/** Resamples along y: [H, width] -> [S, width], four columns at a time, in float64. */
function resampleRows(
  rows: Float32Array,
  width: number,
  { first, count, weights, stride }: Taps,
): Float32Array {
  const size = first.length;
  const out = new Float32Array(size * width);
  const whole = width - (width % LANES);
  for (let y = 0; y < size; y++) {
    const tap = y * stride;
    const end = tap + (count[y] as number);
    const top = (first[y] as number) * width;
    const to = y * width;
    let x = 0;
    for (; x < whole; x += LANES) {
      let sum0 = 0;
      let sum1 = 0;
      let sum2 = 0;
      let sum3 = 0;
      for (let k = tap, at = top + x; k < end; k++, at += width) {
        const weight = weights[k] as number;
        sum0 += weight * (rows[at] as number);
        sum1 += weight * (rows[at + 1] as number);
        sum2 += weight * (rows[at + 2] as number);
        sum3 += weight * (rows[at + 3] as number);
      }
      out[to + x] = sum0;
      out[to + x + 1] = sum1;
      out[to + x + 2] = sum2;
      out[to + x + 3] = sum3;
    }
    for (; x < width; x++) {
      let sum = 0;
      for (let k = tap, at = top + x; k < end; k++, at += width)
        sum += (weights[k] as number) * (rows[at] as number);
      out[to + x] = sum;
    }
  }
  return out;
}

export function checkSize(width: number, height: number, operation: string): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return;
  throw new ReclmisError(
    'INTERNAL',
    `${operation}: expected a size of at least 1 x 1 pixels, got ${width} x ${height}`,
  );
}
