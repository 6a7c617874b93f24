/** 3x3 convolution by Winograd's minimal filtering, with its gradients (`native/winograd.cc`). */
import { idOrNull, invoke, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const CONV3X3 = operator('reclmis::conv3x3', '');
const TRANSFORM = operator('reclmis::conv3x3_transform', '');
const PACKED = operator('reclmis::conv3x3_packed', '');

/** Whether this processor can run `conv3x3` (AVX2 and FMA). */
export function hasConv3x3(): boolean {
  return native().hasLanes();
}

/**
 * Cross-correlation [B,C,H,W] x [K,C,3,3] + [K] -> [B,K,H,W], stride 1, padding = `dilation`, channels-last, on the CPU;
 * C and K are multiples of 16. Maps and their gradients are float32 or bfloat16; the rest is float32. F(4x4,
 * 3x3) of Lavin and Gray (arXiv 1509.09308) rounds to about 1e-5 of the largest output. The bits do not
 * depend on the number of threads.
 * @param transformed `conv3x3Transform` of `weight`; null computes it. @param dilation pixels between the kernel's
 * elements, default 1. @throws OPERATOR_FAILED for other shapes, dtypes and processors.
 */
export function conv3x3(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  transformed: Tensor | null = null,
  dilation = 1,
): Tensor {
  const values = [input.id, weight.id, idOrNull(bias), undefined, idOrNull(transformed), dilation];
  return Tensor.adopt(invoke(CONV3X3, values) as number);
}

/**
 * The same in evaluation, without gradients, + `shift` and `plus`, and then ReLU or not.
 * @param packed `conv3x3Transform` of the weight. @param shift [K]. @param plus [B,K,H,W], null: nothing.
 */
export function conv3x3Packed(
  input: Tensor,
  packed: Tensor,
  shift: Tensor,
  plus: Tensor | null,
  relu: boolean,
  dilation = 1,
): Tensor {
  const values = [input.id, packed.id, shift.id, idOrNull(plus), relu, undefined, dilation];
  return Tensor.adopt(invoke(PACKED, values) as number);
}

/** `weight` [K,C,3,3] as `conv3x3` multiplies by it, four times as large. @throws OPERATOR_FAILED as `conv3x3`. */
export function conv3x3Transform(weight: Tensor): Tensor {
  return Tensor.adopt(invoke(TRANSFORM, [weight.id]) as number);
}
