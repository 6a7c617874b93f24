/**
 * Reads the mask of a case: a file, or its part of one (`MaskPart`). A picture next to a DICOM or NIfTI image has the pixels
 * as that file stores them, and is turned with it; SEG and NIfTI masks say themselves how they lie, and are read on its grid.
 */
import { about, drawRegions, maskOf, ReclmisError } from '@reclmis/core';
import {
  headerOnDisplay,
  type ImageHeader,
  maskOnDisplay,
  readLabels,
  type ReadMask,
  readMaskHeader,
  readMaskWithValues,
} from '@reclmis/files';
import { imageOptions } from './image-options.js';
import type { Case } from './types.js';

type Masked = Pick<Case, 'id' | 'imagePath' | 'maskPath' | 'mask' | 'frame' | 'window'>;

/**
 * 0 and 1 (foreground), with statistics of the stored values.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, LABEL_UNKNOWN, ANNOTATION_INVALID,
 * SEG_INVALID, MASK_SIZE_MISMATCH (SEG and NIfTI that lie elsewhere)
 */
export async function readCaseMask(one: Masked): Promise<ReadMask> {
  const { id, imagePath, maskPath, mask: part } = one;
  const options = { imagePath, ...imageOptions(one) };
  if (part === undefined) return readMaskWithValues(maskPath, options);
  if (part.kind === 'labels') {
    const { width, height, data, header } = await readLabels(maskPath, options);
    return { ...binary(width, height, labelled(maskPath, data, part.values, part.known), maskPath), header };
  }
  const { width, height, regions } = part;
  const read = about(`${maskPath}: ${id}`, () => ({
    ...binary(width, height, drawRegions(regions, width, height).data, maskPath),
    header: headerOf(width, height),
  }));
  return maskOnDisplay(read, options);
}

/** Size of a mask in pixels, undecoded. @throws as `readCaseMask`, for what the header tells */
export async function caseMaskHeader(one: Omit<Masked, 'id'>): Promise<ImageHeader> {
  const { imagePath, maskPath, mask } = one;
  const options = { imagePath, ...imageOptions(one) };
  return mask?.kind === 'regions'
    ? headerOnDisplay(headerOf(mask.width, mask.height), options)
    : readMaskHeader(maskPath, options);
}

const headerOf = (width: number, height: number): ImageHeader => ({
  ...{ format: 'png', width, height, orientation: 1, bits: 8, grey: true, alpha: false },
});

function binary(width: number, height: number, data: Uint8Array, path: string): Omit<ReadMask, 'header'> {
  return maskOf({ width, height, channels: 1, data: data.map((value) => 255 * value) }, path);
}

function labelled(
  path: string,
  data: Uint8Array | Uint16Array,
  values: readonly number[],
  known: readonly number[],
): Uint8Array {
  const highest = known.reduce((most, value) => Math.max(most, value), 0);
  const isOwn = new Uint8Array(highest + 1);
  const isKnown = new Uint8Array(highest + 1);
  for (const value of known) isKnown[value] = 1;
  for (const value of values) isOwn[value] = 1;
  const strange = data.find((value) => isKnown[value] !== 1);
  if (strange !== undefined)
    throw new ReclmisError('LABEL_UNKNOWN', `${path}: holds the label ${strange}; dataset.json has ${[...new Set(known)].sort((a, b) => a - b).join(', ')}`); // prettier-ignore
  return Uint8Array.from(data, (value) => isOwn[value] as number);
}
