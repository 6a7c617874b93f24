import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeImage } from './images.js';
import { readMask, readMaskWithValues } from './masks.js';
import { errorOf, inFolder } from './testing.js';
import { tiffFile, type TiffParts } from './testing/tiff-file.js';

const WIDTH = 4;
const HEIGHT = 2;
type Parts = Omit<TiffParts, 'width' | 'height' | 'values'>;

const file = (parts: Parts, pixel: (p: number) => readonly number[]): Uint8Array =>
  tiffFile({
    width: WIDTH,
    height: HEIGHT,
    values: Array.from({ length: WIDTH * HEIGHT }, (_, p) => pixel(p)).flat(),
    ...parts,
  });
const rgbOf = async (parts: Parts, pixel: (p: number) => readonly number[]): Promise<number[]> => [
  ...(await decodeImage(file(parts, pixel), 'a.tif')).data,
];
/** Eight pixels' expected values. */
const all = (pixel: (p: number) => readonly number[]): number[] =>
  Array.from({ length: WIDTH * HEIGHT }, (_, p) => pixel(p))
    .map((values) => (values.length === 1 ? [values[0], values[0], values[0]] : values))
    .flat() as number[];

const GREY = (p: number): number[] => [p * 30];
const RGB = (p: number): number[] => [p * 30, p * 20, p * 10];
const deep = (values: number[]): number[] => values.map((value) => value * 257);
const HALF = (p: number): number[] => [p * 15, p * 10, p * 5]; // times 128 / 255, rounded: 15.06 p, 10.04 p, 5.02 p
const LAYOUTS: readonly (readonly [name: string, parts: Parts])[] = [
  ['strips', {}],
  ['a strip a row, packed', { rows: 1, deflate: true }],
  ['tiles', { tile: 16 }],
  ['packed tiles', { tile: 16, deflate: true }],
  ['planes', { planar: true }],
  ['planes, a strip a row, packed', { planar: true, rows: 1, deflate: true }],
  ['big-endian', { bigEndian: true }],
  ['BigTIFF', { big: true }],
];

describe('samples beyond the colours', () => {
  it.each(LAYOUTS)('are opacity only where the file says so: %s', async (_, layout) => {
    for (const bits of [8, 16]) {
      const at = (values: number[]): number[] => (bits === 16 ? deep(values) : values);
      const named = { ...layout, bits };
      // Unspecified or without a tag: ignored.
      for (const rest of [0, 255]) {
        expect(await rgbOf({ ...named, samples: 4, extra: [0] }, (p) => at([...RGB(p), rest]))).toEqual(
          all(RGB),
        );
        expect(await rgbOf({ ...named, samples: 4 }, (p) => at([...RGB(p), rest]))).toEqual(all(RGB));
        expect(await rgbOf({ ...named, samples: 2, extra: [0] }, (p) => at([...GREY(p), rest]))).toEqual(
          all(GREY),
        );
        expect(await rgbOf({ ...named, samples: 2 }, (p) => at([...GREY(p), rest]))).toEqual(all(GREY));
      }
      // Unassociated is multiplied; associated already is.
      expect(await rgbOf({ ...named, samples: 4, extra: [2] }, (p) => at([...RGB(p), 128]))).toEqual(
        all(HALF),
      );
      expect(await rgbOf({ ...named, samples: 4, extra: [1] }, (p) => at([...HALF(p), 128]))).toEqual(
        all(HALF),
      );
      if (layout.planar !== true) {
        expect(await rgbOf({ ...named, samples: 2, extra: [2] }, (p) => at([...GREY(p), 128]))).toEqual(
          all((p) => [p * 15]),
        );
        expect(await rgbOf({ ...named, samples: 2, extra: [1] }, (p) => at([p * 15, 128]))).toEqual(
          all((p) => [p * 15]),
        );
      }
      // Of several, opacity counts wherever it is.
      expect(await rgbOf({ ...named, samples: 5, extra: [0, 0] }, (p) => at([...RGB(p), 7, 9]))).toEqual(
        all(RGB),
      );
      expect(await rgbOf({ ...named, samples: 5, extra: [0, 2] }, (p) => at([...RGB(p), 7, 128]))).toEqual(
        all(HALF),
      );
      expect(await rgbOf({ ...named, samples: 5, extra: [2, 0] }, (p) => at([...RGB(p), 128, 7]))).toEqual(
        all(HALF),
      );
    }
  });

  it('keep associated colours exactly, without rounding', async () => {
    for (let alpha = 1; alpha < 255; alpha += 23) {
      const pixel = (p: number): number[] => [
        Math.min(alpha, p * 30),
        Math.min(alpha, p),
        Math.min(alpha, 1),
      ];
      expect(await rgbOf({ samples: 4, extra: [1] }, (p) => [...pixel(p), alpha])).toEqual(all(pixel));
    }
  });

  it('count in masks by the same rule', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'm.tif');
      const mask = async (parts: Parts, pixel: (p: number) => readonly number[]): Promise<string> => {
        await writeFile(path, file(parts, pixel));
        return (await readMask(path)).data.join('');
      };
      const on = (p: number): number => (p % 3 === 0 ? 1 : 0);
      for (const bits of [8, 16]) {
        const full = bits === 16 ? 65535 : 255;
        for (const white of [1, full]) {
          expect(await mask({ bits, samples: 2, extra: [0] }, (p) => [on(p) * white, 0])).toBe('10010010');
          expect(await mask({ bits, samples: 4 }, (p) => [on(p) * white, 0, 0, 0])).toBe('10010010');
          expect(await mask({ bits }, (p) => [on(p) * white])).toBe('10010010');
        }
        for (const colour of [0, full])
          expect(await mask({ bits, samples: 2, extra: [2] }, (p) => [colour, on(p) * full])).toBe(
            '10010010',
          );
        expect(await mask({ bits, samples: 2, extra: [1] }, (p) => [on(p) * full, on(p) * full])).toBe(
          '10010010',
        );
      }
      await writeFile(
        path,
        file({ samples: 2, extra: [1] }, (p) => [p * 20, p === 0 ? 0 : 255]),
      );
      expect(await readMaskWithValues(path)).toMatchObject({
        values: { rule: 'half', lowest: 0, highest: 140, foreground: 4 },
        header: { alpha: true, grey: true },
      });
    });
  });

  it('are refused if any of several may be the grey one', async () => {
    const { code, message } = await errorOf(
      rgbOf({ samples: 3, photometric: 1, extra: [0, 0] }, (p) => RGB(p)),
    );
    expect(code).toBe('IMAGE_UNSUPPORTED');
    expect(message).toContain(
      '3 samples per pixel, of which the first is grey and 2 are of unspecified kind',
    );
  });
});

describe('kinds of pixels', () => {
  const reds = Array.from({ length: 768 }, (_, i) => {
    const [channel, index] = [Math.floor(i / 256), i % 256];
    return ((index * [30, 20, 10][channel]!) % 256) * 257;
  });
  it.each<[string, Parts, (p: number) => number[], (p: number) => number[]]>([
    ['white is zero', { photometric: 0 }, GREY, (p) => [255 - p * 30]],
    ['white is zero, 16 bit', { photometric: 0, bits: 16 }, (p) => deep(GREY(p)), (p) => [255 - p * 30]],
    [
      'white is zero, with opacity',
      { photometric: 0, samples: 2, extra: [2] },
      (p) => [p * 30, 255],
      (p) => [255 - p * 30],
    ],
    ['a palette', { photometric: 3, map: reds }, (p) => [p], RGB],
    [
      'a palette with a second sample',
      { photometric: 3, map: reds, samples: 2, extra: [0] },
      (p) => [p, 3],
      RGB,
    ],
    ['1 bit', { bits: 1 }, (p) => [p % 2], (p) => [(p % 2) * 255]],
    ['1 bit, white is zero', { bits: 1, photometric: 0 }, (p) => [p % 2], (p) => [255 - (p % 2) * 255]],
    ['2 bit', { bits: 2 }, (p) => [p % 4], (p) => [(p % 4) * 85]],
    ['4 bit', { bits: 4 }, (p) => [p * 2], (p) => [p * 34]],
    ['samples of unspecified form', { format: 4 }, GREY, GREY],
    ['an orientation that is none', { orientation: 0 }, GREY, GREY],
    ['an orientation beyond all', { orientation: 9, bigEndian: true }, GREY, GREY],
  ])('reads %s', async (_, parts, stored, expected) => {
    expect(await rgbOf(parts, stored)).toEqual(all(expected));
  });

  it.each<[string, Parts, string]>([
    ['CMYK', { samples: 4, photometric: 5 }, 'CMYK pixels'],
    ['CIELab', { samples: 3, photometric: 8 }, 'CIELab pixels'],
    ['raw YCbCr', { samples: 3, photometric: 6, tags: { 530: [1, 1] } }, 'YCbCr pixels'],
    ['signed', { format: 2 }, 'signed 8-bit pixels'],
    ['signed 16 bit', { format: 2, bits: 16 }, 'signed 16-bit pixels'],
    ['floating-point', { format: 3, bits: 32 }, 'floating-point or complex 32-bit pixels'],
    ['32 bit', { bits: 32 }, 'grey pixels of 32 bit'],
    ['12 bit', { bits: 12 }, 'grey pixels of 12 bit'],
    ['RGB of 4 bit', { bits: 4, samples: 3 }, 'RGB pixels of 4 bit'],
    ['a palette of 16 bit', { bits: 16, photometric: 3 }, 'palette pixels of 16 bit'],
    [
      '4 bit with a second sample',
      { bits: 4, samples: 2, extra: [0] },
      'grey pixels of 4 bit with extra samples',
    ],
    ['RGB of two samples', { samples: 2, photometric: 2 }, 'RGB pixels of 2 samples'],
    ['planes in tiles', { samples: 3, planar: true, tile: 16 }, 'planes stored in tiles'],
    [
      'grey and opacity in separate planes',
      { samples: 2, planar: true, extra: [2] },
      'grey and opacity in separate planes',
    ],
    ['six samples', { samples: 6 }, '6 samples per pixel, at most 5 are supported'],
    ['a colour filter array', { photometric: 32803 }, 'colour filter array pixels'],
    ['uneven samples', { samples: 3, tags: { 258: [8, 8, 16] } }, 'samples of 8, 8, 16 bits'],
  ])('refuses %s by name', async (_, parts, got) => {
    const { code, message } = await errorOf(
      rgbOf(parts, (p) => Array.from({ length: parts.samples ?? 1 }, () => p)),
    );
    expect([code, message]).toEqual([
      'IMAGE_UNSUPPORTED',
      `a.tif: expected 8- or 16-bit grey or RGB pixels, got ${got}`,
    ]);
  });

  it('names a compression that the decoder lacks', async () => {
    const { code, message } = await errorOf(rgbOf({ tags: { 259: [34925] } }, GREY));
    expect([code, message]).toEqual(['IMAGE_UNSUPPORTED', 'a.tif: cannot be read; its compression is LZMA']);
  });

  it('turns as the tag says, and refuses a directory outside the file', async () => {
    const { width, height, data } = await decodeImage(file({ orientation: 6 }, GREY), 'a.tif');
    expect([width, height]).toEqual([2, 4]);
    // Rows 0 30 60 90 and 120 150 180 210, turned clockwise.
    expect([...data].filter((_, i) => i % 3 === 0)).toEqual([120, 0, 150, 30, 180, 60, 210, 90]);
    const lost = Buffer.from(file({}, GREY));
    lost.writeUInt32LE(1_000_000, 4);
    expect((await errorOf(decodeImage(lost, 'a.tif'))).code).toBe('IMAGE_UNREADABLE');
  });

  it('does not change the caller’s bytes', async () => {
    const bytes = file({ samples: 4, extra: [1], orientation: 0 }, (p) => [...HALF(p), 128]);
    const before = Buffer.from(bytes);
    await decodeImage(bytes, 'a.tif');
    expect(before.equals(bytes)).toBe(true);
  });
});
