import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resizeImage, resizeMask, resizePlane, threshold } from './image.js';
import { imageToPlanes } from './resize-rule.js';
import { Random } from '../random.js';
import type { Mask, RgbImage } from './raster.js';

/** float32 over two passes. */
const SINGLE = 1e-6;

const closeTo = (actual: ArrayLike<number>, expected: readonly number[], tolerance = SINGLE): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) =>
    expect(Math.abs((actual[i] as number) - value)).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(value)),
    ),
  );
};
const mask = (rows: string): Mask => {
  const lines = rows.split('/');
  return {
    width: lines[0]?.length ?? 0,
    height: lines.length,
    data: Uint8Array.from(lines.join(''), Number),
  };
};
const show = ({ width, height, data }: Mask): string =>
  Array.from({ length: height }, (_, y) => data.slice(y * width, (y + 1) * width).join('')).join('/');
const randomImage = (width: number, height: number): RgbImage => {
  const random = Random.from('image', width, height);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.int(256)) };
};

function direct(plane: Float32Array, w: number, h: number, W: number, H: number): number[] {
  const [sx, sy] = [w / W, h / H];
  const triangle = (distance: number, scale: number): number =>
    Math.max(0, 1 - Math.abs(distance) / Math.max(1, scale));
  const out: number[] = [];
  for (let Y = 0; Y < H; Y++) {
    for (let X = 0; X < W; X++) {
      let sum = 0;
      let weights = 0;
      for (let y = 0; y < h; y++) {
        for (let x = 0; x < w; x++) {
          const weight = triangle(x + 0.5 - (X + 0.5) * sx, sx) * triangle(y + 0.5 - (Y + 0.5) * sy, sy);
          sum += weight * (plane[y * w + x] as number);
          weights += weight;
        }
      }
      out.push(sum / weights);
    }
  }
  return out;
}

/** Weights that sum to 1, summed in float64 from the first tap on, rounded to float32 once. */
function plainly(values: readonly number[], to: number): number[] {
  const scale = values.length / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const read = values.slice(first, Math.floor(centre + support + 0.5));
    const weights = read.map((_, k) => Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / support));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return Math.fround(read.reduce((sum, value, k) => sum + ((weights[k] as number) / total) * value, 0));
  });
}

/** Rows first, then columns. */
function plainPlane(plane: ArrayLike<number>, w: number, h: number, W: number, H: number): Float32Array {
  const rows = Array.from({ length: h }, (_, y) =>
    plainly(
      Array.from({ length: w }, (_, x) => plane[y * w + x] as number),
      W,
    ),
  );
  const columns = Array.from({ length: W }, (_, x) =>
    plainly(
      rows.map((row) => row[x] as number),
      H,
    ),
  );
  return Float32Array.from({ length: W * H }, (_, i) => columns[i % W]?.[Math.floor(i / W)] as number);
}

const side = fc.integer({ min: 1, max: 19 });

describe('resampling four lanes at a time', () => {
  it('resamples planes bit for bit like plain sums', () => {
    fc.assert(
      fc.property(side, side, side, side, fc.integer(), (w, h, W, H, seed) => {
        fc.pre(w !== W || h !== H);
        const random = Random.from('plain', seed);
        const plane = Float32Array.from({ length: w * h }, () => random.next() * 2 - 1);
        expect(resizePlane(plane, w, h, W, H)).toEqual(plainPlane(plane, w, h, W, H));
      }),
    );
  });

  it('resamples images bit for bit like plain sums, in colour and in grey', () => {
    fc.assert(
      fc.property(side, side, side, side, fc.boolean(), (w, h, W, H, grey) => {
        fc.pre(w !== W || h !== H);
        const { data } = randomImage(w, h);
        const pixels = grey ? data.map((_, i) => data[i - (i % 3)] as number) : data;
        const resized = resizeImage({ width: w, height: h, data: pixels }, W, H).data;
        for (let c = 0; c < 3; c++) {
          const channel = pixels.filter((_, i) => i % 3 === c);
          const expected = plainPlane(channel, w, h, W, H).map((value) => Math.floor(value + 0.5));
          expect(Array.from(resized.filter((_, i) => i % 3 === c))).toEqual(Array.from(expected));
        }
      }),
    );
  });
});

describe('resizePlane', () => {
  it('shrinks with the widened triangle: weights 3/7, 3/7, 1/7 at the border of 4 -> 2', () => {
    closeTo(resizePlane(Float32Array.of(0, 100, 200, 50), 4, 1, 2, 1), [500 / 7, 850 / 7]);
    closeTo(resizePlane(Float32Array.of(0, 100, 200, 50), 1, 4, 1, 2), [500 / 7, 850 / 7]);
  });

  it('enlarges bilinearly about pixel centres, with repeated edges', () => {
    closeTo(resizePlane(Float32Array.of(0, 100), 2, 1, 4, 1), [0, 25, 75, 100]);
    closeTo(
      resizePlane(Float32Array.of(0, 100, 100, 0), 2, 2, 4, 4).slice(0, 8),
      [0, 25, 75, 100, 25, 37.5, 62.5, 75],
    );
  });

  it.each([
    [7, 5, 3, 2],
    [3, 4, 8, 9],
    [9, 3, 4, 7],
    [13, 11, 1, 1],
    [1, 1, 3, 2],
    [10, 10, 9, 11],
  ])('agrees with the definition: %i x %i -> %i x %i', (w, h, W, H) => {
    const random = Random.from(w, h, W, H);
    const plane = Float32Array.from({ length: w * h }, () => random.next());
    closeTo(resizePlane(plane, w, h, W, H), direct(plane, w, h, W, H));
  });

  it('copies where the sizes are equal, and keeps a constant constant', () => {
    const plane = Float32Array.of(0.1, 0.2, 0.3, 0.4);
    const copy = resizePlane(plane, 2, 2, 2, 2);
    expect(copy).toEqual(plane);
    expect(copy).not.toBe(plane);
    expect(new Set(resizePlane(new Float32Array(35).fill(0.25), 7, 5, 10, 3))).toEqual(new Set([0.25]));
  });

  it('refuses data of another size', () => {
    expect(() => resizePlane(new Float32Array(3), 2, 2, 4, 4)).toThrow(/expected 2 x 2 values, got 3/);
  });
});

describe('imageToPlanes', () => {
  it('only separates the channels if the size is right', () => {
    const image = {
      width: 2,
      height: 2,
      data: Uint8Array.of(0, 1, 2, 51, 52, 53, 102, 103, 104, 255, 254, 253),
    };
    closeTo(
      imageToPlanes(image, 2, 'area'),
      [0, 51, 102, 255, 1, 52, 103, 254, 2, 53, 104, 253].map((v) => v / 255),
    );
  });

  it('filters every channel and rounds to 8 bits', () => {
    const image = randomImage(9, 6);
    const planes = imageToPlanes(image, 4, 'area');
    expect(planes.length).toBe(3 * 16);
    for (let c = 0; c < 3; c++) {
      const channel = Float32Array.from({ length: 54 }, (_, i) => image.data[3 * i + c] as number);
      const exact = direct(channel, 9, 6, 4, 4);
      closeTo(
        planes.slice(c * 16, (c + 1) * 16),
        exact.map((v) => Math.round(v) / 255),
      );
    }
  });

  it('gives a channel the same bits in grey as in colour', () => {
    for (const [w, h, size] of [
      [31, 17, 8],
      [5, 9, 12],
    ] as const) {
      const colours = randomImage(w, h);
      const grey = { ...colours, data: colours.data.map((_, i, all) => all[i - (i % 3) + 1] as number) };
      const n = size * size;
      const green = imageToPlanes(colours, size, 'area').slice(n, 2 * n);
      const planes = imageToPlanes(grey, size, 'area');
      for (let c = 0; c < 3; c++) expect(planes.slice(c * n, (c + 1) * n)).toEqual(green);
    }
  });

  it('gives the same bits if the image was resized before: training and serving agree', () => {
    const image = randomImage(31, 17);
    expect(imageToPlanes(resizeImage(image, 8), 8, 'area')).toEqual(imageToPlanes(image, 8, 'area'));
  });

  it('keeps white white and black black, at any size', () => {
    for (const size of [1, 5, 12]) {
      const white = imageToPlanes({ width: 7, height: 3, data: new Uint8Array(63).fill(255) }, size, 'area');
      expect(white.every((v) => v === 1)).toBe(true);
      expect(
        imageToPlanes({ width: 7, height: 3, data: new Uint8Array(63) }, size, 'area').every((v) => v === 0),
      ).toBe(true);
    }
  });

  it('refuses data that do not fit and invalid sizes', () => {
    expect(() => imageToPlanes({ width: 2, height: 2, data: new Uint8Array(11) }, 2, 'area')).toThrow(
      expect.objectContaining({
        code: 'IMAGE_UNREADABLE',
        message: 'resizeImage: the image is stated to be 2 x 2 with 3 values a pixel, but holds 11 values',
      }),
    );
    expect(() => imageToPlanes(randomImage(2, 2), 0, 'area')).toThrow(/at least 1 x 1/);
  });
});

describe('resizeMask', () => {
  it.each([
    ['exactly half of the area', '1100/0011/1000/0000', 2, 2, '11/00'],
    ['a third and two thirds of 3 -> 2', '100/100/011/011', 2, 4, '10/10/01/01'],
    ['a third on both sides', '010', 2, 1, '00'],
    ['the nearest pixel where it grows', '10/01', 4, 4, '1100/1100/0011/0011'],
    ['the nearest pixel, 2 -> 3', '10', 3, 1, '100'],
    ['one axis shrinks, the other grows', '1100', 2, 3, '10/10/10'],
  ])('%s', (_, from, width, height, to) => {
    expect(show(resizeMask(mask(from), width, height))).toBe(to);
  });

  it('finds exact halves of any odd factor in spite of rounding', () => {
    for (const factor of [2, 6, 10, 14, 22, 26]) {
      const half = Uint8Array.from({ length: factor * factor }, (_, i) => (i % factor < factor / 2 ? 1 : 0));
      expect(resizeMask({ width: factor, height: factor, data: half }, 1).data[0]).toBe(1);
      half[0] = 0;
      expect(resizeMask({ width: factor, height: factor, data: half }, 1).data[0]).toBe(0);
    }
  });

  it('returns the same mask where the size is right, and refuses data that do not fit', () => {
    const same = mask('10/01');
    expect(resizeMask(same, 2)).toBe(same);
    expect(() => resizeMask({ width: 2, height: 2, data: new Uint8Array(12) }, 1)).toThrow(
      expect.objectContaining({ code: 'MASK_SIZE_MISMATCH' }),
    );
  });
});

describe('threshold', () => {
  it('takes greater values only', () => {
    expect(show(threshold([0.4, 0.5, 0.51, 1], 2, 2))).toBe('00/11');
    expect(show(threshold(Float32Array.of(0, 0.1, 0.2, 0.3), 4, 1, 0.15))).toBe('0011');
    expect(() => threshold([1], 2, 2)).toThrow(/expected 2 x 2 values, got 1/);
  });
});
