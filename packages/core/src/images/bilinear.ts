/**
 * Bilinear resizing without antialiasing, to the bit as OpenCV's `resize` of 8-bit images (INTER_LINEAR), with which
 * LViT's loader reads images and masks: when shrinking, most input pixels take no part.
 *
 * Output pixel i has its centre at (i + 1/2) * scale of the input. OpenCV computes in whole numbers: weights are
 * rounded to 1/2048, and the two products of a column are cut to a quarter of a level before they are summed.
 */

/** One axis: output i is `(nearWeight * near + farWeight * far) / UNIT`. */
interface Axis {
  readonly near: Int32Array;
  readonly far: Int32Array;
  readonly nearWeight: Int32Array;
  readonly farWeight: Int32Array;
}

/** OpenCV's INTER_RESIZE_COEF_SCALE, INTER_RESIZE_COEF_BITS = 11. */
const UNIT = 2048;

/** @param data [H, W, channels] @returns [height, width, channels] */
export function resizeBilinear(
  data: Uint8Array,
  [W, H]: readonly [width: number, height: number],
  [width, height]: readonly [width: number, height: number],
  channels: number,
): Uint8Array {
  const across = axisOf(W, width, { alone: true });
  const down = axisOf(H, height, { alone: false });
  const out = new Uint8Array(width * height * channels);
  const stride = width * channels;
  const row = (y: number): Int32Array => {
    const sums = new Int32Array(stride); // at most 255 * 2048
    const from = y * W * channels;
    for (let x = 0, to = 0; x < width; x++) {
      const near = from + (across.near[x] as number) * channels;
      const far = from + (across.far[x] as number) * channels;
      const [a, b] = [across.nearWeight[x] as number, across.farWeight[x] as number];
      for (let c = 0; c < channels; c++, to++)
        sums[to] = a * (data[near + c] as number) + b * (data[far + c] as number);
    }
    return sums;
  };
  for (let y = 0; y < height; y++) {
    const [near, far] = [row(down.near[y] as number), row(down.far[y] as number)];
    const [a, b] = [down.nearWeight[y] as number, down.farWeight[y] as number];
    for (let i = 0; i < stride; i++) {
      const upper = (a * ((near[i] as number) >> 4)) >> 16;
      const lower = (b * ((far[i] as number) >> 4)) >> 16;
      out[y * stride + i] = (upper + lower + 2) >> 2;
    }
  }
  return out;
}

/** @param alone whether a pixel at the edge counts alone there, or twice with both weights, whose cut differs */
function axisOf(from: number, to: number, { alone }: { readonly alone: boolean }): Axis {
  const [near, far, nearWeight, farWeight] = [0, 0, 0, 0].map(() => new Int32Array(to)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const scale = 1 / (to / from);
  const within = (x: number): number => Math.min(Math.max(x, 0), from - 1);
  for (let i = 0; i < to; i++) {
    const at = Math.fround((i + 0.5) * scale - 0.5);
    const first = Math.floor(at);
    const atEdge = first < 0 || first >= from - 1;
    const share = alone && atEdge ? 0 : Math.fround(at - first);
    near[i] = within(first);
    far[i] = within(first + 1);
    nearWeight[i] = roundHalfToEven(Math.fround(1 - share) * UNIT);
    farWeight[i] = roundHalfToEven(share * UNIT);
  }
  return { near, far, nearWeight, farWeight };
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return below + Number(rest > 0.5 || (rest === 0.5 && below % 2 === 1));
}
