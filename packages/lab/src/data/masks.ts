/** Reads the mask of a case: a file, or its part of one (`MaskPart`). */
import { drawRegions, maskOf, ReclmisError } from '@reclmis/core';
import {
  type ImageHeader,
  readImageHeader,
  readLabels,
  readMaskWithValues,
  type ReadMask,
} from '@reclmis/files';
import type { Case } from './types.js';

type Masked = Pick<Case, 'id' | 'maskPath' | 'mask'>;

/**
 * 0 and 1 (foreground), with statistics of the stored values.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, LABEL_UNKNOWN, ANNOTATION_INVALID
 */
export async function readCaseMask({ id, maskPath, mask: part }: Masked): Promise<ReadMask> {
  if (part === undefined) return readMaskWithValues(maskPath);
  if (part.kind === 'labels') {
    const { width, height, data, header } = await readLabels(maskPath);
    return { ...binary(width, height, labelled(maskPath, data, part.values, part.known), maskPath), header };
  }
  const { width, height, regions } = part;
  try {
    return {
      ...binary(width, height, drawRegions(regions, width, height).data, maskPath),
      header: headerOf(width, height),
    };
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    throw new ReclmisError(error.code, `${maskPath}: ${id}: ${error.message}`, { cause: error });
  }
}

/** Size of a mask in pixels, undecoded. @throws as `readCaseMask`, for what the header tells */
export async function caseMaskHeader({ maskPath, mask }: Omit<Masked, 'id'>): Promise<ImageHeader> {
  return mask?.kind === 'regions' ? headerOf(mask.width, mask.height) : readImageHeader(maskPath);
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
