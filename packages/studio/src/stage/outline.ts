/**
 * The outline of a mask as a path in image pixels. Smooth: through the middles of the pixels' edges, averaged over three,
 * which stays within a pixel of the mask. Exact: along the edges, for large zooms.
 */
import { type Mask, type Ring, rings as ringsOf } from '@reclmis/core';

/** What a canvas path needs, so that tests can record it. */
export type Pen = Pick<CanvasPath, 'moveTo' | 'lineTo' | 'quadraticCurveTo' | 'closePath'>;

export interface Outline {
  readonly rings: readonly Ring[];
}

/** Outlines are looked for in the mask's box alone, so a small area of a large image is cheap. */
export function outlineOf(mask: Mask): Outline {
  const box = boxOf(mask);
  if (box === null) return { rings: [] };
  const [left, top, width, height] = box;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * mask.width + left;
    data.set(mask.data.subarray(from, from + width), y * width);
  }
  const rings = ringsOf({ width, height, data });
  return { rings: rings.map((ring) => ring.map(([x, y]) => [x + left, y + top] as const)) };
}

/** Left, top, width, height of all that is set; null for an empty mask. */
export function boxOf({ width, height, data }: Mask): readonly [number, number, number, number] | null {
  let [left, right, top, bottom] = [width, -1, -1, -1];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(1));
    if (top < 0) top = y;
    bottom = y;
  }
  return top < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
}

export function trace(pen: Pen, { rings }: Outline, exact: boolean): void {
  for (const ring of rings) {
    if (exact) traceExactly(pen, ring);
    else traceSmoothly(pen, ring);
  }
}

function traceExactly(pen: Pen, ring: Ring): void {
  ring.forEach(([x, y], i) => (i === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
  pen.closePath();
}

function traceSmoothly(pen: Pen, ring: Ring): void {
  const points = averaged(averaged(middles(ring)));
  const at = (i: number): readonly [number, number] => points[i % points.length]!;
  const between = (i: number): [number, number] => [
    (at(i)[0] + at(i + 1)[0]) / 2,
    (at(i)[1] + at(i + 1)[1]) / 2,
  ];
  pen.moveTo(...between(0));
  for (let i = 1; i <= points.length; i++) pen.quadraticCurveTo(...at(i), ...between(i));
  pen.closePath();
}

/** The middle of each pixel edge along a ring. */
function middles(ring: Ring): [number, number][] {
  const points: [number, number][] = [];
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x, y] = ring[i]!;
    const [X, Y] = ring[i + 1]!;
    const steps = Math.abs(X - x) + Math.abs(Y - y);
    for (let step = 0; step < steps; step++) {
      const share = (step + 0.5) / steps;
      points.push([x + share * (X - x), y + share * (Y - y)]);
    }
  }
  return points;
}

function averaged(points: readonly (readonly [number, number])[]): [number, number][] {
  const { length } = points;
  return points.map(([x, y], i) => {
    const [a, b] = points[(i + length - 1) % length]!;
    const [c, d] = points[(i + 1) % length]!;
    return [(a + 2 * x + c) / 4, (b + 2 * y + d) / 4];
  });
}
