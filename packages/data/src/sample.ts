/** Reads cases at the model's size, and lays samples out as planes. */
import { imageForModel, maskForModel, ReclmisError, type ResizeRule, type RgbImage } from '@reclmis/core';
import { differentSizes, readImageWithHeader } from '@reclmis/files';
import { imageOptions, readOf } from './image-options.js';
import { readCaseMask } from './masks.js';
import type { Case, Sample } from './types.js';

/**
 * Stretched to size x size pixels as in serving.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, SLICE_MISSING, MASK_SIZE_MISMATCH
 */
export async function readSample(one: Case, size: number, rule: ResizeRule): Promise<Sample> {
  const { id, imagePath, maskPath, note } = one;
  const [read, label] = await readOf(one, () =>
    Promise.all([readImageWithHeader(imagePath, imageOptions(one)), readCaseMask(one)]),
  );
  const [{ image }, { mask }] = [read, label];
  if (image.width !== mask.width || image.height !== mask.height) {
    throw new ReclmisError('MASK_SIZE_MISMATCH', `${maskPath}: ${differentSizes(label.header, read.header)}`);
  }
  return { id, image: imageForModel(image, size, rule), mask: maskForModel(mask, size, rule), note };
}

const UNIT = Float32Array.from({ length: 256 }, (_, value) => value / 255);

/** Sample `at` of a batch: image [3, S, S] in [0, 1], mask [1, S, S], 0 or 1. */
export function writePlanes(sample: Sample, at: number, images: Float32Array, masks: Float32Array): void {
  const { data } = sample.image;
  const n = sample.mask.data.length; // S * S
  const red = at * 3 * n;
  for (let p = 0, i = 0; p < n; p += 1, i += 3) {
    images[red + p] = UNIT[data[i] as number] as number;
    images[red + n + p] = UNIT[data[i + 1] as number] as number;
    images[red + 2 * n + p] = UNIT[data[i + 2] as number] as number;
  }
  masks.set(sample.mask.data, at * n);
}

export function isGrey({ data }: RgbImage): boolean {
  for (let i = 0; i < data.length; i += 3)
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  return true;
}
