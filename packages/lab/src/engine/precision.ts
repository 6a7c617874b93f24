/**
 * Precision of the model's matrix products and convolutions, under autocast as in PyTorch. Weights, gradients of weights, optimiser,
 * losses, CCL's similarities and layer normalisation are float32 whatever is chosen.
 *
 *     fp32   all in float32
 *     bf16   8 bits of mantissa over float32's range: needs no loss scaling
 *     fp16   11 bits over a narrow range, CUDA only: with loss scaling
 */
import { readFileSync } from 'node:fs';
import { autocast, type AutocastDType, LossScaler, requireAutocast } from '@reclmis/torch';
import type { Precision } from '../config/precisions.js';

/** What of an engine matters here. */
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

/** @throws PRECISION_UNSUPPORTED where the device, `cpu` or `cuda:N`, does not compute in it. */
export function requirePrecision(device: string, precision: Precision): void {
  requireAutocast(device, DTYPES[precision]);
}

/** Runs the model's part of a step in the engine's precision; synchronous. Losses and `backward()` belong outside. */
export function inPrecision<T>({ device, precision }: Computing, body: () => T): T {
  return precision === 'fp32' ? body() : autocast({ device, dtype: DTYPES[precision] }, body);
}

/** What fp16's gradients need; null for the other precisions. */
export function lossScalerFor({ precision }: Pick<Computing, 'precision'>): LossScaler | null {
  return precision === 'fp16' ? new LossScaler() : null;
}

/** Instructions of x86-64 and of 64-bit Arm that multiply bfloat16, as the kernel lists them. */
const BF16_INSTRUCTIONS = /\b(avx512_bf16|amx_bf16|bf16)\b/;

/**
 * What the user should know before a run in this precision: that the processor has no bfloat16 of its own. Null where there is
 * nothing to say, or where the system does not tell.
 * @param processor the system's description of the processor, /proc/cpuinfo's text by default.
 */
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
