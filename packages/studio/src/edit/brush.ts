/**
 * A disc drawn along a line: the pixels whose centres are at most a radius from a segment. The pixel in column i and row
 * j has its centre at (i + 0.5, j + 0.5). Each row of such a capsule is one run, found from its edges alone, so a
 * step costs the rows that it touches.
 */
import type { Recorder } from './patch.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A disc this small may lie between all centres: then the pixels that its path passes count too. */
const THIN = Math.SQRT1_2;

/**
 * Gives the pixels of a disc, drawn from a point to another, a value.
 * @param from in pixels, with fractions. @param radius in pixels, above 0
 * @returns whether any pixel changed
 */
export function paintSegment(
  recorder: Recorder,
  from: Point,
  to: Point,
  radius: number,
  value: 0 | 1,
  height: number,
): boolean {
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const bottom = Math.min(height, Math.ceil(Math.max(from.y, to.y) + radius) + 1);
  let changed = false;
  for (let y = top; y < bottom; y++) {
    let [left, right] = capsuleAt(from, to, radius, y + 0.5);
    // From edges to centres: columns whose centre lies between.
    let [first, end] = [Math.ceil(left - 0.5), Math.floor(right - 0.5) + 1];
    if (radius < THIN) {
      [left, right] = pathIn(from, to, y);
      if (left <= right)
        [first, end] =
          first < end
            ? [Math.min(first, Math.floor(left)), Math.max(end, Math.floor(right) + 1)]
            : [Math.floor(left), Math.floor(right) + 1];
    }
    if (first < end && recorder.set(y, first, end, value)) changed = true;
  }
  return changed;
}

/** Where a capsule crosses the line at height y; left above right if it does not. */
function capsuleAt(a: Point, b: Point, radius: number, y: number): [left: number, right: number] {
  let [left, right] = [Infinity, -Infinity];
  const reach = (from: number, to: number): void => {
    left = Math.min(left, from);
    right = Math.max(right, to);
  };
  for (const { x, y: cy } of [a, b]) {
    const half = radius ** 2 - (y - cy) ** 2;
    if (half >= 0) reach(x - Math.sqrt(half), x + Math.sqrt(half));
  }
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  if (length === 0) return [left, right];
  const [nx, ny] = [(-dy / length) * radius, (dx / length) * radius]; // the two long sides
  for (const side of [1, -1]) {
    const [y0, y1] = [a.y + side * ny, b.y + side * ny];
    if (y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
    const x0 = a.x + side * nx;
    if (y0 === y1) reach(Math.min(x0, x0 + dx), Math.max(x0, x0 + dx));
    else reach(x0 + (dx * (y - y0)) / dy, x0 + (dx * (y - y0)) / dy);
  }
  return [left, right];
}

/** The columns that a segment passes within row y; left above right if none. */
function pathIn(a: Point, b: Point, y: number): [left: number, right: number] {
  const [low, high] = a.y <= b.y ? [a, b] : [b, a];
  if (high.y < y || low.y >= y + 1) return [Infinity, -Infinity];
  const at = (height: number): number =>
    high.y === low.y ? low.x : low.x + ((high.x - low.x) * (height - low.y)) / (high.y - low.y);
  const [x0, x1] = high.y === low.y ? [low.x, high.x] : [at(Math.max(low.y, y)), at(Math.min(high.y, y + 1))];
  return [Math.min(x0, x1), Math.max(x0, x1)];
}
