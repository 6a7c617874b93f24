import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { components } from './components.js';
import { contours, contoursGeoJson, signedArea, type Polygon, type Ring } from './contours.js';
import { anyMask, drawnMask } from '../testing.js';

const area = ([outer, ...holes]: Polygon): number =>
  signedArea(outer) + holes.reduce((sum, hole) => sum + signedArea(hole), 0);

function winding(ring: Ring, x: number, y: number): number {
  let turns = 0;
  for (let i = 0; i + 1 < ring.length; i++) {
    const [ax, ay] = ring[i]!;
    const [, by] = ring[i + 1]!;
    if (ax < x + 0.5) continue;
    if (ay <= y && by > y) turns++;
    if (by <= y && ay > y) turns--;
  }
  return turns;
}

describe('contours', () => {
  it('has none for an empty mask, the border of a full one, the square of a pixel', () => {
    expect(contours(drawnMask('.../...'))).toEqual([]);
    expect(contours(drawnMask('###/###'))).toEqual([
      { component: 0, area: 6, polygons: [[[[0, 0], [3, 0], [3, 2], [0, 2], [0, 0]]]] }, // prettier-ignore
    ]);
    expect(contours(drawnMask('.../.#.'))[0]!.polygons).toEqual([
      [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]], // prettier-ignore
    ]);
  });

  it('runs around holes the other way', () => {
    const [ring] = contours(drawnMask('###/#.#/###'));
    expect(ring!.polygons).toEqual([
      [
        [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]], // prettier-ignore
        [[1, 2], [2, 2], [2, 1], [1, 1], [1, 2]], // prettier-ignore
      ],
    ]);
    expect(ring!.polygons[0]!.map(signedArea)).toEqual([9, -1]);
  });

  it('keeps pixels that touch by a corner as two polygons of one component', () => {
    const [only, ...rest] = contours(drawnMask('#./.#'));
    expect(rest).toEqual([]);
    expect(only).toEqual({
      component: 0,
      area: 2,
      polygons: [
        [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]], // prettier-ignore
        [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]], // prettier-ignore
      ],
    });
  });

  it('makes two holes of holes that touch by a corner, and a hole of a bay closed by a corner', () => {
    const two = contours(drawnMask('####/#.##/##.#/####'))[0]!;
    expect(two.polygons).toHaveLength(1);
    expect(two.polygons[0]!.map(signedArea)).toEqual([16, -1, -1]);
    const bay = contours(drawnMask('###/#.#/##.'))[0]!;
    expect(bay.polygons).toHaveLength(1);
    expect(bay.polygons[0]!.map(signedArea).sort((a, b) => a - b)).toEqual([-1, 8]);
  });

  it('makes an island in a hole its own component', () => {
    const found = contours(drawnMask('#####/#...#/#.#.#/#...#/#####'));
    expect(
      found.map(({ component, area: pixels, polygons }) => [component, pixels, polygons.length]),
    ).toEqual([
      [0, 16, 1],
      [1, 1, 1],
    ]);
  });

  it('of any mask: closed simple rings, exact areas, and filling them gives the mask', () => {
    fc.assert(
      fc.property(anyMask, (any) => {
        const found = contours(any);
        const parts = components(any);
        expect(found.map((one) => one.area)).toEqual(parts.map((one) => one.area));
        const polygons = found.flatMap((one) => one.polygons);
        for (const { area: pixels, polygons: own } of found) {
          expect(own.reduce((sum, polygon) => sum + area(polygon), 0)).toBe(pixels);
        }
        for (const [outer, ...holes] of polygons) {
          expect(signedArea(outer)).toBeGreaterThan(0);
          for (const hole of holes) expect(signedArea(hole)).toBeLessThan(0);
          for (const ring of [outer, ...holes]) {
            expect(ring[0]).toEqual(ring.at(-1));
            expect(new Set(ring.map(String)).size).toBe(ring.length - 1); // no point twice
            for (let i = 0; i + 2 < ring.length; i++) {
              const [a, b, c] = [ring[i]!, ring[i + 1]!, ring[i + 2]!];
              expect((a[0] === b[0]) !== (b[0] === c[0])).toBe(true); // a corner at every point
            }
          }
        }
        const filled = any.data.map((_, p) =>
          polygons
            .flat()
            .reduce((sum, ring) => sum + winding(ring, p % any.width, Math.floor(p / any.width)), 0),
        );
        expect([...filled]).toEqual([...any.data]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('contoursGeoJson', () => {
  it('is a feature collection with a feature per component, largest first', () => {
    const json: unknown = JSON.parse([...contoursGeoJson(drawnMask('#..##/.#.##'))].join(''));
    expect(json).toEqual({
      type: 'FeatureCollection',
      features: [
        {
          type: 'Feature',
          properties: { component: 1, area: 4 },
          geometry: { type: 'Polygon', coordinates: [[[3, 0], [5, 0], [5, 2], [3, 2], [3, 0]]] }, // prettier-ignore
        },
        {
          type: 'Feature',
          properties: { component: 2, area: 2 },
          geometry: {
            type: 'MultiPolygon',
            coordinates: [
              [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]], // prettier-ignore
              [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]], // prettier-ignore
            ],
          },
        },
      ],
    });
    expect(JSON.parse([...contoursGeoJson(drawnMask('..'))].join(''))).toEqual({
      type: 'FeatureCollection',
      features: [],
    });
  });
});
