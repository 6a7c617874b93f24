/**
 * Autocast, as `torch.autocast`: inside a block libtorch casts the arguments of matrix products and
 * convolutions to a 16-bit type and runs its float32 list in float32; other operators follow their arguments.
 * Softmax and layer normalisation are in that list on CUDA only; on a CPU they follow their input and sum in
 * float32.
 *
 * Weights stay float32; a 16-bit copy is kept until the outermost block ends. Call `backward()` after the
 * block: each gradient has its forward pass's type, and a weight's is float32.
 */
import { ReclmisError } from '@reclmis/core';
import { dtypeCode, type DType } from '../invoke.js';
import { native } from '../native.js';
import type { Tensor } from '../tensor.js';

/** Type of matrix products and convolutions. `float32` switches autocast off, e.g. within an outer block. */
export type AutocastDType = 'float32' | 'bfloat16' | 'float16';

export interface AutocastOptions {
  /** `cpu`, `cuda` or `cuda:N`; other kinds are unaffected. */
  readonly device: string;
  readonly dtype: AutocastDType;
}

const NARROW: ReadonlySet<DType> = new Set<DType>(['float16', 'bfloat16']);

let casting = false;

/** Whether autocast is on for the CPU. */
export function isAutocast(): boolean {
  return casting;
}

/**
 * Runs `body` under autocast. Blocks nest. Synchronous, or other tasks would run under it too.
 * @throws PRECISION_UNSUPPORTED for float16 on a CPU.
 */
export function autocast<T>({ device, dtype }: AutocastOptions, body: () => T): T {
  requireAutocast(device, dtype);
  const addon = native();
  const enabled = dtype !== 'float32';
  const kind = device.startsWith('cuda') ? 'cuda' : 'cpu';
  // When off, any dtype valid on both kinds of device will do.
  const before = addon.setAutocast(kind, enabled, dtypeCode(enabled ? dtype : 'bfloat16') as number);
  const outside = casting;
  if (kind === 'cpu') casting = enabled;
  addon.enterAutocast();
  try {
    const result = body();
    if (result instanceof Promise)
      throw new TypeError('autocast() is synchronous; its body returned a promise');
    return result;
  } finally {
    casting = outside;
    addon.leaveAutocast();
    addon.setAutocast(kind, before.enabled, before.dtype);
  }
}

/** @throws PRECISION_UNSUPPORTED for float16 on a CPU. */
export function requireAutocast(device: string, dtype: AutocastDType): void {
  if (dtype === 'float16' && device === 'cpu') {
    throw new ReclmisError('PRECISION_UNSUPPORTED', 'device cpu: expected float32 or bfloat16, got float16');
  }
}

/** `x` as float32 if it is 16-bit, else the same handle. */
export function float32(x: Tensor): Tensor {
  return NARROW.has(x.dtype) ? x.to({ dtype: 'float32' }) : x;
}
