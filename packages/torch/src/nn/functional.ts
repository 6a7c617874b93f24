/** Layers without parameters, as functions over maps [B, C, H, W]. */
import type { Tensor } from '../tensor.js';
import { pair, type Pair } from './init.js';

export interface PoolOptions {
  /** Step of the window; default: the kernel's size. */
  readonly stride?: Pair;
  /** Minus infinities added at both ends of each axis, at most half the kernel. Default 0. */
  readonly padding?: Pair;
}

/** Maximum over windows: [B, C, H, W] -> [B, C, (H + 2 padding - k) / stride + 1 (rounded down), W']. */
export function maxPool2d(
  x: Tensor,
  kernel: Pair,
  { stride = kernel, padding = 0 }: PoolOptions = {},
): Tensor {
  return x.maxPool2d(pair(kernel), pair(stride), pair(padding)); // [B, C, H', W']
}

/** Repeats each pixel `scale` times (integers) along both axes: [B, C, H, W] -> [B, C, scale H, scale W]. */
export function upsampleNearest2d(x: Tensor, scale: Pair): Tensor {
  const [, , height, width] = x.shape4();
  const [rows, columns] = pair(scale);
  return x.upsampleNearest2d([height * rows, width * columns]); // [B, C, rows H, columns W]
}

/**
 * GELU, x / 2 (1 + erf(x / sqrt 2)), of any shape. Not libtorch 1.13's operator: its backward through oneDNN
 * reads past the end of a gradient that is not contiguous.
 */
export function gelu(x: Tensor): Tensor {
  return x.mul(Math.SQRT1_2).erf().add(1).mul(x).mul(0.5);
}
