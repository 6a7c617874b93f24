/** Small image files of every kind that decoders treat differently. */
import { Random } from '@reclmis/core';
import { encodePng16 } from '@reclmis/files';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';

const WIDTH = 61;
const HEIGHT = 43;

export interface ImageFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Largest difference from Node's decoder, of 255. */
  readonly worst: number;
  /** The error code at a limit of 10,000 pixels, if any. */
  readonly code?: string;
}

/**
 * PNG variants, on which every decoder must agree; JPEG by libjpeg-turbo; damaged, too large and foreign
 * files.
 */
export async function imageFiles(): Promise<ImageFile[]> {
  const random = Random.from('image files');
  const noise = (channels: number): Uint8Array =>
    Uint8Array.from({ length: WIDTH * HEIGHT * channels }, () => random.int(256));
  const smooth = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH)];
    return 128 + 100 * Math.sin(x / 7 + (i % 3)) * Math.cos(y / 5);
  });
  const from = (data: Uint8Array, channels: 1 | 3 | 4): Sharp =>
    sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });
  const png = await from(noise(3), 3).png().toBuffer();
  const jpeg = await from(smooth, 3).jpeg({ quality: 90 }).toBuffer();
  const flipped = Buffer.from(png);
  flipped[png.length >> 1]! ^= 0x55;
  const sixteen = Uint16Array.from({ length: WIDTH * HEIGHT }, () => random.int(65536));

  const same = (name: string, bytes: Uint8Array, worst = 0): ImageFile => ({ name, bytes, worst });
  const refused = (name: string, code: string, bytes: Uint8Array): ImageFile => ({
    name,
    bytes,
    worst: 0,
    code,
  });
  return [
    same('colour PNG', png),
    same('grey PNG', await from(noise(1), 1).toColourspace('b-w').png().toBuffer()),
    same('palette PNG', await from(smooth, 3).png({ palette: true, colours: 16 }).toBuffer()),
    same('interlaced PNG', await from(noise(3), 3).png({ progressive: true }).toBuffer()),
    same('PNG with alpha', await from(noise(4), 4).png().toBuffer()),
    same('PNG with a colour profile', await from(noise(3), 3).png().withIccProfile('p3').toBuffer()),
    same('16-bit PNG', await encodePng16(sixteen, WIDTH, HEIGHT), 1), // Chromium rounds to 8 bits differently
    same('JPEG', jpeg),
    same('progressive JPEG', await from(smooth, 3).jpeg({ progressive: true }).toBuffer()),
    same('grey JPEG', await from(noise(1), 1).toColourspace('b-w').jpeg().toBuffer()),
    same('turned JPEG', await from(smooth, 3).jpeg().withMetadata({ orientation: 6 }).toBuffer()),
    ...(await turned(from(smooth, 3))).map(({ name, bytes }) => same(name, bytes)),
    ...rarePngs().map(({ name, bytes }) => same(name, bytes)),
    same('JPEG that says it is RGB', withAdobe(jpeg)),
    same('JPEG with a colour profile', await from(smooth, 3).jpeg().withIccProfile('p3').toBuffer()),
    refused('12-bit JPEG', 'IMAGE_UNSUPPORTED', recoded(jpeg, 0xc1, 12)),
    refused('lossless JPEG', 'IMAGE_UNSUPPORTED', recoded(jpeg, 0xc3, 8)),
    refused('arithmetic JPEG', 'IMAGE_UNSUPPORTED', recoded(jpeg, 0xc9, 8)),
    refused('PNG with a hidden still picture', 'IMAGE_UNSUPPORTED', animated(false)),
    refused('CMYK JPEG', 'IMAGE_UNSUPPORTED', await from(smooth, 3).toColourspace('cmyk').jpeg().toBuffer()),
    refused('TIFF', 'IMAGE_UNSUPPORTED', await from(smooth, 3).tiff().toBuffer()),
    refused('WebP', 'IMAGE_UNSUPPORTED', await from(smooth, 3).webp().toBuffer()),
    refused('nothing', 'IMAGE_UNREADABLE', new Uint8Array()),
    refused('cut PNG', 'IMAGE_UNREADABLE', png.subarray(0, png.length / 2)),
    refused('cut JPEG', 'IMAGE_UNREADABLE', jpeg.subarray(0, jpeg.length / 2)),
    refused('damaged PNG', 'IMAGE_UNREADABLE', flipped),
    refused(
      'large PNG',
      'IMAGE_TOO_LARGE',
      await sharp({ create: { width: 101, height: 100, channels: 3, background: 'grey' } })
        .png()
        .toBuffer(),
    ),
    refused(
      'large JPEG',
      'IMAGE_TOO_LARGE',
      await sharp({ create: { width: 101, height: 100, channels: 3, background: 'grey' } })
        .jpeg()
        .toBuffer(),
    ),
  ];
}

/** All eight orientation tags, and an invalid one. */
async function turned(picture: Sharp): Promise<{ name: string; bytes: Uint8Array }[]> {
  const found = [];
  for (let tag = 1; tag <= 8; tag += 1) {
    const from = picture.clone().withMetadata({ orientation: tag });
    found.push(
      { name: `JPEG with orientation ${tag}`, bytes: await from.clone().jpeg().toBuffer() },
      { name: `PNG with orientation ${tag}`, bytes: await from.clone().png().toBuffer() },
    );
  }
  const none = Buffer.from(found.at(-2)!.bytes);
  none[none.indexOf(Buffer.from([0x12, 0x01, 0x03, 0x00])) + 8] = 0;
  return [...found, { name: 'JPEG with orientation 0', bytes: none }];
}

const words = (...values: number[]): number[] => values.flatMap((value) => [value >> 8, value & 255]);
const longs = (...values: number[]): number[] =>
  values.flatMap((value) => [...words(value >>> 16), ...words(value & 65535)]);

interface PngParts {
  readonly width: number;
  readonly bits?: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly type: number;
  readonly row: readonly number[];
  readonly before?: readonly (readonly [kind: string, bytes: readonly number[]])[];
  readonly after?: readonly (readonly [kind: string, bytes: readonly number[]])[];
}

/** A PNG of one row, with chunks before and after the pixels. */
function png({ width, bits = 8, type, row, before = [], after = [] }: PngParts): Uint8Array {
  const chunk = (kind: string, body: Iterable<number>): Buffer => {
    const bytes = Buffer.from([...Buffer.from(kind, 'latin1'), ...body]);
    return Buffer.from([...longs(bytes.length - 4), ...bytes, ...longs(crc32(bytes))]);
  };
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', [...longs(width, 1), bits, type, 0, 0, 0]),
    ...before.map(([kind, body]) => chunk(kind, body)),
    chunk('IDAT', deflateSync(Buffer.from([0, ...row]))),
    ...after.map(([kind, body]) => chunk(kind, body)),
    chunk('IEND', []),
  ]);
}

/** Transparency, gamma, colour spaces, few bits, animations. */
function rarePngs(): { name: string; bytes: Uint8Array }[] {
  const palette = [10, 20, 30, 200, 100, 50, 7, 8, 9];
  const parts: Readonly<Record<string, PngParts>> = {
    'a transparent grey': { width: 4, type: 0, row: [10, 50, 100, 200], before: [['tRNS', words(100)]] },
    'a transparent colour': {
      width: 2,
      type: 2,
      row: [10, 50, 100, 200, 150, 100],
      before: [['tRNS', words(10, 50, 100)]],
    },
    'a transparent palette': {
      width: 4,
      type: 3,
      row: [0, 1, 2, 1],
      before: [
        ['PLTE', palette],
        ['tRNS', [255, 128, 0]],
      ],
    },
    'grey and alpha': { width: 3, type: 4, row: [100, 255, 200, 128, 200, 0] },
    'grey and alpha of 16 bit': {
      width: 2,
      bits: 16,
      type: 4,
      row: words(25700, 65535, 51400, 32896),
    },
    'a transparent grey of 16 bit': {
      width: 3,
      bits: 16,
      type: 0,
      row: words(25700, 257, 51400),
      before: [['tRNS', words(51400)]],
    },
    '1 bit': { width: 4, bits: 1, type: 0, row: [0b01010000] },
    '2 bit': { width: 4, bits: 2, type: 0, row: [0b00011011] },
    '4 bit': { width: 4, bits: 4, type: 0, row: [0x05, 0xaf] },
    'a palette of 1 bit': {
      width: 4,
      bits: 1,
      type: 3,
      row: [0b01010000],
      before: [['PLTE', [255, 255, 255, 255, 0, 0]]],
    },
    'gamma 1': { width: 1, type: 2, row: [50, 100, 200], before: [['gAMA', longs(100_000)]] },
    'gamma 1 and alpha': { width: 1, type: 4, row: [100, 128], before: [['gAMA', longs(100_000)]] },
    'colour space PQ': { width: 1, type: 2, row: [50, 100, 200], before: [['cICP', [9, 16, 0, 1]]] },
    'five significant bits': { width: 3, type: 0, row: [10, 50, 100], before: [['sBIT', [5]]] },
    'a background colour': { width: 2, type: 4, row: [100, 128, 50, 0], before: [['bKGD', words(255)]] },
  };
  return [
    ...Object.entries(parts).map(([name, of]) => ({ name: `PNG with ${name}`, bytes: png(of) })),
    { name: 'PNG with an animation', bytes: animated(true) },
  ];
}

/** @param first whether the still picture is the first frame */
function animated(first: boolean): Uint8Array {
  const frame = (serial: number): [string, number[]] => [
    'fcTL',
    [...longs(serial, 2, 1, 0, 0), ...words(1, 10), 0, 0],
  ];
  const serial = first ? 1 : 0;
  const data = deflateSync(Buffer.from([0, 7, 8]));
  return png({
    width: 2,
    type: 0,
    row: [100, 50],
    before: [['acTL', longs(first ? 2 : 1, 0)], ...(first ? [frame(0)] : [])],
    after: [frame(serial), ['fdAT', [...longs(serial + 1), ...data]]],
  });
}

/** A JPEG with Adobe's marker for RGB. */
function withAdobe(jpeg: Uint8Array): Uint8Array {
  const marker = [0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0];
  return Buffer.concat([jpeg.subarray(0, 2), Buffer.from(marker), jpeg.subarray(2)]);
}

/** A JPEG whose header contradicts its data. */
function recoded(jpeg: Uint8Array, coding: number, bits: number): Uint8Array {
  const bytes = Buffer.from(jpeg);
  let at = 2;
  while (bytes[at + 1] !== 0xc0 && bytes[at + 1] !== 0xc2) at += 2 + bytes.readUInt16BE(at + 2);
  bytes[at + 1] = coding;
  bytes[at + 4] = bits;
  return bytes;
}
