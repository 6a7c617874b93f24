/** Uncompressed pixels as they are stored, to samples by pixel. */
import { ybr422ToYbr } from './colour.js';
import type { PixelFormat } from './pixel-format.js';

/** Samples of a frame, pixel by pixel. */
export interface StoredFrame {
  /** Codes, as unsigned numbers: width x height x samples. */
  readonly data: Uint8Array | Uint16Array;
  /** Lowest bit in use. */
  readonly shift: number;
  /** Bits in use. */
  readonly bits: number;
  /** The three samples are red, green and blue, whatever the file says. */
  readonly rgb: boolean;
}

/** @param bytes of one frame. @param frame number, by which 1-bit frames find their first bit. @param little of 16-bit samples */
export function storedFrame(
  bytes: Uint8Array,
  format: PixelFormat,
  frame: number,
  little: boolean,
): StoredFrame {
  const { stored: bits, high, allocated } = format;
  const shift = high - bits + 1;
  if (allocated === 1) return { data: unpackBits(bytes, format, frame), shift: 0, bits: 1, rgb: false };
  let data: Uint8Array | Uint16Array = allocated === 8 ? bytes : words(bytes, little);
  if (format.photometric === 'YBR_FULL_422') data = ybr422ToYbr(data);
  else if (format.planar) data = interleaved(data);
  return { data, shift, bits, rgb: false };
}

function words(bytes: Uint8Array, little: boolean): Uint16Array {
  if (little && bytes.byteOffset % 2 === 0)
    return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const copy = bytes.slice(0, bytes.length & ~1);
  const out = new Uint16Array(copy.buffer);
  if (!little) for (let i = 0; i < out.length; i += 1) out[i] = ((out[i]! & 0xff) << 8) | (out[i]! >> 8);
  return out;
}

/** Bits run on from frame to frame, the lowest of a byte first. */
function unpackBits(bytes: Uint8Array, { width, height }: PixelFormat, frame: number): Uint8Array {
  const pixels = width * height;
  const first = (pixels * frame) % 8;
  const out = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i += 1) out[i] = (bytes[(first + i) >> 3]! >> ((first + i) & 7)) & 1;
  return out;
}

/** Three planes to pixels of three samples. */
export function interleaved<T extends Uint8Array | Uint16Array>(planes: T): T {
  const pixels = planes.length / 3;
  const out = planes.slice() as T;
  for (let i = 0, o = 0; i < pixels; i += 1, o += 3) {
    out[o] = planes[i]!;
    out[o + 1] = planes[i + pixels]!;
    out[o + 2] = planes[i + 2 * pixels]!;
  }
  return out;
}
