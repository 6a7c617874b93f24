/**
 * Where each frame's bytes lie in Pixel Data (PS3.5 A.4): one after the other, or in fragments, which an offset table
 * divides into frames; without a table, one fragment each, or each starts with the mark of its code stream.
 */
import { joined } from '../joined.js';
import type { DataSet, Element } from './data-set.js';
import { unreadable } from './faults.js';
import { frameBytes, type PixelFormat } from './pixel-format.js';
import { TAG } from './tags.js';
import type { Compression } from './transfer-syntax.js';

interface Fragment {
  /** From the first byte behind the offset table. */
  readonly offset: number;
  readonly start: number;
  readonly length: number;
}

/** Gives the bytes of a frame, compressed as they are, without copying where they lie together. */
export type FrameBytes = (frame: number) => Uint8Array;

const ITEM = 0xfffee000;
const SEQUENCE_END = 0xfffee0dd;

/** @throws IMAGE_UNREADABLE if frames are missing or cut off */
export function framesOf(dataSet: DataSet, format: PixelFormat, compression: Compression): FrameBytes {
  const element = dataSet.element(TAG.pixels)!;
  if (compression === 'none') return nativeFrames(dataSet, element, format);
  if (!element.open) throw unreadable('compressed pixels are not divided into fragments');
  const { table, fragments } = fragmentsOf(dataSet.bytes, element);
  const extended = dataSet.longs(TAG.extendedOffsets);
  const groups =
    format.frames === 1
      ? [fragments]
      : extended.length > 0
        ? byTable(fragments, extended, format.frames)
        : table.length > 0
          ? byTable(fragments, table, format.frames)
          : withoutTable(dataSet.bytes, fragments, format.frames, compression);
  const lengths = dataSet.longs(TAG.extendedLengths);
  return (frame) => {
    const whole = wholeOf(dataSet.bytes, groups[frame] ?? []);
    const length = lengths[frame];
    return length !== undefined && extended.length > 0 && length > 0 && length < whole.length
      ? whole.subarray(0, length)
      : whole;
  };
}

function nativeFrames(dataSet: DataSet, element: Element, format: PixelFormat): FrameBytes {
  if (element.open) throw unreadable('uncompressed pixels are divided into fragments');
  const size = frameBytes(format);
  const present = Math.min(element.length, dataSet.bytes.length - element.start);
  if (present < Math.ceil(size * format.frames))
    throw unreadable(
      `${format.frames} frame${format.frames === 1 ? '' : 's'} of ${format.width} x ${format.height} need ${Math.ceil(size * format.frames)} bytes, the file has ${present}`,
    );
  // Samples of a byte in words of big endian: the second of each pair comes first.
  const paired = !dataSet.little && element.vr === 'OW' && format.allocated <= 8;
  const pixels = dataSet.bytes.subarray(element.start, element.start + present);
  const ordered = paired ? swappedPairs(pixels) : pixels;
  return (frame) => ordered.subarray(Math.floor(size * frame), Math.ceil(size * (frame + 1)));
}

function swappedPairs(bytes: Uint8Array): Uint8Array {
  const out = bytes.slice();
  for (let i = 0; i + 1 < out.length; i += 2) {
    out[i] = bytes[i + 1]!;
    out[i + 1] = bytes[i]!;
  }
  return out;
}

function fragmentsOf(
  bytes: Uint8Array,
  { start, length }: Element,
): { readonly table: number[]; readonly fragments: Fragment[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = start + length;
  const items: { readonly start: number; readonly length: number }[] = [];
  let at = start;
  let closed = false;
  while (at + 8 <= end) {
    const tag = view.getUint16(at, true) * 65536 + view.getUint16(at + 2, true);
    const size = view.getUint32(at + 4, true);
    if (tag === SEQUENCE_END) {
      closed = true;
      break;
    }
    if (tag !== ITEM) throw unreadable('between the fragments of its pixels is something else');
    if (at + 8 + size > end) throw unreadable('the file ends within a fragment of its pixels');
    items.push({ start: at + 8, length: size });
    at += 8 + size;
  }
  if (!closed) throw unreadable('the file ends before the last fragment of its pixels');
  const [first, ...rest] = items;
  if (first === undefined || rest.length === 0) throw unreadable('it has no compressed pixels');
  const table: number[] = [];
  for (let i = 0; i + 4 <= first.length; i += 4) table.push(view.getUint32(first.start + i, true));
  const base = first.start + first.length;
  return {
    table,
    fragments: rest.map((item) => ({ ...item, offset: item.start - 8 - base })),
  };
}

function byTable(
  fragments: readonly Fragment[],
  offsets: readonly number[],
  frames: number,
): readonly Fragment[][] {
  if (offsets.length !== frames)
    throw unreadable(`the offset table has ${offsets.length} entries for ${frames} frames`);
  const groups: Fragment[][] = [];
  let next = 0;
  for (const fragment of fragments) {
    if (fragment.offset === offsets[next]) {
      groups.push([]);
      next += 1;
    }
    groups.at(-1)?.push(fragment);
  }
  if (groups.length !== frames)
    throw unreadable('the offset table does not point to the beginnings of fragments');
  return groups;
}

function withoutTable(
  bytes: Uint8Array,
  fragments: readonly Fragment[],
  frames: number,
  compression: Compression,
): readonly Fragment[][] {
  if (fragments.length === frames) return fragments.map((fragment) => [fragment]);
  const groups: Fragment[][] = [];
  for (const fragment of fragments) {
    if (starts(bytes, fragment, compression)) groups.push([]);
    groups.at(-1)?.push(fragment);
  }
  if (groups.length !== frames)
    throw unreadable(
      `${fragments.length} fragments without an offset table cannot be divided into ${frames} frames`,
    );
  return groups;
}

/** Whether a fragment begins with SOI (JPEG) or SOC (JPEG 2000). */
function starts(bytes: Uint8Array, { start, length }: Fragment, compression: Compression): boolean {
  const second = compression === 'jpeg' ? 0xd8 : compression === 'rle' ? -1 : 0x4f;
  return length > 2 && bytes[start] === 0xff && bytes[start + 1] === second;
}

/** Without copying where there is one. */
function wholeOf(bytes: Uint8Array, fragments: readonly Fragment[]): Uint8Array {
  const [only] = fragments;
  if (only !== undefined && fragments.length === 1)
    return bytes.subarray(only.start, only.start + only.length);
  return joined(fragments.map(({ start, length }) => bytes.subarray(start, start + length)));
}
