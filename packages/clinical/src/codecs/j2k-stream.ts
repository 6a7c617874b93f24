/**
 * The markers of a JPEG 2000 code stream, HTJ2K's too (ITU-T T.800 A): size, components, and the chain of tile parts,
 * which shows whether the stream is whole. Decoders return pictures for half a stream without an error.
 */
import { unreadable, unsupported } from '../dicom/faults.js';

export interface J2kStream {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly precision: number;
  readonly signed: boolean;
  /** The code stream itself, without the boxes of a JP2 file. */
  readonly bytes: Uint8Array;
}

const SOT = 0xff90;
const EOC = 0xffd9;

/** @throws IMAGE_UNREADABLE if damaged or cut off, IMAGE_UNSUPPORTED for components of different form */
export function readJ2kStream(file: Uint8Array): J2kStream {
  const bytes = codeStream(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 51 || view.getUint32(0) !== 0xff4fff51)
    throw unreadable('a JPEG 2000 frame does not begin with SOC and SIZ');
  const [x1, y1, x0, y0] = [8, 12, 16, 20].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ];
  const [tileWidth, tileHeight, tileX, tileY] = [24, 28, 32, 36].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ];
  const components = view.getUint16(40);
  const sizLength = view.getUint16(4);
  if (components === 0 || sizLength !== 38 + 3 * components || 4 + sizLength > bytes.length)
    throw unreadable('a JPEG 2000 frame has a damaged header');
  if (x1 <= x0 || y1 <= y0 || tileWidth === 0 || tileHeight === 0 || tileX > x0 || tileY > y0)
    throw unreadable('a JPEG 2000 frame has an impossible size');
  const depth = bytes[42]!;
  for (let i = 0; i < components; i += 1) {
    if (bytes[42 + 3 * i] !== depth || bytes[43 + 3 * i] !== 1 || bytes[44 + 3 * i] !== 1)
      throw unsupported(
        'a JPEG 2000 frame has components of different size or depth',
        'Convert the file to explicit little endian.',
      );
  }
  const tiles = Math.ceil((x1 - tileX) / tileWidth) * Math.ceil((y1 - tileY) / tileHeight);
  checkTiles(view, 4 + sizLength, tiles);
  return {
    width: x1 - x0,
    height: y1 - y0,
    components,
    precision: (depth & 0x7f) + 1,
    signed: depth >= 0x80,
    bytes,
  };
}

/** Follows the segments and tile parts to the end; each tile must be there. */
function checkTiles(view: DataView, from: number, tiles: number): void {
  if (tiles > 65535) throw unreadable('a JPEG 2000 frame has more than 65,535 tiles');
  const seen = new Set<number>();
  const cut = (): Error => unreadable('a JPEG 2000 frame is cut off');
  for (let at = from; ;) {
    if (at + 4 > view.byteLength) {
      if (seen.size === tiles && at >= view.byteLength) return; // whole, though it lacks the end mark
      throw cut();
    }
    const marker = view.getUint16(at);
    if (marker === EOC && seen.size === tiles) return;
    if (marker < 0xff00) {
      if (marker === 0 && seen.size === tiles) return; // padding
      throw unreadable('a JPEG 2000 frame has rubbish between its segments');
    }
    if (marker !== SOT) {
      if (marker === EOC || seen.size > 0) throw cut();
      at += 2 + view.getUint16(at + 2);
      continue;
    }
    if (at + 12 > view.byteLength) throw cut();
    const tile = view.getUint16(at + 4);
    if (tile >= tiles) throw unreadable('a JPEG 2000 frame has a tile outside the image');
    seen.add(tile);
    const length = view.getUint32(at + 6);
    if (length === 0) {
      // The last tile part may run to the end mark.
      if (seen.size === tiles && hasEnd(view)) return;
      throw cut();
    }
    if (length < 14 || at + length > view.byteLength) throw cut();
    at += length;
    if (
      at + 2 <= view.byteLength &&
      at + 4 > view.byteLength &&
      view.getUint16(at) === EOC &&
      seen.size === tiles
    )
      return;
  }
}

function hasEnd(view: DataView): boolean {
  for (let at = view.byteLength - 2; at >= Math.max(0, view.byteLength - 16); at -= 1)
    if (view.getUint16(at) === EOC) return true;
  return false;
}

/** Some writers store a JP2 file rather than its code stream. */
function codeStream(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || view.getUint32(4) !== 0x6a502020) return file;
  for (let at = 0; at + 8 <= file.length;) {
    const length = view.getUint32(at);
    if (view.getUint32(at + 4) === 0x6a703263)
      return file.subarray(at + 8, length === 0 ? file.length : Math.min(file.length, at + length));
    if (length < 8) break;
    at += length;
  }
  throw unreadable('a JPEG 2000 frame has boxes without a code stream');
}
