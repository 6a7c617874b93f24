/**
 * Precision of the model's matrix products and convolutions, under autocast as in PyTorch. Weights, their gradients,
 * optimiser, losses, CCL's similarities and layer normalisation are always float32.
 *
 *     fp32   all in float32
 *     bf16   8 bits of mantissa, float32's range: no loss scaling
 *     fp16   11 bits, narrow range, CUDA only: with loss scaling
 */
import { readFileSync } from 'node:fs';
import { autocast, type AutocastDType, LossScaler, requireAutocast } from '@reclmis/torch';
import type { Precision } from '../config/precisions.js';

interface Computing {
  /** `cpu` or `cuda:N`. */
  readonly device: string;
  readonly precision: Precision;
}

const DTYPES: Readonly<Record<Precision, AutocastDType>> = {
  fp32: 'float32',
  bf16: 'bfloat16',
  fp16: 'float16',
};

/** @throws PRECISION_UNSUPPORTED */
export function requirePrecision(device: string, precision: Precision): void {
  requireAutocast(device, DTYPES[precision]);
}

/** Synchronous. Keep losses and `backward()` outside. */
export function inPrecision<T>({ device, precision }: Computing, body: () => T): T {
  return precision === 'fp32' ? body() : autocast({ device, dtype: DTYPES[precision] }, body);
}

/** The loss scaler; null unless fp16. */
export function lossScalerFor({ precision }: Pick<Computing, 'precision'>): LossScaler | null {
  return precision === 'fp16' ? new LossScaler() : null;
}

/** On x86-64 and 64-bit Arm. */
const BF16_INSTRUCTIONS = /\b(avx512_bf16|amx_bf16|bf16)\b/;

/** Warns of a processor without bfloat16 instructions, or null. @param processor default /proc/cpuinfo */
export function precisionNotice(
  { device, precision }: Computing,
  processor: string | null = describeProcessor(),
): string | null {
  if (precision !== 'bf16' || device !== 'cpu' || processor === null) return null;
  if (BF16_INSTRUCTIONS.test(processor)) return null;
  return (
    'this processor has no bfloat16 instructions: libtorch emulates bf16, which is many times slower than fp32 and less accurate; ' +
    'use --precision fp32 here'
  );
}

function describeProcessor(): string | null {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return null; // not Linux
  }
}
