/**
 * Images and masks as plain data, and exact rearrangements of their pixels.
 *
 * Row by row from the top left; x counts columns to the right, y rows downwards. Images are HWC (red, green,
 * blue interleaved), masks HW. The patient's left is on the image's right, so a mirrored image needs
 * `mirrorNote`.
 */
import { ReclmisError } from '../errors.js';

export interface Raster {
  readonly width: number;
  readonly height: number;
  /** height x width x channels values. */
  readonly data: Uint8Array;
}

/** Height x width x 3 values, 0..255. Grey images have three equal channels. */
export type RgbImage = Raster;

/** Height x width values, 0 background, 1 foreground. */
export type Mask = Raster;

/** @throws IMAGE_UNREADABLE unless the size is positive and there are 3 values per pixel. */
export function checkImage(image: RgbImage, operation: string): void {
  check(image, 3, 'IMAGE_UNREADABLE', `${operation}: the image`);
}

/** @throws MASK_SIZE_MISMATCH unless the size is positive and there is 1 value per pixel. */
export function checkMask(mask: Mask, operation: string): void {
  check(mask, 1, 'MASK_SIZE_MISMATCH', `${operation}: the mask`);
}

/** Number of foreground pixels. */
export function foregroundPixels({ data }: Mask): number {
  return data.reduce((sum, value) => sum + value, 0);
}

/** Foreground's share of the image, 0 to 1. */
export function foregroundShare(mask: Mask): number {
  return foregroundPixels(mask) / mask.data.length;
}

function check(
  { width, height, data }: Raster,
  channels: number,
  code: 'IMAGE_UNREADABLE' | 'MASK_SIZE_MISMATCH',
  what: string,
): void {
  const sized = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  if (sized && data.length === width * height * channels) return;
  throw new ReclmisError(
    code,
    `${what} is stated to be ${width} x ${height} with ${channels} value${channels === 1 ? '' : 's'} a pixel, but holds ${data.length} values`,
  );
}

/** Mirrors left to right. */
export function mirror(raster: Raster): Raster {
  const { width, height } = raster;
  return rearrange(raster, width, height, width - 1, -1, width);
}

/** Flips upside down. */
export function flip(raster: Raster): Raster {
  const { width, height } = raster;
  return rearrange(raster, width, height, (height - 1) * width, 1, -width);
}

/** Counter-clockwise by `turns` times 90 degrees; any integer. */
export function quarterTurn(raster: Raster, turns: number): Raster {
  const { width, height } = raster;
  switch (((turns % 4) + 4) % 4) {
    case 0:
      return rearrange(raster, width, height, 0, 1, width);
    case 1: // [W, H]: the right column becomes the top row
      return rearrange(raster, height, width, width - 1, width, -1);
    case 2:
      return rearrange(raster, width, height, height * width - 1, -1, -width);
    case 3: // [W, H]: the left column, read upwards, becomes the top row
      return rearrange(raster, height, width, (height - 1) * width, -width, 1);
    default:
      throw new ReclmisError('INTERNAL', `quarterTurn: expected an integer number of turns, got ${turns}`);
  }
}

function rearrange(
  raster: Raster,
  width: number,
  height: number,
  origin: number,
  stepX: number,
  stepY: number,
): Raster {
  const source = raster.data;
  const pixels = width * height;
  const channels = source.length / pixels;
  if (pixels <= 0 || (channels !== 1 && channels !== 3)) {
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `expected 1 or 3 values a pixel for ${raster.width} x ${raster.height} pixels, got ${source.length} values`,
    );
  }
  const data = new Uint8Array(source.length);
  let to = 0;
  for (let y = 0; y < height; y++) {
    let from = origin + y * stepY;
    if (channels === 1) {
      for (let x = 0; x < width; x++, from += stepX) data[to++] = source[from] as number;
    } else {
      for (let x = 0; x < width; x++, from += stepX) {
        data[to++] = source[from * 3] as number;
        data[to++] = source[from * 3 + 1] as number;
        data[to++] = source[from * 3 + 2] as number;
      }
    }
  }
  return { width, height, data };
}
