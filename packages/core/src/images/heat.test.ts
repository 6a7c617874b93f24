import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heatColour, heatOver, spreadGrid } from './heat.js';
import type { Rgb } from './overlay.js';

const linear = (value: number): number => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
};
/** CIE lightness L*, 0 to 100, of an sRGB colour. */
const lightness = (linearRgb: readonly number[]): number => {
  const [r = 0, g = 0, b = 0] = linearRgb;
  const y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
};
/** Linear RGB as seen without red or green cones: Viénot, Brettel and Mollon (1999). */
const DICHROMATS = {
  everyone: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanope: [
    [0.11238, 0.88762, 0],
    [0.11238, 0.88762, 0],
    [0.00401, -0.00401, 1],
  ],
  deuteranope: [
    [0.29275, 0.70725, 0],
    [0.29275, 0.70725, 0],
    [-0.02234, 0.02234, 1],
  ],
};

describe('heatColour', () => {
  it('goes from dark violet to yellow, and clamps values outside', () => {
    expect(heatColour(0)).toEqual([68, 1, 84]);
    expect(heatColour(1)).toEqual([253, 231, 37]);
    expect(heatColour(-3)).toEqual(heatColour(0));
    expect(heatColour(7)).toEqual(heatColour(1));
    expect(heatColour(Number.NaN)).toEqual(heatColour(0));
    expect(heatColour(0.5)).toEqual([35, 144, 140]); // half-way between (38,130,142) and (31,158,137), rounded up
  });

  it.each(Object.entries(DICHROMATS))('grows in lightness at every step, as seen by %s', (_, matrix) => {
    const seen = (colour: Rgb): number => {
      const rgb = colour.map(linear);
      return lightness(matrix.map((row) => row.reduce((sum, part, c) => sum + part * (rgb[c] ?? 0), 0)));
    };
    const steps = Array.from({ length: 33 }, (_, i) => seen(heatColour(i / 32)));
    for (let i = 1; i < steps.length; i++) {
      const step = (steps[i] ?? NaN) - (steps[i - 1] ?? NaN);
      // 75 of L* in 32 steps are 2.4 each; half is still visible.
      expect(step, `step ${i}`).toBeGreaterThan(1.1);
    }
    expect((steps.at(-1) ?? 0) - (steps[0] ?? 0)).toBeGreaterThan(70);
  });
});

describe('heatOver', () => {
  const image = { width: 2, height: 1, data: Uint8Array.from([100, 100, 100, 200, 200, 200]) };

  it('mixes the colours of the values with the image', () => {
    const { data } = heatOver(image, [0, 4], { opacity: 0.5 });
    expect([...data]).toEqual([84, 51, 92, 227, 216, 119]); // (100+68)/2, ..., (200+253)/2 rounded up, ...
    expect([...heatOver(image, [0, 4], { max: 8, opacity: 1 }).data.subarray(3)]).toEqual([35, 144, 140]);
    expect(image.data[0]).toBe(100);
  });

  it('draws nothing for an all-zero plane, and refuses another size', () => {
    expect(heatOver(image, [0, 0]).data).toEqual(image.data);
    expect(() => heatOver(image, [0])).toThrow(/heatOver: expected 2 x 1 values, got 1/);
  });
});

describe('spreadGrid', () => {
  it('gives each pixel the number of its cell', () => {
    expect([...spreadGrid([1, 2, 3, 4], 2, 2, 4, 2)]).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
    expect([...spreadGrid([1, 2, 3], 3, 1, 5, 1)]).toEqual([1, 1, 2, 3, 3]); // centres at 0.3, 0.9, 1.5, 2.1, 2.7
  });

  it('keeps the mean where cells divide the pixels evenly', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 25, maxLength: 25 }),
        (side, factor, values) => {
          const grid = values.slice(0, side * side);
          const plane = spreadGrid(grid, side, side, side * factor, side * factor);
          const sum = (list: ArrayLike<number>): number =>
            Array.from(list).reduce((total, value) => total + value, 0);
          expect(sum(plane)).toBe(factor * factor * sum(grid));
        },
      ),
    );
  });
});
