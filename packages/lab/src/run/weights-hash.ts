/** Tells weights apart, whichever file they are in: the best checkpoint or a resume point. */
import { createHash } from 'node:crypto';
import type { Tensor } from '@reclmis/torch';

/** SHA-256 of names, kinds, shapes and values. @param tensors on the CPU */
export function weightsHash(tensors: ReadonlyMap<string, Tensor>): string {
  const hash = createHash('sha256');
  for (const [name, tensor] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(JSON.stringify([name, tensor.dtype, tensor.shape])).update(tensor.toBytes());
  }
  return hash.digest('hex');
}
