/** `weights/ID/` in the cache, and `downloads/ID/` for unfinished ones. */
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';

export function weightsFolder(home: string): string {
  return join(home, 'weights');
}

export function downloadFolder(home: string, id: string): string {
  return join(home, 'downloads', id);
}

/** Ids name folders. @throws OPTION_INVALID */
export function assertWeightsId(id: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${JSON.stringify(id)} is not a valid id for weights; expected 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit`,
    { remedy: 'Choose an id such as clip-vit-b-32.' },
  );
}
