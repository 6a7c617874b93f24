/**
 * PNG, JPEG and TIFF to pixels, by sharp; docs/reference/images.md has all rules.
 *
 * 8-bit values are kept: colour profiles and gamma are ignored, as in OpenCV's `imread`, which the authors'
 * code uses (with B, G, R; here R, G, B, see docs/method.md 13). 16-bit values v become round(v / 257).
 * Orientation tags (EXIF, TIFF) are applied, so that a mask drawn in a viewer fits. CMYK, Lab and floating
 * point are refused: their conversion is the exporter's choice.
 */
import { extname } from 'node:path';
import { type ClinicalFormat, fileHeader, ReclmisError, refuseRareKinds, type RgbImage } from '@reclmis/core';
import { IMAGE_EXTENSIONS } from './image-names.js';
import { loadEngine, type Metadata, type SharpOptions } from './sharp-engine.js';
import { changed, rareCompression, tiffLayout } from './tiff-header.js';

export type PictureFormat = 'png' | 'jpeg' | 'tiff';

export interface ImageHeader {
  readonly format: PictureFormat | ClinicalFormat;
  /** Pixels, after the orientation tag. */
  readonly width: number;
  readonly height: number;
  /** Already applied: 1 to 8 as in EXIF; 1 is upright or unknown. */
  readonly orientation: number;
  /** 16: more than 8. */
  readonly bits: 8 | 16;
  readonly grey: boolean;
  readonly alpha: boolean;
}

export interface Pixels extends ImageHeader {
  readonly format: PictureFormat;
  /** 1 grey, 2 grey and opacity, 3 RGB, 4 RGB and opacity. */
  readonly channels: number;
  /** Whether colours are premultiplied. */
  readonly premultiplied: boolean;
  readonly data: Uint8Array | Uint16Array;
}

interface Source {
  readonly header: ImageHeader & Pick<Pixels, 'format'>;
  readonly bytes: Uint8Array;
  /** Values after the colours, and which is opacity, from 0; -1 for none. */
  readonly extra: number;
  readonly alphaAt: number;
  readonly premultiplied: boolean;
}

export function unreadable(path: string, why: string, cause?: unknown): ReclmisError {
  return new ReclmisError('IMAGE_UNREADABLE', `${path}: ${why}`, { cause });
}

/** The format by the first bytes; sharp reads many more, some of which execute or fetch things. */
export function formatOf(path: string, head: Uint8Array): PictureFormat {
  if (head.length === 0) throw unreadable(path, 'the file is empty (0 bytes)');
  const [a, b, c, d] = head;
  if (a === 0x89 && b === 0x50 && c === 0x4e && d === 0x47) return 'png';
  if (a === 0xff && b === 0xd8 && c === 0xff) return 'jpeg';
  if (a === 0x49 && b === 0x49 && (c === 0x2a || c === 0x2b) && d === 0) return 'tiff';
  if (a === 0x4d && b === 0x4d && c === 0 && (d === 0x2a || d === 0x2b)) return 'tiff';
  const extension = extname(path).toLowerCase();
  if (IMAGE_EXTENSIONS.has(extension)) throw unreadable(path, `does not start like a PNG, JPEG or TIFF file`);
  throw new ReclmisError(
    'IMAGE_UNSUPPORTED',
    `${path}: expected a PNG, JPEG or TIFF file, got ${extension || 'another format'}`,
  );
}

function headerOf(
  path: string,
  meta: Metadata,
  format: PictureFormat,
  { extra, alphaAt }: Pick<Source, 'extra' | 'alphaAt'>,
  maxPixels: number,
): Source['header'] {
  const { width, height } = meta.autoOrient;
  if (!(width > 0) || !(height > 0)) throw unreadable(path, `states a size of ${width} x ${height} pixels`);
  if (width * height > maxPixels) {
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `${path}: ${width} x ${height} pixels (${((width * height) / 1e6).toFixed(1)} million), the limit is ${(maxPixels / 1e6).toFixed(1)} million`,
    );
  }
  const spaces: readonly string[] = ['b-w', 'srgb', 'rgb', 'grey16', 'rgb16'];
  const depthOk = meta.depth === 'uchar' || meta.depth === 'ushort';
  if (!spaces.includes(meta.space) || !depthOk) {
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${path}: expected 8- or 16-bit grey or RGB pixels, got ${meta.space} pixels of type ${meta.depth}`,
    );
  }
  return {
    format,
    width,
    height,
    orientation: meta.orientation ?? 1,
    bits: meta.depth === 'ushort' ? 16 : 8,
    grey: meta.channels - extra <= 1,
    alpha: alphaAt >= 0,
  };
}

function options(maxPixels: number | false): SharpOptions {
  return { failOn: 'error', limitInputPixels: maxPixels, autoOrient: true, ignoreIcc: true };
}

async function sourceOf(path: string, file: Uint8Array, maxPixels: number): Promise<Source> {
  const format = formatOf(path, file);
  const layout = format === 'tiff' ? tiffLayout(file, path) : null;
  const bytes = layout === null ? file : changed(file, layout);
  if (format !== 'tiff') {
    const header = fileHeader(file);
    if (header !== null) refuseRareKinds(header, path);
  }
  const sharp = await loadEngine();
  let meta: Metadata;
  try {
    meta = await sharp(bytes, options(false)).metadata();
  } catch (error) {
    if (format === 'tiff') refuseRareCompression(file, path, error);
    throw unreadable(path, `the ${format.toUpperCase()} header is damaged`, error);
  }
  const samples =
    layout === null
      ? { extra: meta.hasAlpha ? 1 : 0, alphaAt: meta.hasAlpha ? 0 : -1, premultiplied: false }
      : {
          extra: layout.samples - layout.colours,
          alphaAt: layout.alpha,
          premultiplied: layout.premultiplied,
        };
  return { header: headerOf(path, meta, format, samples, maxPixels), bytes, ...samples };
}

function refuseRareCompression(file: Uint8Array, path: string, cause: unknown): void {
  const compression = rareCompression(file, path);
  if (compression === null) return;
  throw new ReclmisError('IMAGE_UNSUPPORTED', `${path}: cannot be read; its compression is ${compression}`, {
    cause,
    remedy: 'Save it with LZW or Deflate compression, or as PNG.',
  });
}

/**
 * All values as stored, turned upright.
 * @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE (before decoding)
 */
export async function decodePicture(path: string, file: Uint8Array, maxPixels: number): Promise<Pixels> {
  const { header, bytes, extra, alphaAt, premultiplied } = await sourceOf(path, file, maxPixels);
  const sharp = await loadEngine();
  try {
    const source = sharp(bytes, options(maxPixels));
    const grey = header.grey && extra === 0;
    const pipeline =
      header.bits === 16
        ? source.toColourspace('rgb16').raw({ depth: 'ushort' }) // exact: 'srgb' would cut 16 bit differently
        : source.toColourspace(grey ? 'b-w' : 'srgb').raw();
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    const count = info.width * info.height * info.channels;
    const values =
      header.bits === 16
        ? new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength))
        : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (values.length !== count) throw new Error(`expected ${count} values, got ${values.length}`);
    const colours = info.channels - extra;
    if (colours !== 1 && colours !== 3) throw new Error(`expected 1 or 3 colours, got ${colours}`);
    return {
      ...header,
      width: info.width,
      height: info.height,
      premultiplied,
      channels: colours + (alphaAt < 0 ? 0 : 1),
      data: extra === (alphaAt < 0 ? 0 : 1) ? values : picked(values, info.channels, colours, alphaAt),
    };
  } catch (error) {
    if (header.format === 'tiff') refuseRareCompression(file, path, error);
    // Only as cause: concurrent images may swap the decoder's messages.
    throw unreadable(path, `the ${header.format.toUpperCase()} file is damaged or truncated`, error);
  }
}

function picked<T extends Uint8Array | Uint16Array>(
  values: T,
  stride: number,
  colours: number,
  alphaAt: number,
): T {
  const channels = colours + (alphaAt < 0 ? 0 : 1);
  const out = values.slice(0, (values.length / stride) * channels) as T;
  for (let from = 0, to = 0; from < values.length; from += stride, to += channels) {
    for (let c = 0; c < colours; c += 1) out[to + c] = values[from + c] as number;
    if (alphaAt >= 0) out[to + colours] = values[from + colours + alphaAt] as number;
  }
  return out;
}

/** Size and kind, undecoded. @throws as `decodePicture` */
export async function pictureHeader(path: string, file: Uint8Array, maxPixels: number): Promise<ImageHeader> {
  return (await sourceOf(path, file, maxPixels)).header;
}

/** Red, green and blue of 8 bits; what is transparent is laid on black. */
export function rgbOf({ width, height, bits, channels, premultiplied, data }: Pixels): RgbImage {
  const full = bits === 16 ? 65535 : 255;
  const out = new Uint8Array(width * height * 3);
  const half = full >> 1;
  const step = channels >= 3 ? 1 : 0; // grey is repeated
  const alphaAt = premultiplied ? -1 : channels === 4 ? 3 : channels === 2 ? 1 : -1;
  for (let p = 0, i = 0, o = 0; p < width * height; p += 1, i += channels, o += 3) {
    const alpha = alphaAt < 0 ? full : (data[i + alphaAt] as number);
    for (let c = 0; c < 3; c += 1) {
      let value = data[i + c * step] as number;
      if (alpha !== full) value = Math.floor((value * alpha + half) / full);
      out[o + c] = bits === 16 ? Math.floor((value * 255 + 32767) / 65535) : value;
    }
  }
  return { width, height, data: out };
}
