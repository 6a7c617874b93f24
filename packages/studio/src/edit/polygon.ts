/**
 * Polygons filled by the even-odd rule, to the pixel: those whose centre is inside. Edges count with their upper and
 * left end, so polygons that share an edge share no pixel and leave none out.
 */
import type { Point } from './brush.js';

/**
 * Calls back with each run of pixels inside closed rings; holes are rings within rings.
 * @param height rows of the mask; runs may reach beyond its columns
 */
export function scanPolygon(
  rings: readonly (readonly Point[])[],
  height: number,
  run: (y: number, from: number, to: number) => void,
): void {
  const edges: { top: number; bottom: number; x: number; slope: number }[] = [];
  for (const ring of rings) {
    ring.forEach((a, i) => {
      const b = ring[(i + 1) % ring.length]!;
      if (a.y === b.y) return;
      const [up, down] = a.y < b.y ? [a, b] : [b, a];
      edges.push({ top: up.y, bottom: down.y, x: up.x, slope: (down.x - up.x) / (down.y - up.y) });
    });
  }
  edges.sort((a, b) => a.top - b.top);
  const first = Math.max(0, Math.ceil((edges[0]?.top ?? height) - 0.5));
  let next = 0;
  let active: typeof edges = [];
  for (let y = first; y < height; y++) {
    const centre = y + 0.5;
    while (next < edges.length && edges[next]!.top <= centre) active.push(edges[next++]!);
    active = active.filter(({ bottom }) => bottom > centre);
    if (active.length === 0) {
      if (next >= edges.length) return;
      continue;
    }
    const crossings = active.map(({ top, x, slope }) => x + (centre - top) * slope).sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const [from, to] = [Math.ceil(crossings[i]! - 0.5), Math.ceil(crossings[i + 1]! - 0.5)];
      if (from < to) run(y, from, to);
    }
  }
}
