import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { squaredDistances } from '../masks/distance.js';
import { ReclmisError } from '../errors.js';
import { surface, surfaceDistances } from './surface.js';
import { anyMask, drawnMask } from '../testing.js';

const drawn = ({ width, data }: ReturnType<typeof surface>): string =>
  [...data].map((v, i) => (i > 0 && i % width === 0 ? '/' : '') + (v ? '#' : '.')).join('');

describe('squaredDistances', () => {
  it('is the distance to the nearest foreground pixel, by brute force', () => {
    fc.assert(
      fc.property(
        anyMask,
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        (mask, dx, dy) => {
          const { width, data } = mask;
          const found = squaredDistances(mask, [dx, dy]);
          data.forEach((_, p) => {
            const [x, y] = [p % width, Math.floor(p / width)];
            let least = Infinity;
            data.forEach((value, q) => {
              if (value === 0) return;
              least = Math.min(
                least,
                ((x - (q % width)) * dx) ** 2 + ((y - Math.floor(q / width)) * dy) ** 2,
              );
            });
            if (least === Infinity) expect(found[p]).toBe(Infinity);
            else expect(Math.abs(found[p]! - least)).toBeLessThan(1e-9);
          });
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('surface', () => {
  it('contains pixels that share an edge with the background or the border', () => {
    expect(drawn(surface(drawnMask('.....:.....'.replace(':', '/'))))).toBe('...../.....');
    expect(drawn(surface(drawnMask('......./.#####./.#####./.#####./.......')))).toBe(
      '......./.#####./.#...#./.#####./.......',
    );
    expect(drawn(surface(drawnMask('####/####/####')))).toBe('####/#..#/####');
    // 4 neighbours: a hole touching only by a corner makes no surface
    expect(drawn(surface(drawnMask('#####/#####/##.##/#####/#####')))).toBe('#####/#.#.#/##.##/#.#.#/#####');
  });
});

describe('surfaceDistances', () => {
  it('by hand: two pixels, three columns and four rows apart', () => {
    const a = drawnMask('#...../....../....../....../......');
    const b = drawnMask('....../....../....../....../...#..');
    expect(surfaceDistances(a, b)).toEqual({ hd95: 5, assd: 5, hausdorff: 5 });
    expect(surfaceDistances(a, b, [2, 0.5])).toEqual({
      hd95: Math.hypot(6, 2),
      assd: Math.hypot(6, 2),
      hausdorff: Math.hypot(6, 2),
    });
  });

  it('by hand: a line and a longer one', () => {
    // from ## to ##..##: 0 0; back: 0 0 3 4 (columns 0 1 4 5 to the nearest of 0 1)
    const d = surfaceDistances(drawnMask('##....'), drawnMask('##..##'));
    expect(d?.hausdorff).toBe(4);
    expect(d?.hd95).toBeCloseTo(3.85, 12); // place 0.95 * 3 = 2.85 of [0, 0, 3, 4]
    expect(d?.assd).toBeCloseTo(7 / 6, 12);
  });

  it('is 0 for two empty masks, null for one', () => {
    const [none, some] = [drawnMask('.../...'), drawnMask('.#./...')];
    expect(surfaceDistances(none, none)).toEqual({ hd95: 0, assd: 0, hausdorff: 0 });
    expect(surfaceDistances(none, some)).toBeNull();
    expect(surfaceDistances(some, none)).toBeNull();
  });

  it('is symmetric, 0 for equal masks, and in the unit of the spacing', () => {
    fc.assert(
      fc.property(anyMask, fc.nat(), (mask, seed) => {
        const other = { ...mask, data: mask.data.map((v, i) => ((i * 7 + seed) % 5 === 0 ? 1 - v : v)) };
        const there = surfaceDistances(mask, other);
        expect(surfaceDistances(other, mask)).toEqual(there);
        expect(surfaceDistances(mask, mask)).toEqual({ hd95: 0, assd: 0, hausdorff: 0 });
        if (there === null) return;
        expect(there.hd95).toBeLessThanOrEqual(there.hausdorff);
        expect(there.assd).toBeLessThanOrEqual(there.hausdorff);
        const twice = surfaceDistances(mask, other, [2, 2]);
        expect(twice?.assd).toBeCloseTo(2 * there.assd, 9);
      }),
      { numRuns: 60 },
    );
  });

  it.each([0, -1, NaN, Infinity])('refuses pixels of %d millimetres', (millimetres) => {
    const mask = drawnMask('#.');
    for (const spacing of [
      [millimetres, 1],
      [1, millimetres],
    ] as const) {
      expect(() => surfaceDistances(mask, mask, spacing)).toThrow(ReclmisError);
      expect(() => squaredDistances(mask, spacing)).toThrow(ReclmisError);
    }
  });

  it('refuses masks of different sizes', () => {
    expect(() => surfaceDistances(drawnMask('##'), drawnMask('###'))).toThrow(ReclmisError);
  });
});
