/**
 * Diameters of an outline, as radiologists draw them: the longest line across, and the longest one at right angles to
 * it. Both are those of the convex hull of the pixels (with their corners), so they span bays. Source: RECIST 1.1 and
 * WHO's bidimensional measure; hull by Andrew's monotone chain.
 */

export type Point = readonly [x: number, y: number];

export interface Diameters {
  readonly longest: number;
  readonly perpendicular: number;
}

/** @param points corners of pixels, in millimetres; at least one pixel's */
export function diametersOf(points: readonly Point[]): Diameters {
  const hull = convexHull(points);
  let longest = 0;
  let [dx, dy] = [1, 0];
  for (let i = 0; i < hull.length; i++)
    for (let j = i + 1; j < hull.length; j++) {
      const [x, y] = [hull[j]![0] - hull[i]![0], hull[j]![1] - hull[i]![1]];
      const length = Math.hypot(x, y);
      if (length > longest) [longest, dx, dy] = [length, x / length, y / length];
    }
  return { longest, perpendicular: longestChord(hull, dx, dy) };
}

/**
 * The longest line in the hull at right angles to a direction. Along the direction, the length of such lines is concave
 * and bends at corners alone, so the longest passes through one.
 */
function longestChord(hull: readonly Point[], dx: number, dy: number): number {
  const turned = hull.map(([x, y]): Point => [x * dx + y * dy, y * dx - x * dy]); // along, across
  let longest = 0;
  for (const [at] of turned) {
    let [low, high] = [Infinity, -Infinity];
    turned.forEach(([a0, c0], i) => {
      const [a1, c1] = turned[(i + 1) % turned.length]!;
      if (Math.min(a0, a1) > at || Math.max(a0, a1) < at) return;
      const across = a0 === a1 ? [c0, c1] : [c0 + ((c1 - c0) * (at - a0)) / (a1 - a0)];
      low = Math.min(low, ...across);
      high = Math.max(high, ...across);
    });
    longest = Math.max(longest, high - low);
  }
  return longest;
}

/** Corners in order around, without those on a straight line. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (around: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of around) {
      while (chain.length >= 2 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop(); // the first of the other half
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

const turn = (a: Point, b: Point, c: Point): number =>
  (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
