/**
 * Images in a browser: the bytes of a PNG or JPEG file to the pixels that Node's decoder gives (`packages/files`, images.ts), by the browser's own
 * decoder. Pixels are as they are stored: no colour profile is applied, alpha is composited onto black, an orientation tag turns the image.
 * What browsers are lenient about is refused here as in Node: other formats, CMYK, files that are cut short, and more pixels than the limit, before
 * anything is decoded.
 */
import { checkImage, ReclmisError, type RgbImage } from '@reclmis/core';
import type { ImageSource } from './types.js';

/** What a file's header says. */
interface Header {
  readonly kind: 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
  /** Of JPEG: values a pixel; 4 is CMYK. */
  readonly channels: number;
  /** The file has its end. */
  readonly complete: boolean;
}

/** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
export async function decodeInBrowser(image: ImageSource, maxPixels: number): Promise<RgbImage> {
  if (typeof image === 'string')
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'image: expected pixels, bytes or a Blob, got a path');
  if (!(image instanceof Uint8Array) && !(image instanceof Blob)) {
    checkImage(image, 'segment');
    return image;
  }
  // The copy of a view of memory that threads share, which no Blob takes.
  const bytes = image instanceof Blob ? new Uint8Array(await image.arrayBuffer()) : new Uint8Array(image);
  const { kind } = checkHeader(bytes, maxPixels);
  const bitmap = await createImageBitmap(new Blob([bytes], { type: `image/${kind}` }), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((cause: unknown) => {
    throw unreadable(`the ${kind.toUpperCase()} file is damaged or cut short`, cause);
  });
  try {
    return pixelsOf(bitmap);
  } finally {
    bitmap.close();
  }
}

const unreadable = (why: string, cause?: unknown): ReclmisError =>
  new ReclmisError('IMAGE_UNREADABLE', `image: ${why}`, { cause });

function checkHeader(bytes: Uint8Array, maxPixels: number): Header {
  if (bytes.length === 0) throw unreadable('the file is empty (0 bytes)');
  const header = readHeader(bytes);
  const { kind, width, height, channels, complete } = header;
  if (!(width > 0) || !(height > 0)) throw unreadable(`the ${kind.toUpperCase()} header is damaged`);
  if (width * height > maxPixels)
    throw new ReclmisError(
      'IMAGE_TOO_LARGE',
      `image: ${width} x ${height} pixels (${((width * height) / 1e6).toFixed(1)} million), the limit is ${(maxPixels / 1e6).toFixed(1)} million`,
    );
  if (channels > 3)
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'image: expected grey or RGB pixels, got CMYK pixels');
  if (!complete) throw unreadable(`the ${kind.toUpperCase()} file is cut short`);
  return header;
}

/** @throws IMAGE_UNSUPPORTED for other formats. */
function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) === 0x89504e47) return pngHeader(view);
  if (bytes.length >= 3 && view.getUint16(0) === 0xffd8 && bytes[2] === 0xff) return jpegHeader(view);
  const tiff =
    bytes.length >= 4 && [0x49492a00, 0x49492b00, 0x4d4d002a, 0x4d4d002b].includes(view.getUint32(0));
  throw new ReclmisError(
    'IMAGE_UNSUPPORTED',
    `image: expected a PNG or JPEG file, got ${tiff ? 'TIFF, which browsers do not decode' : 'another format'}`,
  );
}

/** PNG: chunks of length, type, data and checksum; IHDR first, IEND last. */
function pngHeader(view: DataView): Header {
  const size = view.byteLength >= 24 ? [view.getUint32(16), view.getUint32(20)] : [];
  const [width = 0, height = 0] = size;
  let at = 8;
  while (at + 12 <= view.byteLength && view.getUint32(at + 4) !== 0x49454e44) at += 12 + view.getUint32(at);
  return { kind: 'png', width, height, channels: 3, complete: at + 12 <= view.byteLength };
}

/** JPEG: segments of marker and length up to the scans (SOS), with the size in SOF; then data up to the mark of the end. */
function jpegHeader(view: DataView): Header {
  let [width, height, channels] = [0, 0, 0];
  let at = 2;
  while (at + 4 <= view.byteLength && view.getUint16(at) !== 0xffda) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff)
      at += 1; // a filler
    else {
      const isSize = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isSize && at + 10 <= view.byteLength) {
        [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
        channels = view.getUint8(at + 9);
      }
      at += 2 + view.getUint16(at + 2);
    }
  }
  let complete = false;
  for (; at + 2 <= view.byteLength && !complete; at++) complete = view.getUint16(at) === 0xffd9;
  return { kind: 'jpeg', width, height, channels, complete };
}

function pixelsOf(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw unreadable('the browser gives no canvas');
  context.fillStyle = 'black';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from]!;
    data[to + 1] = rgba[from + 1]!;
    data[to + 2] = rgba[from + 2]!;
  }
  return { width, height, data };
}
