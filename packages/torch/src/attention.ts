/** Multi-head attention over projected inputs, with its gradient (`native/attention.cc`). */
import { idOrNull, invoke, isRecording, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const ATTENTION = operator('reclmis::attention', '');

/** Bias and dropout of `attend`. */
export interface AttendOptions {
  /** Added to the scores, [B,H,T,S], minus infinity where barred; any strides. */
  readonly bias: Tensor | null;
  /** Probability of dropping a weight, from 0 to below 1. */
  readonly dropout: number;
}

/**
 * Whether `attend` takes a projection [B,T,C]: float32, heads of a multiple of 8 channels, on a CPU with AVX2
 * and FMA. False while a trace records, which knows libtorch's operators only.
 */
export function takesAttention(projection: Tensor, heads: number): boolean {
  if (isRecording() || projection.device !== 'cpu' || projection.dtype !== 'float32') return false;
  return (projection.size(-1) / heads) % 8 === 0 && native().hasLanes();
}

/**
 * softmax(q k' / sqrt(D) + bias) v for each head of D = C / heads neighbouring channels (Vaswani et al. 2017,
 * eq. 1), with dropout of the weights, one seed a call. Channels must be contiguous, rows need not be. The
 * bits do not depend on the number of threads.
 * @param query [B,T,C]. @param key [B,S,C]. @param value [B,S,C]. @returns [B,T,C] @throws OPERATOR_FAILED
 * for other shapes, layouts and dtypes.
 */
export function attend(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  heads: number,
  { bias, dropout }: AttendOptions,
): Tensor {
  const values = [query.id, key.id, value.id, idOrNull(bias), heads, dropout];
  return Tensor.adopt(invoke(ATTENTION, values) as number);
}
