/**
 * Masks of the lungs from a folder, by the names of images: `case.png`, `mask_case.png`, `case.tif`. Whoever made them; a data set of infections
 * has none, and published models for lungs are plenty.
 */
import { join } from 'node:path';
import { type Mask, ReclmisError, resizeMask } from '@reclmis/core';
import { nameKey, readMask } from '@reclmis/files';
import { imageFilesIn, stemOf } from './layouts/image-folder.js';

/** Finds the mask of an image's lungs. */
export interface LungMasks {
  readonly dir: string;
  /**
   * @param name of the image or its mask, with or without extension
   * @param width in pixels; the mask is resized to width x height
   * @param height in pixels
   * @throws MASK_MISSING, and the codes of `readMask`
   */
  of(name: string, width: number, height: number): Promise<Mask>;
}

/** @throws DATA_FOLDER_MISSING where there is no such folder, MASK_MISSING where it holds no image file */
export async function openLungMasks(dir: string): Promise<LungMasks> {
  const files = await imageFilesIn(dir);
  if (files === null) throw new ReclmisError('DATA_FOLDER_MISSING', `${dir}: no such folder of lung masks`);
  const byStem = new Map(files.map((file) => [imageStem(file), file]));
  if (byStem.size === 0) {
    throw new ReclmisError(
      'MASK_MISSING',
      `${dir}: expected masks of the lungs, got no PNG, JPEG or TIFF file`,
    );
  }
  return {
    dir,
    async of(name, width, height) {
      const file = byStem.get(imageStem(name)) ?? byStem.get(nameKey(name.replace(/^mask_/, '')));
      if (file === undefined) {
        throw new ReclmisError('MASK_MISSING', `${dir}: has no lung mask for ${name}`, {
          remedy: `Add ${imageStem(name)}.png, or omit --lungs to divide the images themselves into zones.`,
        });
      }
      return resizeMask(await readMask(join(dir, file)), width, height);
    },
  };
}

/** The image's file name without extension, in NFC, of an image or of a mask in LViT's naming. */
export function imageStem(name: string): string {
  return nameKey(stemOf(name).replace(/^mask_/, ''));
}
