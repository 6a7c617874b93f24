/** Inverted dropout (Srivastava et al. 2014) as a function. */
import { dropout as libtorchDropout } from './generated/functions.js';
import { invoke, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const DROPOUT = operator('reclmis::dropout', '');

/**
 * In training, zeroes each element with probability `p` and divides the others by 1 - p; else the identity.
 * Returns a new handle.
 *
 * For float32 and bfloat16 on a CPU with AVX2, `native/dropout.cc` draws one seed a call and keeps no mask;
 * the bits do not depend on the number of threads.
 * @throws OPERATOR_FAILED for a p outside [0, 1].
 */
export function dropout(x: Tensor, p: number, train: boolean): Tensor {
  const own = train && x.device === 'cpu' && (x.dtype === 'float32' || x.dtype === 'bfloat16');
  if (own && native().hasLanes()) return Tensor.adopt(invoke(DROPOUT, [x.id, p]) as number);
  return libtorchDropout(x, p, train);
}
