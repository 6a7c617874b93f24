/** Isotonic regression: the non-decreasing steps nearest to the points (Ayer et al. 1955). */

/** Corners of a non-decreasing curve: x ascending. */
export type Knots = readonly (readonly [x: number, y: number])[];

/**
 * Pools adjacent violators. Each block of points becomes a corner at its mean; points with one x are one.
 * @param x n values, any order. @param y n targets
 */
export function fitIsotonic(x: readonly number[], y: readonly number[]): Knots {
  const blocks: { x: number; y: number; count: number }[] = [];
  const order = x.map((_, i) => i).sort((a, b) => x[a]! - x[b]!);
  const join = (): void => {
    const [last, before] = [blocks.pop()!, blocks.pop()!];
    const count = before.count + last.count;
    const mean = (key: 'x' | 'y'): number => (before.count * before[key] + last.count * last[key]) / count;
    blocks.push({ x: mean('x'), y: mean('y'), count });
  };
  let before = Number.NaN;
  for (const i of order) {
    blocks.push({ x: x[i]!, y: y[i]!, count: 1 });
    if (x[i] === before) join();
    before = x[i]!;
  }
  const points = blocks.splice(0);
  for (const point of points) {
    blocks.push(point);
    while (blocks.length > 1 && blocks.at(-2)!.y >= blocks.at(-1)!.y) join();
  }
  return blocks.map((block) => [block.x, block.y] as const);
}

/** The curve at x, straight between corners and level beyond them. @param knots at least one */
export function isotonicValue(knots: Knots, x: number): number {
  const above = knots.findIndex(([corner]) => corner >= x);
  if (above <= 0) return (above === 0 ? knots[0] : knots.at(-1))![1];
  const [[x0, y0], [x1, y1]] = [knots[above - 1]!, knots[above]!];
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
