/** PNG without a canvas, which may alter pixels: browsers that resist fingerprinting add noise to what is read from one. */
import { type Mask, ReclmisError, type RgbImage } from '@reclmis/core';
import { decode, encode } from 'fast-png';

/** Masks are flat and pictures are noise: neither gets smaller at a higher level, and 4096 x 4096 pixels take seconds. */
const ZLIB = { level: 3 } as const;

/** 8 bits of grey, 0 and 255. */
export function maskPng({ width, height, data }: Mask): Uint8Array {
  const grey = data.map((value) => (value === 0 ? 0 : 255));
  return encode({ width, height, data: grey, channels: 1, depth: 8 }, { zlib: ZLIB });
}

/** 8 bits of red, green and blue. */
export function rgbPng({ width, height, data }: RgbImage): Uint8Array {
  return encode({ width, height, data, channels: 3, depth: 8 }, { zlib: ZLIB });
}

/** @throws IMAGE_UNREADABLE for damage, and for values other than 0 and 255 */
export function readMaskPng(bytes: Uint8Array): Mask {
  const { width, height, data } = decoded(bytes, 1);
  if (data.some((value) => value !== 0 && value !== 255))
    throw new ReclmisError('IMAGE_UNREADABLE', 'the mask’s PNG has values other than 0 and 255');
  return { width, height, data: data.map((value) => (value === 0 ? 0 : 1)) };
}

/** @throws IMAGE_UNREADABLE */
export const readRgbPng = (bytes: Uint8Array): RgbImage => decoded(bytes, 3);

function decoded(bytes: Uint8Array, channels: number): RgbImage {
  let png;
  try {
    png = decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw new ReclmisError('IMAGE_UNREADABLE', 'the PNG file is damaged', { cause });
  }
  const { width, height, data, depth } = png;
  if (depth !== 8 || png.channels !== channels || !(data instanceof Uint8Array))
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `expected a PNG of ${channels} channels of 8 bits, got ${png.channels} of ${depth}`,
    );
  return { width, height, data };
}
