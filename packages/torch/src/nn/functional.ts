/** Layers without parameters, over maps [B, C, H, W]. */
import { cat } from '../generated/functions.js';
import { invoke, isRecording, operator } from '../invoke.js';
import { isLaneMap, upsampleJoin } from '../maps.js';
import { native } from '../native.js';
import { isDeterministic } from '../runtime.js';
import { Tensor } from '../tensor.js';
import { pair, type Pair } from './init.js';

const GELU = operator('reclmis::gelu', '');

export interface PoolOptions {
  /** Step of the window; default: the kernel's size. */
  readonly stride?: Pair;
  /** Minus infinities at both ends of each axis, at most half the kernel; default 0. */
  readonly padding?: Pair;
  /** Rounds the size up: the last window may reach over the edge. Default false. */
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

/** Repeats each pixel: [B, C, H, W] -> [B, C, scale H, scale W]. `scale` is whole. */
export function upsampleNearest2d(x: Tensor, scale: Pair): Tensor {
  const [, , height, width] = x.shape4();
  const [rows, columns] = pair(scale);
  if (rows === 2 && columns === 2 && isLaneMap(x)) return upsampleJoin(x, []);
  return x.upsampleNearest2d([height * rows, width * columns]); // [B, C, rows H, columns W]
}

/** [x twofold, skips], along the channels: [B, C, H, W], [B, .., 2 H, 2 W] each -> [B, .., 2 H, 2 W]. */
export function upsampleAndJoin(x: Tensor, skips: readonly Tensor[]): Tensor {
  const fits = [x, ...skips].every((map) => map.dtype === x.dtype && isLaneMap(map));
  if (fits) return upsampleJoin(x, skips);
  const raised = upsampleNearest2d(x, 2);
  return skips.length > 0 ? cat([raised, ...skips], 1) : raised;
}

/**
 * Resizes bilinearly: [B, C, H, W] -> [B, C, size]. By `resizeByProducts` on CUDA under `setDeterministic`,
 * where libtorch's gradient adds in any order.
 * @param alignCorners true: corner pixels keep their places, source = index (in - 1) / (out - 1); false:
 * pixels are areas, source = (index + 0.5) in / out - 0.5, clamped at the edge.
 */
export function resizeBilinear2d(x: Tensor, size: Pair, alignCorners: boolean): Tensor {
  if (isDeterministic() && x.device !== 'cpu') return resizeByProducts(x, size, alignCorners);
  return x.upsampleBilinear2d(pair(size), alignCorners); // [B, C, H', W']
}

/** The same as two matrix products, R x C', one row of R and C for each row and column of the result. */
export function resizeByProducts(x: Tensor, size: Pair, alignCorners: boolean): Tensor {
  const [, , height, width] = x.shape4();
  const [rows, columns] = pair(size);
  const like = { dtype: x.dtype, device: x.device };
  const C = interpolation(width, columns, alignCorners).to(like); // [W', W]
  const R = interpolation(height, rows, alignCorners).to(like); // [H', H]
  return R.matmul(x.matmul(C.t())); // [B, C, H', W']
}

/** Shares of `from` places in each of `to`, [to, from], float64; rows sum to 1. */
function interpolation(from: number, to: number, alignCorners: boolean): Tensor {
  const shares = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const corners = to > 1 ? (i * (from - 1)) / (to - 1) : 0;
    const source = alignCorners ? corners : Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const below = Math.min(Math.floor(source), from - 1);
    const above = Math.min(below + 1, from - 1);
    const rest = source - below;
    shares[i * from + below] = (shares[i * from + below] ?? 0) + 1 - rest;
    shares[i * from + above] = (shares[i * from + above] ?? 0) + rest;
  }
  return Tensor.fromFloat64(shares, [to, from]);
}

/**
 * GELU, x / 2 (1 + erf(x / sqrt 2)); for float32 on a CPU with AVX2 by `native/gelu.cc`, to 3e-7. Not
 * libtorch 1.13's: its backward through oneDNN reads past the end of a gradient that is not contiguous.
 */
export function gelu(x: Tensor): Tensor {
  if (x.device === 'cpu' && x.dtype === 'float32' && !isRecording() && native().hasLanes()) {
    return Tensor.adopt(invoke(GELU, [x.id]) as number);
  }
  return x.mul(Math.SQRT1_2).erf().add(1).mul(x).mul(0.5);
}
