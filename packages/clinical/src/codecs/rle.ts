/**
 * DICOM's run-length encoding (PS3.5 G): a segment for each byte of each sample, high bytes first, each packed as by
 * PackBits. Strict: a segment that ends early or runs over is damage.
 */
import type { PixelFormat } from '../dicom/pixel-format.js';
import { unreadable, unsupported } from '../dicom/faults.js';
import type { DecodedFrame } from '../dicom/codec.js';

const HEADER = 64;

/** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED */
export function decodeRle(bytes: Uint8Array, format: PixelFormat): DecodedFrame {
  const { width, height, samples, allocated, stored, high } = format;
  if (allocated === 1) throw unsupported('RLE of single bits is not supported', 'Decompress the file first.');
  if (bytes.length < HEADER) throw unreadable('an RLE frame is shorter than its header');
  const pixels = width * height;
  const depth = allocated / 8;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== samples * depth)
    throw unreadable(`an RLE frame has ${segments} segments, expected ${samples * depth}`);
  const out = new Uint8Array(pixels * samples * depth); // little endian, pixel by pixel
  for (let segment = 0; segment < segments; segment += 1) {
    const from = view.getUint32(4 + 4 * segment, true);
    const to = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : bytes.length;
    if (from < HEADER || to < from || to > bytes.length)
      throw unreadable('an RLE frame has segments outside of it');
    const sample = Math.floor(segment / depth);
    const byte = depth - 1 - (segment % depth);
    unpack(bytes, from, to, out, sample * depth + byte, samples * depth);
  }
  const data = allocated === 8 ? out : new Uint16Array(out.buffer);
  return { data, shift: high - stored + 1, bits: stored, rgb: false };
}

/** Unpacks bytes `from` to `to` into every `step`-th byte of `out`. */
function unpack(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint8Array,
  first: number,
  step: number,
): void {
  let at = from;
  let put = first;
  while (put < out.length) {
    if (at >= to) throw unreadable('an RLE segment ends too early');
    const control = bytes[at++]!;
    if (control === 128) continue;
    const count = control < 128 ? control + 1 : 257 - control;
    if (put + (count - 1) * step >= out.length) throw unreadable('an RLE segment is longer than the image');
    if (control < 128) {
      if (at + count > to) throw unreadable('an RLE segment ends too early');
      for (let i = 0; i < count; i += 1, put += step) out[put] = bytes[at++]!;
    } else {
      if (at >= to) throw unreadable('an RLE segment ends too early');
      const value = bytes[at++]!;
      for (let i = 0; i < count; i += 1, put += step) out[put] = value;
    }
  }
}
