/** 3x3 convolution by Winograd's minimal filtering, with its gradients (`native/winograd.cc`). */
import { idOrNull, invoke, operator } from './invoke.js';
import { native } from './native.js';
import { keep } from './scope.js';
import { Tensor } from './tensor.js';

const CONV3X3 = operator('reclmis::conv3x3', '');
const TRANSFORM = operator('reclmis::conv3x3_transform', '');
const VERSION = operator('aten::_version', '');

/** Whether this processor can run `conv3x3` (AVX2 and FMA). */
export function hasConv3x3(): boolean {
  return native().hasLanes();
}

/**
 * Cross-correlation [B,C,H,W] x [K,C,3,3] + [K] -> [B,K,H,W], stride 1, padding 1, channels-last, on the CPU;
 * C and K are multiples of 16. Maps and their gradients are float32 or bfloat16; the rest is float32. F(4x4,
 * 3x3) of Lavin and Gray (arXiv 1509.09308) rounds to about 1e-5 of the largest output. The bits do not
 * depend on the number of threads.
 * @param transformed `weight` as `TransformedWeight` keeps it; null computes it. @throws OPERATOR_FAILED for
 * other shapes, dtypes and processors.
 */
export function conv3x3(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  transformed: Tensor | null = null,
): Tensor {
  const values = [input.id, weight.id, idOrNull(bias), undefined, idOrNull(transformed)];
  return Tensor.adopt(invoke(CONV3X3, values) as number);
}

/**
 * A weight as `conv3x3` multiplies by it (four times as large), kept until the weight changes: making it
 * takes a fifth of an image's inference. Lives outside all scopes until `dispose`.
 */
export class TransformedWeight {
  #kept: { readonly tensor: Tensor; readonly version: number } | null = null;

  /** The transformed `weight` [K,C,3,3], made only if it changed. @throws OPERATOR_FAILED as `conv3x3`. */
  of(weight: Tensor): Tensor {
    const version = invoke(VERSION, [weight.id]) as number;
    if (this.#kept?.version !== version) {
      this.dispose();
      this.#kept = { tensor: keep(Tensor.adopt(invoke(TRANSFORM, [weight.id]) as number)), version };
    }
    return this.#kept.tensor;
  }

  /** Frees what is kept; the next use recomputes it. */
  dispose(): void {
    this.#kept?.tensor.dispose();
    this.#kept = null;
  }
}
