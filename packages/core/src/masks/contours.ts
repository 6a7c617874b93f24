/**
 * The outline of a mask as polygons along pixel edges, so their area is exactly the number of pixels.
 *
 * x to the right, y downwards; the pixel in column i and row j spans i to i + 1 and j to j + 1. Rings are
 * closed (first point repeated) and contain only corners. As in RFC 7946, the signed area (shoelace formula)
 * of outer rings is positive, of holes negative; outer rings run clockwise on the screen.
 *
 * Polygons are valid Simple Features (OGC): no ring passes a point twice, and parts joined only by corners
 * are separate polygons.
 */
import { labelAt, labelRuns, measureComponents } from './components.js';
import type { Mask } from '../images/raster.js';

export type Ring = readonly (readonly [x: number, y: number])[];
export type Polygon = readonly [outer: Ring, ...holes: Ring[]];

export interface Contour {
  /** Index into `components`. */
  readonly component: number;
  /** Pixels, which is the polygons' area. */
  readonly area: number;
  /** In reading order; several if parts touch only by corners. */
  readonly polygons: readonly Polygon[];
}

/** Right, down, left, up; the mask is on the right. */
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;
/** From a step's end: the pixel ahead on the mask's side, and its neighbour. */
const AHEAD = [
  [0, 0, 0, -1],
  [-1, 0, 0, 0],
  [-1, -1, -1, 0],
  [0, -1, -1, -1],
] as const;

/** Outlines of a mask's components, in the order of `components`. @throws MASK_SIZE_MISMATCH */
export function contours(mask: Mask): Contour[] {
  const whole = labelRuns(mask, 8);
  const parts = labelRuns(mask, 4);
  const outer = new Array<Ring | undefined>(parts.count);
  const holes: Ring[][] = Array.from({ length: parts.count }, () => []);
  for (const ring of rings(mask)) {
    const [x, y] = inside(ring);
    const part = labelAt(parts, x, y);
    if (signedArea(ring) > 0) outer[part] = ring;
    else holes[part]!.push(ring);
  }
  const { found, order } = measureComponents(whole);
  const polygons: Polygon[][] = found.map(() => []);
  for (const [part, ring] of outer.entries()) {
    const [x, y] = inside(ring!); // every part has one outer ring
    polygons[labelAt(whole, x, y)]!.push([ring!, ...holes[part]!]);
  }
  return Array.from(order, (label, component) => ({
    component,
    area: found[label]!.area,
    polygons: polygons[label]!,
  }));
}

/**
 * Outlines as GeoJSON (RFC 7946, but in pixels): a feature per component, with `component` (from 1) and
 * `area` (pixels). Yielded by feature, as a ragged mask's text is long.
 */
export function* contoursGeoJson(mask: Mask): Generator<string> {
  yield '{"type":"FeatureCollection","features":[';
  for (const { component, area, polygons } of contours(mask)) {
    const [first, ...others] = polygons;
    const geometry =
      others.length === 0
        ? { type: 'Polygon', coordinates: first }
        : { type: 'MultiPolygon', coordinates: polygons };
    const feature = { type: 'Feature', properties: { component: component + 1, area }, geometry };
    yield `${component === 0 ? '' : ','}\n${JSON.stringify(feature)}`;
  }
  yield '\n]}\n';
}

/** Area by the shoelace formula: positive for outer rings, negative for holes. */
export function signedArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x, y] = ring[i]!;
    const [X, Y] = ring[i + 1]!;
    sum += x * Y - X * y;
  }
  return sum / 2;
}

function inside(ring: Ring): [x: number, y: number] {
  const [x, y] = ring[0]!;
  const [X, Y] = ring[1]!;
  if (Y === y) return X > x ? [x, y] : [x - 1, y - 1];
  return Y > y ? [x - 1, y] : [x, y - 1];
}

function* rings({ width, height, data }: Mask): Generator<Ring> {
  const at = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] !== 0;
  const seen = new Uint8Array(data.length); // upper edges visited; every ring has one
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (seen[y * width + x] === 0 && at(x, y) && !at(x, y - 1)) yield* follow(x, y, width, at, seen);
    }
  }
}

/**
 * Walks around once from a pixel's upper left corner. At a corner where two pixels touch, it stays with its
 * own; on returning there, it cuts off what lies between as a ring.
 */
function* follow(
  x: number,
  y: number,
  width: number,
  at: (x: number, y: number) => boolean,
  seen: Uint8Array,
): Generator<Ring> {
  const path: [number, number][] = [[x, y]];
  const crossings = new Map<number, number>(); // touching corner -> its index in the path
  const key = (cx: number, cy: number): number => cy * (width + 1) + cx;
  if (at(x - 1, y - 1) && !at(x - 1, y)) crossings.set(key(x, y), 0);
  let cx = x;
  let cy = y;
  let way = 0;
  do {
    if (way === 0) seen[cy * width + cx] = 1;
    cx += STEP_X[way]!;
    cy += STEP_Y[way]!;
    const [ax, ay, bx, by] = AHEAD[way]!;
    const ahead = at(cx + ax, cy + ay);
    const beside = at(cx + bx, cy + by);
    if (ahead && !beside) continue; // straight on
    way = (way + (ahead ? 3 : 1)) % 4;
    if (cx === x && cy === y && way === 0) break; // around
    const crossing = !ahead && beside;
    const before = crossing ? crossings.get(key(cx, cy)) : undefined;
    if (before === undefined) {
      if (crossing) crossings.set(key(cx, cy), path.length);
      path.push([cx, cy]);
    } else {
      const cut = path.splice(before + 1);
      for (const [px, py] of cut) crossings.delete(key(px, py));
      yield close([[cx, cy], ...cut]);
    }
  } while (true);
  yield close(path);
}

function close(path: readonly [number, number][]): Ring {
  return [...path, path[0]!];
}
