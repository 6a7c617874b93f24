/** How names in a table of notes and names of images are compared. */
import { basename, dirname } from 'node:path';
import { imageStem, nameKey } from '@reclmis/files';

/** In NFC, with slashes, without `./` before it. */
export const plain = (name: string): string => nameKey(name.replaceAll('\\', '/').replace(/^(?:\.\/)+/, ''));

/** The path without extension and without `mask_` before the file name. */
export function keyOf(name: string): string {
  const path = plain(name);
  const known = imageStem(path);
  const file = basename(known).replace(/^mask_/, '');
  return dirname(known) === '.' ? file : `${dirname(known)}/${file}`;
}
