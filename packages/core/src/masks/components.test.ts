import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { components, labelAt, labelRuns } from './components.js';
import type { Mask } from '../images/raster.js';
import { anyMask, drawnMask } from '../testing.js';

/** Counts by flooding. */
function flooded({ width, height, data }: Mask, neighbours: 4 | 8): number {
  const left = Uint8Array.from(data);
  let count = 0;
  for (let from = 0; from < left.length; from++) {
    if (left[from] === 0) continue;
    count++;
    const open = [from];
    left[from] = 0;
    for (let p = open.pop(); p !== undefined; p = open.pop()) {
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (neighbours === 4 && dx !== 0 && dy !== 0) continue;
          const x = (p % width) + dx;
          const y = Math.floor(p / width) + dy;
          if (x < 0 || y < 0 || x >= width || y >= height || left[y * width + x] === 0) continue;
          left[y * width + x] = 0;
          open.push(y * width + x);
        }
      }
    }
  }
  return count;
}

describe('components', () => {
  it('does not depend on where a mask lies in memory, and takes any value for foreground', () => {
    const { width, height, data } = drawnMask('######......#####./.................#/##################');
    const shared = new Uint8Array(data.length + 1);
    shared.set(data.map((value, i) => value * (1 + (i % 3))), 1); // prettier-ignore
    const found = components({ width, height, data: shared.subarray(1) });
    expect(found).toEqual(components({ width, height, data }));
    expect(found.map(({ area }) => area)).toEqual([24, 6]);
  });

  it('finds none in an empty mask, one in a full one, one of a pixel', () => {
    expect(components(drawnMask('..../....'))).toEqual([]);
    expect(components(drawnMask('####/####'))).toEqual([{ area: 8, centroid: [2, 1], box: [0, 0, 4, 2] }]);
    expect(components(drawnMask('..../..#.'))).toEqual([
      { area: 1, centroid: [2.5, 1.5], box: [2, 1, 1, 1] },
    ]);
  });

  it('joins pixels that touch by a corner, in either direction, and along a detour', () => {
    expect(components(drawnMask('#./.#'))).toEqual([{ area: 2, centroid: [1, 1], box: [0, 0, 2, 2] }]);
    expect(components(drawnMask('.#/#.'))).toHaveLength(1);
    expect(components(drawnMask('#...#/#...#/#####'))).toEqual([
      { area: 9, centroid: [2.5, (0.5 + 0.5 + 1.5 + 1.5 + 5 * 2.5) / 9], box: [0, 0, 5, 3] },
    ]);
    expect(components(drawnMask('###/#.#/###'))).toEqual([
      { area: 8, centroid: [1.5, 1.5], box: [0, 0, 3, 3] },
    ]);
  });

  it('sorts by size, then by the first pixel', () => {
    expect(components(drawnMask('#..##/...../#..#.')).map(({ area, box }) => [area, ...box])).toEqual([
      [2, 3, 0, 2, 1],
      [1, 0, 0, 1, 1],
      [1, 0, 2, 1, 1],
      [1, 3, 2, 1, 1],
    ]);
  });

  it('takes any nonzero value as foreground, and refuses data of another size', () => {
    expect(components({ width: 3, height: 1, data: Uint8Array.of(255, 7, 0) })[0]?.area).toBe(2);
    expect(() => components({ width: 3, height: 1, data: new Uint8Array(2) })).toThrow(
      expect.objectContaining({ code: 'MASK_SIZE_MISMATCH' }),
    );
  });

  it('agrees with flooding on any mask; areas add up to the foreground and fit their boxes', () => {
    fc.assert(
      fc.property(anyMask, (any) => {
        const found = components(any);
        expect(found).toHaveLength(flooded(any, 8));
        expect(labelRuns(any, 4).count).toBe(flooded(any, 4));
        expect(found.reduce((sum, { area }) => sum + area, 0)).toBe(any.data.reduce((a, b) => a + b, 0));
        for (const { area, centroid, box } of found) {
          const [x, y, width, height] = box;
          expect(area).toBeLessThanOrEqual(width * height);
          expect(centroid[0]).toBeGreaterThanOrEqual(x + 0.5);
          expect(centroid[0]).toBeLessThanOrEqual(x + width - 0.5);
          expect(centroid[1]).toBeGreaterThanOrEqual(y + 0.5);
          expect(centroid[1]).toBeLessThanOrEqual(y + height - 0.5);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('knows the component of each pixel', () => {
    const any = drawnMask('##.#/...#/#..#');
    const runs = labelRuns(any, 8);
    expect([labelAt(runs, 1, 0), labelAt(runs, 3, 1), labelAt(runs, 0, 2), labelAt(runs, 3, 2)]).toEqual([
      0, 1, 2, 1,
    ]);
  });
});
