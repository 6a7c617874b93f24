/**
 * JPEG lossless (ITU-T T.81 H), all seven predictors, 2 to 16 bits, one or three components, restart intervals and
 * point transform. Own code: samples are unsigned here whatever they mean to DICOM, as the encoder had them, and a
 * stream that ends early is an error; the libraries in reach get one or the other wrong.
 */
import { unreadable, unsupported } from '../dicom/faults.js';
import { BitReader, readHuffmanTables, type HuffmanTable } from './bit-reader.js';
import { readJpegStream, segmentAt, type JpegStream } from './jpeg-stream.js';

interface Scan {
  readonly components: readonly { readonly index: number; readonly table: HuffmanTable }[];
  readonly predictor: number;
  readonly pointTransform: number;
}

/** Samples pixel by pixel. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED */
export function decodeJpegLossless(bytes: Uint8Array): Uint16Array {
  const stream = readJpegStream(bytes);
  const { width, height, components, precision, end } = stream;
  if (precision < 2 || precision > 16 || width === 0 || height === 0)
    throw unreadable('a JPEG frame has a damaged header');
  if (components.some(({ h, v }) => h !== 1 || v !== 1))
    throw unsupported('lossless JPEG with subsampled colours is not supported', 'Decompress the file first.');
  const out = new Uint16Array(width * height * components.length);
  const tables = new Map<number, HuffmanTable>();
  const done = new Set<number>();
  let interval = 0;
  for (let at = 2; ;) {
    const { marker, start, length } = segmentAt(bytes, at, end);
    if (marker === 0xd9) break;
    at = start + length;
    if (marker === 0xc4) readHuffmanTables(bytes, start, length, tables);
    else if (marker === 0xdd) interval = bytes[start]! * 256 + bytes[start + 1]!;
    else if (marker === 0xda) {
      const scan = scanHeader(bytes, start, length, stream, tables);
      for (const { index } of scan.components) {
        if (done.has(index)) throw unreadable('a JPEG frame has a component twice');
        done.add(index);
      }
      const reader = new BitReader(bytes, at, end);
      decodeScan(reader, scan, stream, interval, out);
      at = reader.finish();
    }
  }
  if (done.size !== components.length) throw unreadable('a JPEG frame lacks a component');
  return out;
}

function scanHeader(
  bytes: Uint8Array,
  start: number,
  length: number,
  { components, precision }: JpegStream,
  tables: ReadonlyMap<number, HuffmanTable>,
): Scan {
  const count = bytes[start] ?? 0;
  if (count === 0 || length !== 4 + 2 * count) throw unreadable('a JPEG scan has a damaged header');
  const predictor = bytes[start + 1 + 2 * count]!;
  const pointTransform = bytes[start + 3 + 2 * count]! & 15;
  if (predictor < 1 || predictor > 7 || pointTransform >= precision)
    throw unreadable('a JPEG scan has a damaged header');
  return {
    predictor,
    pointTransform,
    components: Array.from({ length: count }, (_, i) => {
      const index = components.findIndex(({ id }) => id === bytes[start + 1 + 2 * i]);
      const table = tables.get(bytes[start + 2 + 2 * i]! >> 4);
      if (index < 0 || table === undefined) throw unreadable('a JPEG scan has a damaged header');
      return { index, table };
    }),
  };
}

function decodeScan(
  reader: BitReader,
  { components, predictor, pointTransform }: Scan,
  { width, height, precision, components: all }: JpegStream,
  interval: number,
  out: Uint16Array,
): void {
  if (interval % width !== 0)
    throw unsupported(
      'lossless JPEG with restarts within rows is not supported',
      'Decompress the file first.',
    );
  const step = all.length;
  const stride = width * step;
  const initial = 1 << (precision - pointTransform - 1);
  const [only] = components;
  let restarts = 0;
  for (let y = 0; y < height; y += 1) {
    const fresh = interval > 0 ? (y * width) % interval === 0 : y === 0; // predicted from the left alone
    if (fresh && y > 0) reader.restart(restarts++);
    const row = y * stride;
    if (components.length === 1) {
      const at = row + only!.index;
      out[at] = (fresh ? initial : out[at - stride]!) + difference(reader, only!.table);
      if (fresh || predictor === 1) fromTheLeft(reader, only!.table, out, at, step, width);
      else
        for (let x = 1, to = at + step; x < width; x += 1, to += step)
          out[to] =
            predict(predictor, out[to - step]!, out[to - stride]!, out[to - stride - step]!) +
            difference(reader, only!.table);
    } else
      for (let x = 0; x < width; x += 1)
        for (const { index, table } of components) {
          const at = row + x * step + index;
          let predicted: number;
          if (fresh) predicted = x === 0 ? initial : out[at - step]!;
          else if (x === 0) predicted = out[at - stride]!;
          else predicted = predict(predictor, out[at - step]!, out[at - stride]!, out[at - stride - step]!);
          out[at] = predicted + difference(reader, table);
        }
    reader.check();
  }
  if (pointTransform > 0)
    for (const { index } of components)
      for (let at = index; at < out.length; at += step) out[at] = out[at]! << pointTransform;
}

/** The rest of a row by predictor 1, which nearly all files have. */
function fromTheLeft(
  reader: BitReader,
  table: HuffmanTable,
  out: Uint16Array,
  first: number,
  step: number,
  width: number,
): void {
  let left = out[first]!;
  for (let x = 1, at = first + step; x < width; x += 1, at += step) {
    left = (left + difference(reader, table)) & 0xffff;
    out[at] = left;
  }
}

function difference(reader: BitReader, table: HuffmanTable): number {
  const size = reader.symbol(table);
  if (size < 16) return reader.signed(size);
  if (size > 16) throw unreadable('a JPEG frame contains an impossible difference');
  return 32768;
}

/** T.81 table H.1. @param a to the left. @param b above. @param c above to the left */
function predict(predictor: number, a: number, b: number, c: number): number {
  switch (predictor) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return c;
    case 4:
      return a + b - c;
    case 5:
      return a + ((b - c) >> 1);
    case 6:
      return b + ((a - c) >> 1);
    default:
      return (a + b) >> 1;
  }
}
