/** Finds lung masks by the images' names: `case.png`, `mask_case.png`, `case.tif`. */
import { join } from 'node:path';
import { type Mask, ReclmisError, resizeMask } from '@reclmis/core';
import { nameKey, readMask } from '@reclmis/files';
import { imageOptions } from './image-options.js';
import { imageFilesIn, stemOf } from './layouts/image-folder.js';
import type { Case } from './types.js';

/** Which image a mask belongs to. */
export type ImageOfMask = Pick<Case, 'imagePath' | 'frame' | 'window'>;

export interface LungMasks {
  readonly dir: string;
  /**
   * @param name of the image or its mask, with or without extension
   * @param width in pixels, of the result @param height in pixels
   * @param image that they belong to: if it is DICOM or NIfTI, they are turned with it for display
   * @throws MASK_MISSING, and the codes of `readMask`
   */
  of(name: string, width: number, height: number, image?: ImageOfMask): Promise<Mask>;
}

/** @throws DATA_FOLDER_MISSING, MASK_MISSING if the folder holds no image */
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
    async of(name, width, height, image) {
      const file = byStem.get(imageStem(name)) ?? byStem.get(nameKey(name.replace(/^mask_/, '')));
      if (file === undefined) {
        throw new ReclmisError('MASK_MISSING', `${dir}: has no lung mask for ${name}`, {
          remedy: `Add ${imageStem(name)}.png, or omit --lungs to divide the images themselves into zones.`,
        });
      }
      const options = image && { imagePath: image.imagePath, ...imageOptions(image) };
      return resizeMask(await readMask(join(dir, file), options), width, height);
    },
  };
}

/** The name without extension and `mask_`, in NFC. */
export function imageStem(name: string): string {
  return nameKey(stemOf(name).replace(/^mask_/, ''));
}
