/** What Grad-CAM explains, as people write it: `predicted`, `all`, a pixel `x,y`, or the path of a mask. */
import { ReclmisError, toReclmisError } from '@reclmis/core';
import { differentSizes, readImageHeader, readMaskWithValues } from '@reclmis/files';
import { imageOptions, type ImageOfMask } from '@reclmis/data';
import type { Target } from './grad-cam.js';

/**
 * @param images those that it is for: a pixel or a mask belongs to one. A mask is turned with its image for display.
 * @throws OPTION_INVALID, MASK_SIZE_MISMATCH and the codes of `readMaskWithValues`
 */
export async function readTarget(text: string, images: readonly ImageOfMask[]): Promise<Target> {
  if (text === 'predicted' || text === 'all') return { kind: text };
  const [image] = images;
  if (image === undefined || images.length > 1) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `--target ${text}: a pixel or mask file applies to one image, got ${images.length} images`,
      { remedy: 'Use --target predicted or --target all for several images.' },
    );
  }
  const pixel = /^(\d+),(\d+)$/.exec(text);
  if (pixel) return { kind: 'pixel', x: Number(pixel[1]), y: Number(pixel[2]) };
  try {
    const { imagePath } = image;
    const options = imageOptions(image);
    const { mask, header } = await readMaskWithValues(text, { imagePath, ...options });
    const due = await readImageHeader(imagePath, options).catch(() => header); // reading the image reports its faults
    if (due.width !== mask.width || due.height !== mask.height)
      throw new ReclmisError('MASK_SIZE_MISMATCH', `--target ${text}: ${differentSizes(header, due)}`);
    return { kind: 'mask', mask };
  } catch (cause) {
    const error = toReclmisError(cause);
    if (error.code !== 'IMAGE_MISSING') throw error;
    throw new ReclmisError(
      'OPTION_INVALID',
      `--target: expected predicted, all, a pixel x,y or a mask file, got "${text}"`,
      { cause },
    );
  }
}
