import { Random } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import type { Point } from './brush.js';
import { scanPolygon } from './polygon.js';

function fill(rings: readonly (readonly Point[])[], width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height);
  scanPolygon(rings, height, (y, from, to) => {
    for (let x = Math.max(0, from); x < Math.min(width, to); x++) data[y * width + x]! += 1;
  });
  return data;
}

const ring = (...coordinates: number[]): Point[] =>
  Array.from({ length: coordinates.length / 2 }, (_, i) => ({
    x: coordinates[2 * i]!,
    y: coordinates[2 * i + 1]!,
  }));

/** Even-odd by a ray to the left. */
function isInside(points: readonly Point[], x: number, y: number): boolean {
  let inside = false;
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length]!;
    if (a.y <= y === b.y <= y) return;
    if (x >= a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x)) inside = !inside;
  });
  return inside;
}

describe('scanPolygon', () => {
  it('fills pixels whose centre is inside, once each', () => {
    expect([...fill([ring(1, 1, 4, 1, 4, 3, 1, 3)], 5, 4)]).toEqual([
      ...[0, 0, 0, 0, 0],
      ...[0, 1, 1, 1, 0],
      ...[0, 1, 1, 1, 0],
      ...[0, 0, 0, 0, 0],
    ]);
  });

  it('agrees with a ray cast from every pixel, for polygons that cross themselves and leave the image', () => {
    const random = Random.from(3);
    const wrong: string[] = [];
    for (let round = 0; round < 200; round++) {
      const points = Array.from({ length: 3 + random.int(9) }, () => ({
        x: random.next() * 40 - 8,
        y: random.next() * 40 - 8,
      }));
      const filled = fill([points], 24, 24);
      for (let p = 0; p < filled.length; p++)
        if (filled[p] !== (isInside(points, (p % 24) + 0.5, Math.floor(p / 24) + 0.5) ? 1 : 0))
          wrong.push(`round ${round}, pixel ${p}`);
    }
    expect(wrong).toEqual([]);
  });

  it('leaves holes, and shares no pixel between neighbours', () => {
    const holed = fill([ring(0, 0, 6, 0, 6, 6, 0, 6), ring(2, 2, 4, 2, 4, 4, 2, 4)], 6, 6);
    expect(holed.reduce((sum, value) => sum + value, 0)).toBe(32);
    const left = fill([ring(0, 0, 2.5, 0, 3.5, 6, 0, 6)], 6, 6);
    const right = fill([ring(2.5, 0, 6, 0, 6, 6, 3.5, 6)], 6, 6);
    expect([...left].map((value, p) => value + right[p]!)).toEqual(new Array(36).fill(1));
  });

  it('finds nothing in lines and points', () => {
    expect(fill([ring(1, 1, 4, 1)], 5, 5).includes(1)).toBe(false);
    expect(fill([[]], 5, 5).includes(1)).toBe(false);
  });
});
