/**
 * The markers of a JPEG or JPEG-LS code stream (ITU-T T.81 B, T.87 C): process, size and components, and whether the
 * stream is whole. Decoders return pictures for half a stream without an error, so its end is looked for here.
 */
import { unreadable } from '../dicom/faults.js';

export interface JpegComponent {
  readonly id: number;
  /** Sampling factors. */
  readonly h: number;
  readonly v: number;
  readonly quantisation: number;
}

export interface JpegStream {
  /** Low byte of the frame's marker: 0xc0 baseline, 0xc1 extended, 0xc2 progressive, 0xc3 lossless, 0xf7 JPEG-LS. */
  readonly process: number;
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  readonly components: readonly JpegComponent[];
  /** Adobe's transform: 0 none, 1 YCbCr, 2 YCCK; null without the segment. */
  readonly adobe: number | null;
  readonly jfif: boolean;
  /** Behind the EOI. */
  readonly end: number;
}

const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;

/** @throws IMAGE_UNREADABLE if a segment is damaged, or the stream is cut off */
export function readJpegStream(bytes: Uint8Array): JpegStream {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) throw unreadable('a JPEG frame does not begin with SOI');
  const end = endOf(bytes);
  let frame: Omit<JpegStream, 'adobe' | 'jfif' | 'end'> | null = null;
  let adobe: number | null = null;
  let jfif = false;
  for (let at = 2; ;) {
    const segment = segmentAt(bytes, at, end);
    const { marker, start, length } = segment;
    if (marker === SOS || marker === EOI) break;
    if (isFrame(marker)) {
      if (frame !== null) throw unreadable('a JPEG frame has two headers');
      frame = frameHeader(bytes, marker, start, length);
    } else if (marker === 0xe0) jfif ||= text(bytes, start, length, 4) === 'JFIF';
    else if (marker === 0xee && length >= 12 && text(bytes, start, length, 5) === 'Adobe')
      adobe = bytes[start + 11]!;
    at = start + length;
  }
  if (frame === null) throw unreadable('a JPEG frame has no header');
  return { ...frame, adobe, jfif, end };
}

export interface Segment {
  /** Low byte of the marker. */
  readonly marker: number;
  /** First byte behind the length. */
  readonly start: number;
  readonly length: number;
}

/** The segment at a position. @throws IMAGE_UNREADABLE */
export function segmentAt(bytes: Uint8Array, from: number, end: number): Segment {
  let at = from;
  if (bytes[at] !== 0xff) throw unreadable('a JPEG frame has rubbish between its segments');
  while (bytes[at + 1] === 0xff) at += 1; // fill bytes
  const marker = bytes[at + 1] ?? 0;
  if (marker === EOI) return { marker, start: at + 2, length: 0 };
  const length = at + 4 <= end ? bytes[at + 2]! * 256 + bytes[at + 3]! : 0;
  if (length < 2 || at + 2 + length > end) throw unreadable('a JPEG frame ends within a segment');
  return { marker, start: at + 4, length: length - 2 };
}

/** Frame headers, without the arithmetic and hierarchical ones, which nobody writes. */
function isFrame(marker: number): boolean {
  return marker === 0xf7 || (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker));
}

function frameHeader(
  bytes: Uint8Array,
  process: number,
  start: number,
  length: number,
): Omit<JpegStream, 'adobe' | 'jfif' | 'end'> {
  const count = bytes[start + 5] ?? 0;
  if (length < 6 + 3 * count || count === 0) throw unreadable('a JPEG frame has a damaged header');
  return {
    process,
    precision: bytes[start]!,
    height: bytes[start + 1]! * 256 + bytes[start + 2]!,
    width: bytes[start + 3]! * 256 + bytes[start + 4]!,
    components: Array.from({ length: count }, (_, i) => {
      const at = start + 6 + 3 * i;
      return { id: bytes[at]!, h: bytes[at + 1]! >> 4, v: bytes[at + 1]! & 15, quantisation: bytes[at + 2]! };
    }),
  };
}

/** Position behind the EOI; only padding may follow it. */
function endOf(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 2 && bytes[end - 1] === 0) end -= 1;
  if (bytes[end - 1] === EOI && bytes[end - 2] === 0xff) return end;
  // Some writers pad with 0xff, or put odd bytes behind the end.
  for (let at = end - 2; at >= Math.max(2, end - 64); at -= 1)
    if (bytes[at] === 0xff && bytes[at + 1] === EOI) return at + 2;
  throw unreadable('a JPEG frame is cut off: it has no end');
}

function text(bytes: Uint8Array, start: number, length: number, count: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + Math.min(count, length)));
}
