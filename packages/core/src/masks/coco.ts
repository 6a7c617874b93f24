/**
 * Masks as COCO writes them: polygons, and run lengths (RLE) as numbers or in COCO's text form. Pixels equal those of
 * pycocotools, whose `rleFrPoly`, `rleFrString` and `rleToString` this follows; run lengths go down the columns and
 * begin with background.
 */
import { ReclmisError } from '../errors.js';
import type { Mask } from '../images/raster.js';

/** `points`: x, y, x, y, ... in pixels from the top left corner. */
export type CocoRegion =
  | { readonly kind: 'polygon'; readonly points: readonly number[] }
  | { readonly kind: 'rle'; readonly counts: readonly number[] | string };

/** Boundaries are drawn this much finer. */
const FINER = 5;
/** Boundary points of one polygon; an outline of a large radiograph has 100,000. */
const MOST_STEPS = 20_000_000;

const invalid = (why: string): ReclmisError => new ReclmisError('ANNOTATION_INVALID', why);

/** @throws ANNOTATION_INVALID unless the run lengths are whole numbers that add up to the image's pixels. */
export function checkRle(
  counts: readonly number[] | string,
  width: number,
  height: number,
): readonly number[] {
  const runs = typeof counts === 'string' ? decodeRuns(counts) : counts;
  let sum = 0;
  for (const run of runs) {
    if (!Number.isSafeInteger(run) || run < 0)
      throw invalid(`expected run lengths from 0, got ${String(run)}`);
    sum += run;
  }
  if (sum !== width * height)
    throw invalid(
      `expected run lengths of ${width * height} pixels together (${width} x ${height}), got ${sum}`,
    );
  return runs;
}

/**
 * Union of regions, width x height pixels.
 * @throws ANNOTATION_INVALID for run lengths of another size, or a polygon that is too long
 */
export function drawRegions(regions: readonly CocoRegion[], width: number, height: number): Mask {
  const data = new Uint8Array(width * height);
  for (const region of regions)
    if (region.kind === 'rle') drawRuns(checkRle(region.counts, width, height), data, width, height);
    else drawPolygon(region.points, data, width, height);
  return { width, height, data };
}

function drawRuns(runs: readonly number[], data: Uint8Array, width: number, height: number): void {
  let at = 0; // down the columns
  for (const [i, run] of runs.entries()) {
    if (i % 2 === 1)
      for (let p = at; p < at + run; p += 1) data[(p % height) * width + Math.floor(p / height)] = 1;
    at += run;
  }
}

/** `rleFrPoly`: walks a boundary five times as fine, and toggles at its crossings of pixel columns. */
function drawPolygon(points: readonly number[], data: Uint8Array, width: number, height: number): void {
  const fine = (value: number): number => Math.trunc(FINER * value + 0.5);
  const corners = points.length / 2;
  const x = (j: number): number => fine(points[2 * (j % corners)] ?? 0);
  const y = (j: number): number => fine(points[2 * (j % corners) + 1] ?? 0);
  let steps = 0;
  for (let j = 0; j < corners; j += 1)
    steps += Math.max(Math.abs(x(j) - x(j + 1)), Math.abs(y(j) - y(j + 1))) + 1;
  if (!(steps <= MOST_STEPS))
    throw invalid(`expected a polygon near its image, got an outline of ${steps} steps`);
  const toggles = new Uint8Array(width * height + 1);
  let [lastU, lastV] = [NaN, NaN];
  const step = (u: number, v: number): void => {
    const [before, beforeV] = [lastU, lastV];
    [lastU, lastV] = [u, v];
    if (Number.isNaN(before) || u === before) return;
    const column = ((u < before ? u : u - 1) + 0.5) / FINER - 0.5;
    if (Math.floor(column) !== column || column < 0 || column > width - 1) return;
    const row = (Math.min(v, beforeV) + 0.5) / FINER - 0.5;
    const at = column * height + Math.ceil(Math.min(Math.max(row, 0), height));
    toggles[at] = (toggles[at] as number) ^ 1;
  };
  for (let j = 0; j < corners; j += 1) walk([x(j), y(j)], [x(j + 1), y(j + 1)], step);
  let inside = 0;
  for (let p = 0; p < width * height; p += 1) {
    inside ^= toggles[p] as number;
    if (inside === 1) data[(p % height) * width + Math.floor(p / height)] = 1;
  }
}

type Point = readonly [x: number, y: number];

/** Points of a line, in steps of 1 of its longer side. */
function walk([fromX, fromY]: Point, [toX, toY]: Point, step: (u: number, v: number) => void): void {
  const [dx, dy] = [Math.abs(toX - fromX), Math.abs(toY - fromY)];
  const wide = dx >= dy;
  const flip = wide ? fromX > toX : fromY > toY;
  const [xs, ys, xe, ye] = flip ? [toX, toY, fromX, fromY] : [fromX, fromY, toX, toY];
  const slope = wide ? (ye - ys) / Math.max(1, dx) : (xe - xs) / dy;
  const length = wide ? dx : dy;
  for (let d = 0; d <= length; d += 1) {
    const t = flip ? length - d : d;
    if (wide) step(t + xs, Math.trunc(ys + slope * t + 0.5));
    else step(Math.trunc(xs + slope * t + 0.5), t + ys);
  }
}

/** Run lengths of a mask. */
export function maskRuns({ width, height, data }: Mask): number[] {
  const runs: number[] = [];
  let [value, run] = [0, 0];
  for (let x = 0; x < width; x += 1)
    for (let y = 0; y < height; y += 1) {
      const pixel = data[y * width + x] as number;
      if (pixel !== value) {
        runs.push(run);
        [value, run] = [pixel, 0];
      }
      run += 1;
    }
  return [...runs, run];
}

/** COCO's text form of run lengths: five bits a character, from the third on as differences. */
export function encodeRuns(runs: readonly number[]): string {
  let text = '';
  for (const [i, run] of runs.entries()) {
    let x = i > 2 ? run - (runs[i - 2] ?? 0) : run;
    for (let more = true; more;) {
      const bits = x & 0x1f;
      x >>= 5;
      more = (bits & 0x10) === 0 ? x !== 0 : x !== -1;
      text += String.fromCharCode(48 + bits + (more ? 0x20 : 0));
    }
  }
  return text;
}

/** @throws ANNOTATION_INVALID if it is no such text */
export function decodeRuns(text: string): number[] {
  const runs: number[] = [];
  for (let p = 0; p < text.length;) {
    let [x, k, more] = [0, 0, true];
    while (more) {
      const bits = text.charCodeAt(p) - 48;
      if (!(bits >= 0 && bits < 64) || k > 5) throw invalid('expected run lengths in COCO’s text form');
      x |= (bits & 0x1f) << (5 * k);
      more = (bits & 0x20) !== 0;
      p += 1;
      k += 1;
      if (!more && (bits & 0x10) !== 0) x |= -1 << (5 * k);
    }
    runs.push(runs.length > 2 ? x + (runs.at(-2) ?? 0) : x);
  }
  return runs;
}
