/** Pixels to PNG, deterministically; drawings to pixels. */
import { ReclmisError, type Mask, type RgbImage } from '@reclmis/core';
import { writeFileAtomic } from './whole-file.js';
import { loadEngine } from './sharp-engine.js';

/** A grey picture: a value 0..255 per pixel. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Level 9 takes three to six times as long on radiographs and figures, for at most a sixteenth less. */
const LEVEL = 6;

/** PNG of 8-bit pixels with 1 (grey) or 3 (RGB) channels. */
export async function encodePng(image: GreyImage, channels: 1 | 3): Promise<Uint8Array> {
  const { width, height, data } = image;
  if (data.length !== width * height * channels) {
    throw new ReclmisError(
      'INTERNAL',
      `PNG of ${width} x ${height} x ${channels}: expected ${width * height * channels} values, got ${data.length}`,
    );
  }
  const sharp = await loadEngine();
  const pipeline = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return pipeline
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png({ compressionLevel: LEVEL, adaptiveFiltering: channels === 3 })
    .toBuffer();
}

/** Width x height values, 0..65535. */
export async function encodePng16(values: Uint16Array, width: number, height: number): Promise<Uint8Array> {
  if (values.length !== width * height) {
    throw new ReclmisError(
      'INTERNAL',
      `PNG of ${width} x ${height}: expected ${width * height} values, got ${values.length}`,
    );
  }
  const sharp = await loadEngine();
  return sharp(values, { raw: { width, height, channels: 1 }, limitInputPixels: false })
    .toColourspace('grey16')
    .png({ compressionLevel: LEVEL })
    .toBuffer();
}

/** Writes PNG, all or nothing. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writePngRgb(path: string, image: RgbImage): Promise<void> {
  await writeFileAtomic(path, await encodePng(image, 3));
}

/** Writes 8-bit grey PNG, all or nothing. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writePngGrey(path: string, image: GreyImage): Promise<void> {
  await writeFileAtomic(path, await encodePng(image, 1));
}

/** Writes 8-bit grey PNG of 0 and 255, all or nothing. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writePngMask(path: string, mask: Mask): Promise<void> {
  const { data } = mask;
  const grey = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) grey[i] = data[i] === 0 ? 0 : 255; // `map` calls a function per pixel
  await writePngGrey(path, { ...mask, data: grey });
}

/** Draws an SVG on white at its own size. Use outlines for texts (`svg-text.ts`): fonts differ. */
export async function renderSvg(svg: string): Promise<RgbImage> {
  const sharp = await loadEngine();
  const pipeline = sharp(Buffer.from(svg), { density: 72 })
    .flatten({ background: 'white' })
    .toColourspace('srgb');
  const { data, info } = await pipeline.raw().toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    data: new Uint8Array(data.buffer, data.byteOffset, data.length),
  };
}
