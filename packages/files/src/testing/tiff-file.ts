/** Writes TIFF files of any kind, for tests: libraries write only some. */
import { deflateSync } from 'node:zlib';

/** Pixels and tags; defaults make a plain grey or RGB file. */
export interface TiffParts {
  readonly width: number;
  readonly height: number;
  /** By pixel; several samples are interleaved, even for planes. */
  readonly values: readonly number[];
  /** Default 1. */
  readonly samples?: number;
  /** Bits per value; default 8. 1 to 16 are packed, 32 is a float with `format: 3`. */
  readonly bits?: number;
  /**
   * 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, 8 CIELab; default 1, or 2 from three
   * samples.
   */
  readonly photometric?: number;
  /** ExtraSamples: 0 unspecified, 1 associated alpha, 2 unassociated alpha. Default: no tag. */
  readonly extra?: readonly number[];
  /** SampleFormat: 1 unsigned, 2 signed, 3 float. */
  readonly format?: number;
  /** Stores a plane per sample. */
  readonly planar?: boolean;
  readonly tile?: number;
  /** Rows per strip; default all. */
  readonly rows?: number;
  readonly deflate?: boolean;
  readonly orientation?: number;
  /** Palette: 2^bits reds, greens and blues, 0 to 65535. */
  readonly map?: readonly number[];
  readonly bigEndian?: boolean;
  /** BigTIFF. */
  readonly big?: boolean;
  readonly tags?: Readonly<Record<number, readonly number[]>>;
}

const SHORT = 3;
const LONG = 4;
const LONG8 = 16;

export function tiffFile(parts: TiffParts): Uint8Array {
  const {
    width,
    height,
    values,
    samples = 1,
    bits = 8,
    planar = false,
    tile,
    bigEndian = false,
    big = false,
  } = parts;
  const number = (value: number, size: number): Buffer => {
    const bytes = Buffer.alloc(size);
    if (size === 8) {
      if (bigEndian) bytes.writeBigUInt64BE(BigInt(value));
      else bytes.writeBigUInt64LE(BigInt(value));
    } else if (bigEndian) bytes.writeUIntBE(value, 0, size);
    else bytes.writeUIntLE(value, 0, size);
    return bytes;
  };
  const rows = parts.rows ?? height;
  const [pieceWidth, pieceHeight] = tile === undefined ? [width, rows] : [tile, tile];
  const pieces: Buffer[] = [];
  const at = (x: number, y: number, s: number): number =>
    x < width && y < height ? (values[(y * width + x) * samples + s] as number) : 0;
  for (let plane = 0; plane < (planar ? samples : 1); plane += 1) {
    for (let top = 0; top < height; top += pieceHeight) {
      for (let left = 0; left < width; left += pieceWidth) {
        const lines: Buffer[] = [];
        const end = tile === undefined ? Math.min(top + pieceHeight, height) : top + pieceHeight;
        for (let y = top; y < end; y += 1) {
          const line: number[] = [];
          for (let x = left; x < left + pieceWidth; x += 1)
            for (let s = 0; s < (planar ? 1 : samples); s += 1) line.push(at(x, y, planar ? plane : s));
          lines.push(packed(line, bits, parts.format === 3, bigEndian));
        }
        const piece = Buffer.concat(lines);
        pieces.push(parts.deflate === true ? deflateSync(piece) : piece);
      }
    }
  }
  const head = big ? 16 : 8;
  const offsets: number[] = [];
  let length = head;
  for (const piece of pieces) {
    offsets.push(length);
    length += piece.length + (piece.length % 2);
  }
  const sizes = pieces.map((piece) => piece.length);
  const tags = new Map<number, readonly [type: number, values: readonly number[]]>([
    [256, [LONG, [width]]],
    [257, [LONG, [height]]],
    [258, [SHORT, Array.from({ length: samples }, () => bits)]],
    [259, [SHORT, [parts.deflate === true ? 8 : 1]]],
    [262, [SHORT, [parts.photometric ?? (samples >= 3 ? 2 : 1)]]],
    [277, [SHORT, [samples]]],
    [284, [SHORT, [planar ? 2 : 1]]],
    ...(tile === undefined
      ? ([
          [273, [LONG, offsets]],
          [278, [LONG, [rows]]],
          [279, [LONG, sizes]],
        ] as const)
      : ([
          [322, [LONG, [tile]]],
          [323, [LONG, [tile]]],
          [324, [LONG, offsets]],
          [325, [LONG, sizes]],
        ] as const)),
  ]);
  if (parts.extra !== undefined) tags.set(338, [SHORT, parts.extra]);
  if (parts.format !== undefined)
    tags.set(339, [SHORT, Array.from({ length: samples }, () => parts.format ?? 1)]);
  if (parts.orientation !== undefined) tags.set(274, [SHORT, [parts.orientation]]);
  if (parts.map !== undefined) tags.set(320, [SHORT, parts.map]);
  for (const [tag, list] of Object.entries(parts.tags ?? {})) tags.set(Number(tag), [SHORT, list]);
  const entries = [...tags].sort(([a], [b]) => a - b);
  const field = big ? 8 : 4;
  const directory = length;
  let spill = directory + (big ? 8 : 2) + entries.length * (big ? 20 : 12) + field;
  const spilled: Buffer[] = [];
  const lines = entries.map(([tag, [type, list]]) => {
    const size = type === SHORT ? 2 : type === LONG8 ? 8 : 4;
    const bytes = Buffer.concat(list.map((value) => number(value, size)));
    const place = Buffer.alloc(field);
    if (bytes.length <= field) place.set(bytes);
    else {
      place.set(number(spill, field));
      spilled.push(bytes);
      spill += bytes.length;
    }
    return Buffer.concat([number(tag, 2), number(type, 2), number(list.length, field), place]);
  });
  return Buffer.concat([
    Buffer.from(bigEndian ? 'MM' : 'II'),
    ...(big
      ? [number(43, 2), number(8, 2), number(0, 2), number(directory, 8)]
      : [number(42, 2), number(directory, 4)]),
    ...pieces.map((piece) => Buffer.concat([piece, Buffer.alloc(piece.length % 2)])),
    number(entries.length, big ? 8 : 2),
    ...lines,
    number(0, field),
    ...spilled,
  ]);
}

function packed(values: readonly number[], bits: number, float: boolean, bigEndian: boolean): Buffer {
  if (bits < 16 && bits !== 8) {
    let row = '';
    for (const value of values) row += value.toString(2).padStart(bits, '0');
    row = row.padEnd(Math.ceil(row.length / 8) * 8, '0');
    return Buffer.from(
      Array.from({ length: row.length / 8 }, (_, i) => parseInt(row.slice(i * 8, i * 8 + 8), 2)),
    );
  }
  const bytes = Buffer.alloc((values.length * bits) / 8);
  for (const [i, value] of values.entries()) {
    const at = (i * bits) / 8;
    if (float && bigEndian) bytes.writeFloatBE(value, at);
    else if (float) bytes.writeFloatLE(value, at);
    else if (bigEndian) bytes.writeUIntBE(value, at, bits / 8);
    else bytes.writeUIntLE(value, at, bits / 8);
  }
  return bytes;
}
