/** Finds true masks by the images' names: in a given folder, or in LViT's layout. */
import { basename, dirname, join } from 'node:path';
import { type Mask, ReclmisError, type RgbImage } from '@reclmis/core';
import { imageFilesIn, readCaseMask, type ImageOfMask, imageStem } from '@reclmis/data';

export interface TrueMasks {
  /** At the image's size; null if there is none. @throws MASK_SIZE_MISMATCH, and the codes of `readMask` */
  of(one: ImageOfMask, image: Pick<RgbImage, 'width' | 'height'>): Promise<Mask | null>;
}

/**
 * @param dir of masks with their images' names; default: `labelcol` next to an image's folder `img`.
 * @throws DATA_FOLDER_MISSING if `dir` is missing
 */
export async function openTrueMasks(dir?: string): Promise<TrueMasks> {
  if (dir !== undefined && (await imageFilesIn(dir)) === null)
    throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: no such folder of true masks`);
  const folders = new Map<string, Promise<ReadonlyMap<string, string>>>();
  const folderOf = (imagePath: string): string | null => {
    if (dir !== undefined) return dir;
    const images = dirname(imagePath);
    return basename(images) === 'img' ? join(dirname(images), 'labelcol') : null;
  };
  return {
    async of(one, { width, height }) {
      const { imagePath } = one;
      const folder = folderOf(imagePath);
      if (folder === null) return null;
      const names = folders.get(folder) ?? namesIn(folder);
      folders.set(folder, names);
      const path = (await names).get(imageStem(basename(imagePath)));
      if (path === undefined) return null;
      const { mask } = await readCaseMask({ ...one, id: basename(path), maskPath: path });
      if (mask.width === width && mask.height === height) return mask;
      throw new ReclmisError(
        'MASK_SIZE_MISMATCH',
        `${path}: expected ${width} x ${height} pixels, as its image has, got ${mask.width} x ${mask.height}`,
      );
    },
  };
}

/** Path by stem; empty without the folder. */
async function namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = (await imageFilesIn(folder)) ?? [];
  return new Map(files.map((file) => [imageStem(file), join(folder, file)]));
}
