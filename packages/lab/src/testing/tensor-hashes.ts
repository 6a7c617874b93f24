/** What a checkpoint holds, to compare files of weights by content. */
import { createHash } from 'node:crypto';
import { readSafetensors, scope } from '@reclmis/torch';

/** SHA-256 of each tensor, by key in the file's order. */
export function tensorHashes(path: string): Record<string, string> {
  return scope(() =>
    Object.fromEntries(
      [...readSafetensors(path).tensors].map(([key, tensor]) => [
        key,
        createHash('sha256').update(tensor.toBytes()).digest('hex'),
      ]),
    ),
  );
}
