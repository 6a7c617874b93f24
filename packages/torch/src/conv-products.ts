/** Convolution as a matrix product for each output pixel, with its gradients (`native/convolution.cc`). */
import { idOrNull, invoke, operator } from './invoke.js';
import { Tensor } from './tensor.js';

const CONV2D = operator('reclmis::conv2d', '');
const PACK = operator('reclmis::conv2d_pack', '');
const TRANSPOSED = operator('reclmis::conv_transpose2d', '');
const PACKED = operator('reclmis::conv2d_packed', '');
const LINEAR = operator('reclmis::linear_packed', '');

/** Rows and columns. */
type Two = readonly [number, number];

/** A convolution's shape: its kernel's, the window's step, and the zeros around the map. */
export interface ConvShape {
  readonly kernel: Two;
  readonly stride: Two;
  readonly padding: Two;
}

/**
 * Cross-correlation [B,C,H,W] x [K,C,h,w] + [K] -> [B,K,H',W'], channels-last, float32, on a CPU with AVX2 and
 * FMA. The bits do not depend on the number of threads. @throws OPERATOR_FAILED for other dtypes and processors.
 */
export function convProducts(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  { stride, padding }: ConvShape,
): Tensor {
  return Tensor.adopt(invoke(CONV2D, [input.id, weight.id, idOrNull(bias), stride, padding]) as number);
}

/** `weight` [K,C,h,w] as `convProductsPacked` multiplies by it. @throws OPERATOR_FAILED as `convProducts`. */
export function packForProducts(weight: Tensor): Tensor {
  return Tensor.adopt(invoke(PACK, [weight.id]) as number);
}

/**
 * `convProducts` in evaluation, without gradients, + `shift` and `plus`, and then ReLU or not.
 * @param packed `packForProducts` of the weight. @param shift [K]. @param plus [B,K,H',W'], null: nothing.
 */
export function convProductsPacked(
  input: Tensor,
  packed: Tensor,
  shift: Tensor,
  plus: Tensor | null,
  relu: boolean,
  { kernel, stride, padding }: ConvShape,
): Tensor {
  const values = [input.id, packed.id, shift.id, idOrNull(plus), relu, kernel, stride, padding];
  return Tensor.adopt(invoke(PACKED, values) as number);
}

/**
 * `x` weight' + `bias` + `plus`, activated, [..,C] -> [..,K], in evaluation, without gradients: float32 on a CPU with
 * AVX2 and FMA. The bits do not depend on the number of threads.
 * @param packed `packForProducts` of the weight as [K,C,1,1]. @param bias [K]. @param plus [..,K].
 * @throws OPERATOR_FAILED for other shapes, dtypes and processors.
 */
export function linearPacked(
  x: Tensor,
  packed: Tensor,
  bias: Tensor | null,
  plus: Tensor | null,
  outputs: number,
  activation: 'relu' | 'gelu' | null,
): Tensor {
  const values = [x.id, packed.id, idOrNull(bias), idOrNull(plus), outputs];
  const id = invoke(LINEAR, [...values, activation === 'relu', activation === 'gelu']) as number;
  return Tensor.adopt(id);
}

/**
 * Transpose of `convProducts`: [B,C,H,W] x [C,K,h,w] + [K] -> [B,K,size], for a size that convolves to [H,W].
 * @throws OPERATOR_FAILED for other sizes, dtypes and processors.
 */
export function convTransposeProducts(
  input: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  size: Two,
  { stride, padding }: Pick<ConvShape, 'stride' | 'padding'>,
): Tensor {
  const values = [input.id, weight.id, idOrNull(bias), size, stride, padding];
  return Tensor.adopt(invoke(TRANSPOSED, values) as number);
}
