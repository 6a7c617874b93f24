/**
 * Autocast, as PyTorch's `torch.autocast`: inside a block libtorch itself casts the arguments of its matrix products and convolutions
 * to a 16-bit type, keeps the operators of its float32 list in float32 and leaves the others as their arguments are. Which operators
 * those are is libtorch's own table for the device; on a CPU softmax and layer normalisation are in neither list and follow their
 * input (they add up in float32 inside), on CUDA both are in the float32 list.
 *
 * Weights stay float32. Their 16-bit copies are kept until the outermost block ends, so that a weight that is used twice is cast once.
 * Call `backward()` after the block: each operator's gradient then has the type that its forward pass had, and what reaches a weight
 * is float32 again.
 */
import { ReclmisError } from '@reclmis/core';
import { dtypeCode, type DType } from '../invoke.js';
import { native } from '../native.js';
import type { Tensor } from '../tensor.js';

/** What matrix products and convolutions compute in. `float32` switches autocast off, e.g. for a part of an outer block. */
export type AutocastDType = 'float32' | 'bfloat16' | 'float16';

export interface AutocastOptions {
  /** `cpu`, `cuda` or `cuda:N`; the operators of other kinds of device are left alone. */
  readonly device: string;
  readonly dtype: AutocastDType;
}

/** Types that `float32` widens. */
const NARROW: ReadonlySet<DType> = new Set<DType>(['float16', 'bfloat16']);

/**
 * Runs `body` under autocast. Blocks nest; on a return and on a throw what held before holds again. Synchronous only: other tasks
 * would run under it too.
 * @throws PRECISION_UNSUPPORTED for float16 on a CPU.
 */
export function autocast<T>({ device, dtype }: AutocastOptions, body: () => T): T {
  requireAutocast(device, dtype);
  const addon = native();
  const enabled = dtype !== 'float32';
  const kind = device.startsWith('cuda') ? 'cuda' : 'cpu';
  // Switched off, the dtype matters to nobody; bfloat16 is one that both kinds of device take.
  const before = addon.setAutocast(kind, enabled, dtypeCode(enabled ? dtype : 'bfloat16') as number);
  addon.enterAutocast();
  try {
    const result = body();
    if (result instanceof Promise)
      throw new TypeError('autocast() is synchronous; its body returned a promise');
    return result;
  } finally {
    addon.leaveAutocast();
    addon.setAutocast(kind, before.enabled, before.dtype);
  }
}

/**
 * Whether a device computes in a type under autocast.
 * @throws PRECISION_UNSUPPORTED for float16 on a CPU.
 */
export function requireAutocast(device: string, dtype: AutocastDType): void {
  if (dtype === 'float16' && device === 'cpu') {
    throw new ReclmisError('PRECISION_UNSUPPORTED', 'device cpu: expected float32 or bfloat16, got float16');
  }
}

/** `x` as float32 where it is of a 16-bit type, and `x` itself, the same handle, where it is not. */
export function float32(x: Tensor): Tensor {
  return NARROW.has(x.dtype) ? x.to({ dtype: 'float32' }) : x;
}
