/**
 * JPEG extended, sequential, 12 bits, one component (ITU-T T.81 F): Huffman codes, dequantisation, inverse cosine
 * transform. Own code: the builds of libjpeg in reach are for 8 bits.
 *
 * The transform is separable and in double precision, so results may differ by 1 from integer ones.
 */
import { unreadable } from '../dicom/faults.js';
import { BitReader, readHuffmanTables, type HuffmanTable } from './bit-reader.js';
import { readJpegStream, segmentAt } from './jpeg-stream.js';

/** Place in the block, row by row, of each coefficient in the order of the stream (T.81 figure A.6). */
const ZIGZAG = zigzag();
/** Basis [frequency, place] of the inverse transform, with its factor 1/2 and, for frequency 0, 1/sqrt(2). */
const BASIS = basis();

/** Samples 0 to 4095, row by row. @throws IMAGE_UNREADABLE */
export function decodeJpegExtended(bytes: Uint8Array): Uint16Array {
  const { width, height, precision, components, end } = readJpegStream(bytes);
  const [component] = components;
  if (component === undefined || components.length !== 1 || width === 0 || height === 0)
    throw unreadable('a JPEG frame has a damaged header');
  const tables = new Map<number, HuffmanTable>();
  const quantisation = new Map<number, Uint16Array>();
  let interval = 0;
  for (let at = 2; ;) {
    const { marker, start, length } = segmentAt(bytes, at, end);
    at = start + length;
    if (marker === 0xd9) throw unreadable('a JPEG frame has no scan');
    if (marker === 0xc4) readHuffmanTables(bytes, start, length, tables);
    else if (marker === 0xdb) readQuantisation(bytes, start, length, quantisation);
    else if (marker === 0xdd) interval = bytes[start]! * 256 + bytes[start + 1]!;
    else if (marker === 0xda) {
      const selector = bytes[start + 2] ?? 0;
      const dc = tables.get(selector >> 4);
      const ac = tables.get(0x10 + (selector & 15));
      const steps = quantisation.get(component.quantisation);
      if (length !== 6 || dc === undefined || ac === undefined || steps === undefined)
        throw unreadable('a JPEG scan has a damaged header');
      const reader = new BitReader(bytes, at, end);
      return decodeScan(reader, { width, height, precision, dc, ac, steps, interval });
    }
  }
}

interface Scan {
  readonly width: number;
  readonly height: number;
  readonly precision: number;
  readonly dc: HuffmanTable;
  readonly ac: HuffmanTable;
  readonly steps: Uint16Array;
  readonly interval: number;
}

function decodeScan(reader: BitReader, scan: Scan): Uint16Array {
  const { width, height, precision, dc, ac, steps, interval } = scan;
  const out = new Uint16Array(width * height);
  const coefficients = new Float64Array(64);
  const half = new Float64Array(64);
  const top = 2 ** precision - 1;
  const middle = 2 ** (precision - 1);
  let last = 0;
  let done = 0;
  for (let y = 0; y < height; y += 8) {
    for (let x = 0; x < width; x += 8) {
      if (interval > 0 && done > 0 && done % interval === 0) {
        reader.restart(done / interval - 1);
        last = 0;
      }
      done += 1;
      coefficients.fill(0);
      const size = reader.symbol(dc);
      if (size > 15) throw unreadable('a JPEG frame contains an impossible difference');
      last += reader.signed(size);
      coefficients[0] = last * steps[0]!;
      for (let k = 1; k < 64; k += 1) {
        const symbol = reader.symbol(ac);
        const bits = symbol & 15;
        if (bits === 0) {
          if (symbol !== 0xf0) break; // end of block
          k += 15;
          continue;
        }
        k += symbol >> 4;
        if (k > 63) throw unreadable('a JPEG frame has a block of more than 64 coefficients');
        coefficients[ZIGZAG[k]!] = reader.signed(bits) * steps[k]!;
      }
      invert(coefficients, half);
      const columns = Math.min(8, width - x);
      for (let row = 0; row < Math.min(8, height - y); row += 1)
        for (let column = 0; column < columns; column += 1) {
          const value = Math.round(coefficients[row * 8 + column]!) + middle;
          out[(y + row) * width + x + column] = value < 0 ? 0 : value > top ? top : value;
        }
    }
    reader.check();
  }
  return out;
}

/** Inverse cosine transform in place, rows and then columns; rows of zeros are frequent. */
function invert(block: Float64Array, half: Float64Array): void {
  for (let v = 0; v < 8; v += 1) {
    const row = v * 8;
    for (let x = 0; x < 8; x += 1) half[row + x] = 0;
    for (let u = 0; u < 8; u += 1) {
      const value = block[row + u]!;
      if (value === 0) continue;
      for (let x = 0; x < 8; x += 1) half[row + x]! += value * BASIS[u * 8 + x]!;
    }
  }
  block.fill(0);
  for (let v = 0; v < 8; v += 1)
    for (let y = 0; y < 8; y += 1) {
      const factor = BASIS[v * 8 + y]!;
      for (let x = 0; x < 8; x += 1) block[y * 8 + x]! += half[v * 8 + x]! * factor;
    }
}

function readQuantisation(
  bytes: Uint8Array,
  start: number,
  length: number,
  tables: Map<number, Uint16Array>,
): void {
  for (let at = start; at < start + length;) {
    const wide = bytes[at]! >> 4 > 0;
    const size = wide ? 128 : 64;
    if (at + 1 + size > start + length) throw unreadable('a JPEG frame has a damaged quantisation table');
    const table = new Uint16Array(64);
    for (let i = 0; i < 64; i += 1)
      table[i] = wide ? bytes[at + 1 + 2 * i]! * 256 + bytes[at + 2 + 2 * i]! : bytes[at + 1 + i]!;
    tables.set(bytes[at]! & 15, table);
    at += 1 + size;
  }
}

function zigzag(): Uint8Array {
  const order = new Uint8Array(64);
  let k = 0;
  for (let diagonal = 0; diagonal < 15; diagonal += 1)
    for (let i = 0; i <= diagonal; i += 1) {
      const [row, column] = diagonal % 2 === 0 ? [diagonal - i, i] : [i, diagonal - i];
      if (row < 8 && column < 8) order[k++] = row * 8 + column;
    }
  return order;
}

function basis(): Float64Array {
  return Float64Array.from({ length: 64 }, (_, i) => {
    const [u, x] = [i >> 3, i & 7];
    return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
  });
}
