/** Dropout (Srivastava et al. 2014) in its inverted form, as a function. */
import { dropout as libtorchDropout } from './generated/functions.js';
import { invoke, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const DROPOUT = operator('reclmis::dropout', '');

/**
 * Sets each element to zero with probability `p` and divides the others by 1 - p; the identity where not `train`. The result is a new handle.
 *
 * Float32 and bfloat16 on a CPU with AVX2 go through an operator of our own (`native/dropout.cc`), which draws one seed for a call from libtorch's generator and
 * keeps no mask; its bits do not depend on the number of threads.
 * @throws OPERATOR_FAILED for a p outside [0, 1].
 */
export function dropout(x: Tensor, p: number, train: boolean): Tensor {
  const own = train && x.device === 'cpu' && (x.dtype === 'float32' || x.dtype === 'bfloat16');
  if (own && native().hasLanes()) return Tensor.adopt(invoke(DROPOUT, [x.id, p]) as number);
  return libtorchDropout(x, p, train);
}
