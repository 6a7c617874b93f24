import { describe, expect, it } from 'vitest';
import { imageForModel, imageToPlanes, maskForModel } from './resize-rule.js';
import type { RgbImage } from './raster.js';

/** With values that change at every pixel. */
function pattern(width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[i++] = (37 * y * y + 101 * x + 59 * c + 7 * x * y) % 256;
  return { width, height, data };
}

const grey = (width: number, height: number, values: readonly number[]): RgbImage => ({
  width,
  height,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});
const red = ({ data }: RgbImage): number[] => [...data].filter((_, i) => i % 3 === 0);

describe('the rule of LViT’s loader', () => {
  it('takes the two nearest pixels along each axis, whatever it skips', () => {
    const row = [0, 10, 20, 30, 40];
    // 5 to 2 pixels: centres at 0.75 and 3.25, so (0 + 3 * 10) / 4 = 7.5 and (3 * 30 + 40) / 4 = 32.5. Down the rows, which
    // are equal, OpenCV cuts 7.5 / 4 and 7.5 * 3 / 4 to quarters: (7 + 22 + 2) >> 2 = 7, and (32 + 97 + 2) >> 2 = 32.
    const squeezed = imageForModel(grey(5, 5, [row, row, row, row, row].flat()), 2, 'upstream');
    expect(red(squeezed)).toEqual([7, 32, 7, 32]);
    // By area, all pixels count: half of 0, 10 and half of 20 weigh 2.5 and more by the triangle's tails.
    expect(red(imageForModel(grey(5, 5, [row, row, row, row, row].flat()), 2, 'area'))).not.toEqual(
      red(squeezed),
    );
  });

  it('leaves out what lies between the pixels it takes', () => {
    // 6 to 2 pixels: centres at 1 and 4 exactly, so a single pixel each.
    const dot = { width: 6, height: 6, data: new Uint8Array(36) };
    dot.data[6 * 2 + 2] = 1; // between
    expect([...maskForModel(dot, 2, 'upstream').data]).toEqual([0, 0, 0, 0]);
    dot.data[6 * 1 + 1] = 1; // taken, though a ninth of the output pixel's area
    expect([...maskForModel(dot, 2, 'upstream').data]).toEqual([1, 0, 0, 0]);
    expect([...maskForModel(dot, 2, 'area').data]).toEqual([0, 0, 0, 0]);
  });

  it('has OpenCV’s values, channel by channel (cv2.resize of OpenCV 5.0, INTER_LINEAR)', () => {
    expect([...imageForModel(pattern(11, 9), 4, 'upstream').data]).toEqual([
      115, 174, 93, 149, 108, 107, 123, 182, 105, 197, 103, 79, 164, 27, 82, 109, 156, 131, 90, 149, 112, 135,
      194, 29, 68, 127, 130, 140, 187, 106, 152, 71, 110, 113, 140, 199, 171, 146, 65, 138, 137, 136, 146,
      145, 68, 138, 93, 152,
    ]);
  });

  it('marks a mask’s pixel if any part of what it takes rounds above 0 of 255, as OpenCV has it', () => {
    const data = Uint8Array.from({ length: 121 }, (_, i) =>
      Number(((i % 11) ** 2 + 3 * Math.floor(i / 11)) % 7 === 0),
    );
    const mask = { width: 11, height: 11, data };
    // cv2.resize(255 * mask, (4, 4)) > 0; its values are 4, 12, 195, 159, 20, 12, 36, 195 and 139.
    expect([...maskForModel(mask, 4, 'upstream').data]).toEqual([
      1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0,
    ]);
  });

  it('enlarges bilinearly, and keeps what has the right size', () => {
    const mask = { width: 2, height: 2, data: Uint8Array.of(1, 0, 0, 0) };
    // 2 to 4 pixels: shares of the corner are 1, 3/4, 1/4 and 0 along each axis.
    expect([...maskForModel(mask, 4, 'upstream').data]).toEqual([
      1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0,
    ]);
    expect(maskForModel(mask, 2, 'upstream')).toBe(mask);
    const image = pattern(4, 4);
    expect(imageForModel(image, 4, 'upstream')).toBe(image);
  });

  it('gives planes in the same order and range, before or after resizing', () => {
    const image = pattern(9, 7);
    const planes = imageToPlanes(image, 4, 'upstream');
    const resized = imageForModel(image, 4, 'upstream');
    expect(planes).toEqual(imageToPlanes(resized, 4, 'upstream'));
    for (const c of [0, 1, 2])
      expect([...planes.slice(16 * c, 16 * c + 16)]).toEqual(
        [...resized.data].filter((_, i) => i % 3 === c).map((value) => Math.fround(value / 255)),
      );
  });

  it('refuses sizes and data that do not fit', () => {
    expect(() => imageForModel({ width: 2, height: 2, data: new Uint8Array(11) }, 4, 'upstream')).toThrow(
      expect.objectContaining({ code: 'IMAGE_UNREADABLE' }),
    );
    expect(() => maskForModel({ width: 2, height: 2, data: new Uint8Array(3) }, 4, 'upstream')).toThrow(
      expect.objectContaining({ code: 'MASK_SIZE_MISMATCH' }),
    );
    expect(() => imageForModel(pattern(2, 2), 0, 'upstream')).toThrow(/at least 1 x 1/);
  });
});
