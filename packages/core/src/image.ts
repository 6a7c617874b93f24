/**
 * Preprocessing: images to the planes that the model reads, masks to its size, probabilities back to the image's size.
 * The one implementation for training and serving.
 *
 * Resampling is separable and half-pixel centred: the centre of output pixel i lies at (i + 1/2) * scale of the input.
 * Images and probabilities use the triangle filter, as in Pillow's BILINEAR: where an axis shrinks, the triangle is
 * widened by the scale, so that every input pixel has its share (anti-aliased); where it grows, this is plain bilinear
 * interpolation with repeated edges. Pillow rounds to 8 bits after each axis, we do once, so values differ by one level
 * at most. Masks use the share of the area instead, so that they stay in place and keep their size.
 *
 * Legend: H, W input rows and columns; S output size.
 */
import { ReclmisError } from './errors.js';
import { checkImage, checkMask, type Mask, type RgbImage } from './raster.js';

/** For each output position of an axis, the input positions that it reads and their weights, which sum to 1. */
interface Taps {
  /** First input position of each output position. */
  readonly first: Int32Array;
  /** How many input positions each output position reads. */
  readonly count: Int32Array;
  /** `stride` weights for each output position, of which the first `count` are used. */
  readonly weights: Float64Array;
  readonly stride: number;
}

/** Smallest share of a pixel's area that counts as half; below 1/2 by what rounding may take from an exact half. */
const HALF = 0.5 - 1e-6;

/**
 * The image as the model reads it: CHW [3, S, S], red, green, blue, in [0, 1]. The image is stretched to a square, as in
 * the authors' code, and rounded to 8 bits at the new size, so that `imageToPlanes(image, S)` equals
 * `imageToPlanes(resizeImage(image, S), S)` bit by bit.
 */
export function imageToPlanes(image: RgbImage, size: number): Float32Array {
  const { data } = resizeImage(image, size);
  const n = size * size;
  const planes = new Float32Array(3 * n); // [3, S, S]
  for (let i = 0, from = 0; i < n; i++, from += 3) {
    planes[i] = (data[from] as number) / 255;
    planes[n + i] = (data[from + 1] as number) / 255;
    planes[2 * n + i] = (data[from + 2] as number) / 255;
  }
  return planes;
}

/** The image at `width` x `height` pixels (a square without `height`); the same object where it has this size already. */
export function resizeImage(image: RgbImage, width: number, height: number = width): RgbImage {
  checkImage(image, 'resizeImage');
  checkSize(width, height, 'resizeImage');
  const { width: W, height: H, data } = image;
  if (W === width && H === height) return image;
  const across = triangleTaps(W, width);
  const down = triangleTaps(H, height);
  const grey = greyPlane(image);
  if (grey) {
    const sums = resampleRows(resampleColumns(grey, W, H, across), width, down); // [S, S]
    const out = new Uint8Array(3 * sums.length);
    for (let i = 0, to = 0; i < sums.length; i++) {
      const value = (sums[i] as number) + 0.5; // rounds, since the values are not negative
      out[to++] = value;
      out[to++] = value;
      out[to++] = value;
    }
    return { width, height, data: out };
  }
  const rows = new Float32Array(H * width * 3); // [H, S, 3]
  for (let y = 0, to = 0; y < H; y++) {
    const row = y * W * 3;
    for (let x = 0; x < width; x++, to += 3) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let tap = x * across.stride;
      let from = row + (across.first[x] as number) * 3;
      for (const end = from + (across.count[x] as number) * 3; from < end; from += 3) {
        const weight = across.weights[tap++] as number;
        red += weight * (data[from] as number);
        green += weight * (data[from + 1] as number);
        blue += weight * (data[from + 2] as number);
      }
      rows[to] = red;
      rows[to + 1] = green;
      rows[to + 2] = blue;
    }
  }
  const sums = resampleRows(rows, width * 3, down); // [S, S, 3]
  const out = new Uint8Array(sums.length);
  for (let i = 0; i < out.length; i++) out[i] = (sums[i] as number) + 0.5; // rounds, since the values are not negative
  return { width, height, data: out };
}

/** The one plane [H, W] of an image whose channels are equal, as radiographs' are; null for colours. A third of the work, bit for bit the same. */
function greyPlane({ width, height, data }: RgbImage): Uint8Array | null {
  const plane = new Uint8Array(width * height);
  for (let i = 0, from = 0; i < plane.length; i++, from += 3) {
    const value = data[from] as number;
    if (data[from + 1] !== value || data[from + 2] !== value) return null;
    plane[i] = value;
  }
  return plane;
}

/**
 * A plane of numbers (probabilities) brought from w x h to W x H by the same filter; a copy where the sizes are equal.
 * The result lies within the range of the input.
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
 * The mask at `width` x `height` pixels (a square without `height`): where an axis shrinks, a pixel is foreground if at
 * least half of its area was; where it grows, it takes the nearest pixel. The same object where it has this size already.
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

/** The mask of a plane of w x h probabilities: 1 where the probability is greater than `t`. */
export function threshold(plane: ArrayLike<number>, w: number, h: number, t = 0.5): Mask {
  checkSize(w, h, 'threshold');
  if (plane.length !== w * h) {
    throw new ReclmisError(
      'MASK_SIZE_MISMATCH',
      `threshold: expected ${w} x ${h} values, got ${plane.length}`,
    );
  }
  const data = new Uint8Array(plane.length);
  for (let i = 0; i < data.length; i++) data[i] = (plane[i] as number) > t ? 1 : 0;
  return { width: w, height: h, data };
}

/** The triangle filter for one axis, widened where the axis shrinks (Pillow's `precompute_coeffs` with BILINEAR). */
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

/** For one axis, the share of each output pixel that each input pixel covers; the nearest pixel where the axis grows. */
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

/** Collects and normalises the weights of every output position. */
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

/** Resamples along x: [H, W] -> [H, S]. */
function resampleColumns(data: Float32Array | Uint8Array, W: number, H: number, taps: Taps): Float32Array {
  const size = taps.first.length;
  const out = new Float32Array(H * size);
  for (let y = 0, to = 0; y < H; y++) {
    for (let x = 0; x < size; x++) {
      let sum = 0;
      let tap = x * taps.stride;
      let from = y * W + (taps.first[x] as number);
      for (const end = from + (taps.count[x] as number); from < end; from++) {
        sum += (taps.weights[tap++] as number) * (data[from] as number);
      }
      out[to++] = sum;
    }
  }
  return out;
}

/** Resamples along y, whole rows at a time: [H, width] -> [S, width]. */
function resampleRows(rows: Float32Array, width: number, taps: Taps): Float32Array {
  const size = taps.first.length;
  const out = new Float32Array(size * width);
  const sums = new Float64Array(width);
  for (let y = 0; y < size; y++) {
    sums.fill(0);
    const count = taps.count[y] as number;
    for (let k = 0; k < count; k++) {
      const weight = taps.weights[y * taps.stride + k] as number;
      const row = ((taps.first[y] as number) + k) * width;
      for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + weight * (rows[row + x] as number);
    }
    out.set(sums, y * width);
  }
  return out;
}

function checkSize(width: number, height: number, operation: string): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return;
  throw new ReclmisError(
    'INTERNAL',
    `${operation}: expected a size of at least 1 x 1 pixels, got ${width} x ${height}`,
  );
}
