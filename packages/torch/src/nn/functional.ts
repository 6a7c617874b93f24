/** Layers without parameters, as functions over maps [B, C, H, W]. */
import type { Tensor } from '../tensor.js';
import { pair, type Pair } from './init.js';

export interface PoolOptions {
  /** Step of the window; default: the kernel's size. */
  readonly stride?: Pair;
  /** Minus infinities added at both ends of each axis, at most half the kernel. Default 0. */
  readonly padding?: Pair;
  /** Rounds the size up: the last window may reach over the edge, and covers what is there. Default false. */
  readonly ceilMode?: boolean;
}

/** Maximum over windows: [B, C, H, W] -> [B, C, (H + 2 padding - k) / stride + 1 (rounded down, or up with `ceilMode`), W']. */
export function maxPool2d(
  x: Tensor,
  kernel: Pair,
  { stride = kernel, padding = 0, ceilMode = false }: PoolOptions = {},
): Tensor {
  return x.maxPool2d(pair(kernel), pair(stride), pair(padding), [1, 1], ceilMode); // [B, C, H', W']
}

/** Repeats each pixel `scale` times (integers) along both axes: [B, C, H, W] -> [B, C, scale H, scale W]. */
export function upsampleNearest2d(x: Tensor, scale: Pair): Tensor {
  const [, , height, width] = x.shape4();
  const [rows, columns] = pair(scale);
  return x.upsampleNearest2d([height * rows, width * columns]); // [B, C, rows H, columns W]
}

/**
 * Resizes bilinearly: [B, C, H, W] -> [B, C, size].
 * @param alignCorners true: corner pixels keep their places, source = index (in - 1) / (out - 1); false: pixels are areas, source = (index + 0.5) in / out - 0.5,
 *   clamped at the edge.
 */
export function resizeBilinear2d(x: Tensor, size: Pair, alignCorners: boolean): Tensor {
  return x.upsampleBilinear2d(pair(size), alignCorners); // [B, C, H', W']
}

/**
 * GELU, x / 2 (1 + erf(x / sqrt 2)), of any shape. Not libtorch 1.13's operator: its backward through oneDNN
 * reads past the end of a gradient that is not contiguous.
 */
export function gelu(x: Tensor): Tensor {
  return x.mul(Math.SQRT1_2).erf().add(1).mul(x).mul(0.5);
}
