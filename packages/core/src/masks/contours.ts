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

/**
 * All rings of a mask, outer ones and holes, in the order of their first upper edges; `contours` groups them. Costs the
 * pixels once and the edges once.
 */
export function rings({ width, height, data }: Mask): Ring[] {
  const stride = Math.ceil((width + 2) / 4) * 4;
  const cells = new Uint8Array(stride * (height + 2)); // with a border, so neighbours need no check
  for (let y = 0; y < height; y++) cells.set(data.subarray(y * width, (y + 1) * width), (y + 1) * stride + 1);
  const seen = new Uint8Array(cells.length); // upper edges visited; every ring has one
  const found: Ring[] = [];
  const walk: Walk = {
    stride,
    cells,
    seen,
    steps: STEP_X.map((x, way) => STEP_Y[way]! * stride + x),
    aheads: AHEAD.map(([x, y]) => y * stride + x),
    besides: AHEAD.map(([, , x, y]) => y * stride + x),
  };
  const four = new Uint32Array(cells.buffer); // where four cells equal those above, none has an upper edge
  for (let word = stride / 4; word < four.length; word++) {
    if (four[word] === four[word - stride / 4]) continue;
    for (let p = 4 * word; p < 4 * word + 4; p++)
      if (cells[p] !== 0 && cells[p - stride] === 0 && seen[p] === 0) follow(p, walk, found);
  }
  return found;
}

/** Cells of a mask with a border; a corner is named by the cell to its lower right, and a step is a distance of cells. */
interface Walk {
  readonly stride: number;
  readonly cells: Uint8Array;
  readonly seen: Uint8Array;
  readonly steps: readonly number[];
  readonly aheads: readonly number[];
  readonly besides: readonly number[];
}

/**
 * Walks around once from the upper left corner of cell `first`. At a corner where two pixels touch, it stays with its
 * own; on returning there, it cuts off what lies between as a ring.
 */
function follow(first: number, { stride, cells, seen, steps, aheads, besides }: Walk, found: Ring[]): void {
  const point = (at: number): [number, number] => [(at % stride) - 1, Math.floor(at / stride) - 1];
  const path: number[] = [first];
  const crossings = new Map<number, number>(); // touching corner -> its index in the path
  if (cells[first - stride - 1] !== 0 && cells[first - 1] === 0) crossings.set(first, 0);
  let at = first;
  let way = 0;
  for (;;) {
    if (way === 0) seen[at] = 1;
    at += steps[way]!;
    const ahead = cells[at + aheads[way]!] !== 0;
    const beside = cells[at + besides[way]!] !== 0;
    if (ahead && !beside) continue; // straight on
    way = (way + (ahead ? 3 : 1)) % 4;
    if (at === first && way === 0) break; // around
    const crossing = !ahead && beside;
    const before = crossing ? crossings.get(at) : undefined;
    if (before === undefined) {
      if (crossing) crossings.set(at, path.length);
      path.push(at);
    } else {
      const cut = path.splice(before + 1);
      for (const corner of cut) crossings.delete(corner);
      found.push(close([at, ...cut].map(point)));
    }
  }
  found.push(close(path.map(point)));
}

function close(path: readonly [number, number][]): Ring {
  return [...path, path[0]!];
}
