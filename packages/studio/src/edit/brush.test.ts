import { Random } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { paintSegment, type Point } from './brush.js';
import { Recorder } from './patch.js';

const empty = (width: number, height: number): { width: number; height: number; data: Uint8Array } => ({
  width,
  height,
  data: new Uint8Array(width * height),
});

function paint(size: number, from: Point, to: Point, radius: number): Uint8Array {
  const mask = empty(size, size);
  paintSegment(new Recorder(mask), from, to, radius, 1, size);
  return mask.data;
}

function distanceTo(a: Point, b: Point, x: number, y: number): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / length));
  return Math.hypot(x - a.x - t * dx, y - a.y - t * dy);
}

describe('paintSegment', () => {
  it('covers exactly the pixels whose centre is within the radius of the path', () => {
    const random = Random.from(7);
    const size = 40;
    const wrong: string[] = [];
    for (let round = 0; round < 300; round++) {
      const any = (): number => random.next() * 50 - 5;
      const [from, to] = [
        { x: any(), y: any() },
        { x: any(), y: round % 7 === 0 ? 12 : any() },
      ];
      const radius = 0.71 + random.next() * 9;
      const painted = paint(size, from, round % 5 === 0 ? from : to, radius);
      for (let p = 0; p < painted.length; p++) {
        const far = distanceTo(
          from,
          round % 5 === 0 ? from : to,
          (p % size) + 0.5,
          Math.floor(p / size) + 0.5,
        );
        if (Math.abs(far - radius) < 1e-9) continue; // on the edge, where rounding decides
        if (painted[p] !== (far < radius ? 1 : 0)) wrong.push(`round ${round}, pixel ${p}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('paints a path without gaps, however thin the brush', () => {
    const painted = paint(64, { x: 1.9, y: 1.1 }, { x: 60.2, y: 23.7 }, 0.0625);
    const rows = Array.from({ length: 64 }, (_, y) => painted.subarray(y * 64, y * 64 + 64).indexOf(1));
    expect(rows.slice(1, 24).every((first) => first >= 0)).toBe(true);
    for (let x = 1; x <= 60; x++) {
      const column = Array.from({ length: 64 }, (_, y) => painted[y * 64 + x]);
      expect(column.includes(1), `column ${x}`).toBe(true);
    }
    expect(painted.reduce((sum, value) => sum + value, 0)).toBe(82); // 59 columns and 22 steps down, counted once each
  });

  it('paints the pixel under a thin brush, and nothing outside the image', () => {
    const at = (x: number, y: number): number[] => {
      const painted = paint(8, { x, y }, { x, y }, 0.2);
      return Array.from(painted.keys()).filter((p) => painted[p] === 1);
    };
    expect(at(3.1, 2.9)).toEqual([19]);
    expect(at(-3, 2)).toEqual([]);
    expect(at(9, 9)).toEqual([]);
  });

  it('erases, and says what changed', () => {
    const mask = { width: 6, height: 3, data: new Uint8Array(18).fill(1) };
    const recorder = new Recorder(mask);
    const spot = { x: 2.5, y: 1.5 };
    expect(paintSegment(recorder, spot, spot, 1, 0, 3)).toBe(true);
    expect(recorder.dirty()).toEqual({ x: 1, y: 0, width: 3, height: 3 });
    expect(recorder.dirty()).toBeNull();
    expect(paintSegment(recorder, spot, spot, 1, 0, 3)).toBe(false);
    expect([...mask.data]).toEqual([1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1]);
    const patch = recorder.take();
    expect([...patch.runs]).toEqual([2, 1, 7, 3, 14, 1]);
    expect(patch.gain).toBe(-5);
  });
});
