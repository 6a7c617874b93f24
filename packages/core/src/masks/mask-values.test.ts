import { describe, expect, it } from 'vitest';
import { maskOf, type MaskPixels, type MaskValues } from './mask-values.js';
import { ReclmisError } from '../errors.js';
import { Random } from '../random.js';

const read = (
  pixels: Partial<MaskPixels> & Pick<MaskPixels, 'data'>,
): { mask: string; values: MaskValues } => {
  const channels = pixels.channels ?? 1;
  const width = pixels.width ?? pixels.data.length / channels;
  const height = pixels.data.length / channels / width;
  const { mask, values } = maskOf({ channels, width, height, ...pixels }, 'm.png');
  expect(mask).toMatchObject({ width, height });
  expect([...mask.data].reduce((a, b) => a + b)).toBe(values.foreground);
  return { mask: mask.data.join(''), values };
};
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const words = (...values: number[]): Uint16Array => Uint16Array.from(values);

describe('maskOf', () => {
  it.each([
    ['black', bytes(0, 0, 0), '000', 'one value'],
    ['white', bytes(255, 255, 255), '111', 'one value'],
    ['all ones', bytes(1, 1, 1), '111', 'one value'],
    ['all grey', bytes(128, 128, 128), '111', 'one value'],
    ['0 and 1', bytes(0, 1, 0), '010', 'two values'],
    ['0 and 255', bytes(0, 255, 0), '010', 'two values'],
    ['0 and 128', bytes(0, 128, 0), '010', 'two values'],
    ['0 and 100', bytes(0, 100, 0), '010', 'two values'],
    ['1 and 2', bytes(1, 2, 1), '010', 'two values'],
    ['100 and 200', bytes(100, 200, 100), '010', 'two values'],
    ['254 and 255', bytes(254, 255, 254), '010', 'two values'],
    ['16 bit, 0 and 1', words(0, 1, 0), '010', 'two values'],
    ['16 bit, 0 and 65535', words(0, 65535, 0), '010', 'two values'],
    ['16 bit, 0 and 255', words(0, 255, 0), '010', 'two values'],
    ['labels', bytes(0, 1, 2, 3), '0111', 'labels'],
    ['labels in 16 bit', words(0, 1, 2, 31), '0111', 'labels'],
    ['labels without 0', bytes(1, 2, 3, 1), '0110', 'labels'],
    ['0 and 1 of a JPEG', bytes(0, 1, 0, 2, 1), '01011', 'labels'],
    ['resized', bytes(0, 60, 127, 128, 255), '00011', 'half'],
    ['resized, in 16 bit', words(0, 32767, 32768, 65535), '0011', 'half'],
    ['16 bit with 8 of them used', words(0, 60, 127, 128, 255), '00011', 'half'],
    ['0 and 128 of a JPEG', bytes(0, 5, 120, 131, 63), '00110', 'half'],
    ['100 and 200 of a JPEG', bytes(97, 104, 198, 206, 100), '00110', 'half'],
    ['white with the noise of a JPEG', bytes(255, 252, 254, 250), '1111', 'one value'],
  ])('%s', (_, data, mask, rule) => {
    const found = read({ data });
    expect(found.mask).toBe(mask);
    expect(found.values.rule).toBe(rule);
  });

  it('counts values between the lowest and the highest level', () => {
    const { values } = read({ data: bytes(10, 10, 30, 100, 120, 200, 210, 210) });
    expect(values).toEqual({
      rule: 'half',
      distinct: 6,
      lowest: 10,
      highest: 210,
      threshold: 110,
      foreground: 4,
      between: 4, // 30, 100, 120, 200
      middle: 2, // above 76.7 and below 143.3
      areasBetween: 0,
      areasLost: 0,
    });
    expect(read({ data: bytes(0, 255, 0) }).values).toMatchObject({ distinct: 2, between: 0, middle: 0 });
  });

  it('tells areas with their own label from soft edges', () => {
    const side = 8;
    const labels = Uint8Array.from({ length: 64 }, (_, p) => (p % side < 2 ? 0 : p % side < 6 ? 100 : 255));
    // Columns 3 and 4 of rows 1 to 6 have equal neighbours.
    expect(read({ data: labels, width: side }).values).toMatchObject({
      rule: 'half',
      between: 32,
      areasBetween: 12,
      areasLost: 12, // 100 is below half of 255
    });
    const bright = labels.map((level) => (level === 100 ? 200 : level));
    expect(read({ data: bright, width: side }).values).toMatchObject({ areasBetween: 12, areasLost: 0 });
    const ramp = Uint8Array.from({ length: 64 }, (_, p) => Math.round(((p % side) * 255) / 7));
    expect(read({ data: ramp, width: side }).values).toMatchObject({ between: 48, areasBetween: 0 });
  });

  it('takes the brightest channel of a colour', () => {
    const labelme = bytes(0, 0, 0, 128, 0, 0, 0, 128, 0, 0, 0, 128);
    expect(read({ data: labelme, channels: 3 })).toMatchObject({
      mask: '0111',
      values: { rule: 'two values' },
    });
    const viridis = bytes(68, 1, 84, 253, 231, 36, 68, 1, 84); // what matplotlib writes for 0 and 1
    expect(read({ data: viridis, channels: 3 }).mask).toBe('010');
    expect(read({ data: bytes(255, 0, 0, 255, 0, 0), channels: 3 }).mask).toBe('11');
  });

  it('refuses colours that are equally bright, such as red on white', () => {
    try {
      read({ data: bytes(255, 255, 255, 255, 0, 0), channels: 3 });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ReclmisError);
      expect((error as ReclmisError).code).toBe('IMAGE_UNSUPPORTED');
      expect((error as ReclmisError).message).toMatch(/^m\.png: .*equally bright/);
    }
  });

  describe('noise', () => {
    const side = 96;
    const random = Random.from('noise', 1);
    const made = (of: (x: number, y: number) => number): Uint8Array =>
      Uint8Array.from({ length: side * side }, (_, p) => of(p % side, Math.floor(p / side)));
    const message = (data: Uint8Array | Uint16Array): string => {
      try {
        read({ data, width: side });
      } catch (error) {
        if (error instanceof ReclmisError && error.code === 'IMAGE_UNSUPPORTED') return error.message;
        throw error;
      }
      return 'read';
    };

    it('is refused if a mask holds nothing else, in 8 and 16 bit', () => {
      const even = made(() => random.int(4));
      expect(message(even)).toMatch(
        /^m\.png: the mask contains small values scattered like noise: 7[56] % of neighbouring pixels differ, by chance it would be 75 %$/,
      );
      expect(message(Uint16Array.from(even))).toMatch(/scattered like noise/);
      const weak = made(() => Math.max(0, random.int(3) + random.int(3) - 2)); // 0, 1 and 2 in 6, 2 and 1 of 9: 49.4 % by chance
      expect(message(weak)).toMatch(/: (?:49|50) % .* (?:49|50) %$/);
      expect(message(made(() => 250 + random.int(4)))).toBe('read'); // white with noise: one level
      expect(message(even.subarray(0, side * 64))).toBe('read'); // too few pixels to decide
    });

    it('is told from many small labels, points, and a mask on noise', () => {
      const dots = made((x, y) => (((x % 8) - 4) ** 2 + ((y % 8) - 4) ** 2 < 6 ? 1 + ((x >> 3) % 3) : 0));
      expect(read({ data: dots, width: side }).values).toMatchObject({
        rule: 'labels',
        foreground: 144 * 21,
      });
      const lines = made((x) => (x % 8 === 0 ? 1 + ((x >> 3) % 2) : 0));
      expect(read({ data: lines, width: side }).values).toMatchObject({
        rule: 'labels',
        foreground: 96 * 12,
      });
      const points = made((x, y) => (x % 8 === 4 && y % 8 === 4 ? 1 + ((x >> 3) % 3) : 0));
      expect(read({ data: points, width: side }).values).toMatchObject({ rule: 'labels', foreground: 144 });
      const disc = made((x, y) => ((x - 32) ** 2 + (y - 32) ** 2 < 100 ? 240 : 0) + random.int(4));
      expect(read({ data: disc, width: side }).values).toMatchObject({ rule: 'half', foreground: 305 });
    });
  });

  it.each([
    ['black paint on nothing', 2, bytes(0, 0, 0, 255, 0, 0), '010'],
    ['white paint on nothing', 2, bytes(255, 0, 255, 255, 9, 0), '010'],
    [
      'red paint with a soft edge on nothing',
      4,
      bytes(0, 0, 0, 0, 255, 0, 0, 255, 255, 0, 0, 200, 255, 0, 0, 20),
      '0110',
    ],
    ['half transparent paint', 2, bytes(0, 0, 0, 128, 0, 128), '011'],
    ['black and white, all opaque', 2, bytes(0, 255, 255, 255), '01'],
    ['black and white, all half transparent', 2, bytes(0, 128, 255, 128), '01'],
    ['black, white and nothing', 2, bytes(0, 255, 255, 255, 255, 0), '010'],
    ['nothing at all', 4, bytes(255, 0, 0, 0, 0, 255, 0, 0), '00'],
  ])('transparency: %s', (_, channels, data, mask) => {
    expect(read({ data, channels }).mask).toBe(mask);
  });

  it('does not darken premultiplied colours twice', () => {
    const data = bytes(0, 255, 200, 255, 110, 128, 0, 0); // grey and opacity
    expect(read({ data, channels: 2, premultiplied: true }).mask).toBe('0110'); // 110 of 200
    expect(read({ data, channels: 2 }).mask).toBe('0100'); // 55 of 200
  });
});
