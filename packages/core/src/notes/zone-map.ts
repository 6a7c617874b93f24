/**
 * The six zones of a chest radiograph, as sets (what a note names) and pixel maps (where that is). Not in the
 * paper.
 *
 * With a lung mask, zones are thirds of each lung's height, and the gap separates the sides. Otherwise the
 * image is divided into halves, and at a third and a half of its height, since lungs fill a radiograph's
 * upper part (docs/reference/probes.md says how well that fits).
 */
import { components, labelRuns, measureComponents } from '../masks/components.js';
import { ReclmisError } from '../errors.js';
import type { ParsedNote, Side, Zone } from './note.js';
import { checkMask, type Mask } from '../images/raster.js';

/** One bit per zone; see `zoneBit`. */
export type ZoneSet = number;
/** The patient's (left is on the image's right), or the image's own. */
export type Sides = 'patient' | 'image';
/** Upper borders of the middle and the lower zone. */
export type ZoneLines = readonly [middle: number, lower: number];

export const SIDES = ['left', 'right'] as const satisfies readonly Side[];
export const THIRDS = ['upper', 'middle', 'lower'] as const satisfies readonly Zone[];
/** Shares of an upright radiograph's height. */
export const CHEST_LINES: ZoneLines = [1 / 3, 1 / 2];

const LUNG_SHARE = 0.05;

/** Where the zones are, in pixels from the upper left edge; left and right are the image's. */
export interface ZoneFrame {
  readonly width: number;
  readonly height: number;
  /** Column between the sides. */
  readonly midline: number;
  readonly imageLeft: ZoneLines;
  readonly imageRight: ZoneLines;
  /** Pixels that belong to zones; null: all. */
  readonly lungs: Mask | null;
}

export function zoneBit(side: Side, third: (typeof THIRDS)[number]): ZoneSet {
  return 1 << (3 * SIDES.indexOf(side) + THIRDS.indexOf(third));
}

/** Names such as `upper left`. */
export function zoneNames(zones: ZoneSet): string[] {
  return SIDES.flatMap((side) =>
    THIRDS.filter((third) => (zones & zoneBit(side, third)) !== 0).map((third) => `${third} ${side}`),
  );
}

export function countZones(zones: ZoneSet): number {
  return zoneNames(zones).length;
}

/**
 * The zones that a note names; null if it names no part of the lungs (MoNuSeg's name parts of an image).
 * "Left lung" means three zones; a place without a side is on both.
 */
export function namedZones({ places }: ParsedNote): ZoneSet | null {
  let named = 0;
  for (const { side, zones } of places) {
    for (const one of side === null ? SIDES : [side]) {
      for (const third of THIRDS) {
        if (zones.length === 0 || zones.includes('all') || zones.includes(third))
          named |= zoneBit(one, third);
      }
    }
  }
  return named === 0 ? null : named;
}

/** Frame from the image's halves and two lines, as shares of the height. */
export function imageFrame(width: number, height: number, lines: ZoneLines = CHEST_LINES): ZoneFrame {
  const rows: ZoneLines = [lines[0] * height, lines[1] * height];
  return { width, height, midline: width / 2, imageLeft: rows, imageRight: rows, lungs: null };
}

/**
 * Frame from a lung mask, ignoring specks. The gap is the column with the fewest lung pixels in the middle
 * third of the lungs' width, or the image's middle if all lung is on one side of it; a missing lung takes the
 * other's lines.
 * @throws MASK_SIZE_MISMATCH, MASK_MISSING for an empty mask
 */
export function lungFrame(mask: Mask): ZoneFrame {
  const lungs = withoutSpecks(mask);
  const { width, height, data } = lungs;
  const columns = new Int32Array(width);
  for (let p = 0; p < data.length; p++) columns[p % width]! += data[p]!;
  const first = columns.findIndex((count) => count > 0);
  const last = columns.findLastIndex((count) => count > 0) + 1;
  const oneSided = last <= width / 2 || first >= width / 2;
  const midline = oneSided ? width / 2 : gap(columns, first, last);
  const left = heights(lungs, (x) => x + 0.5 <= midline);
  const right = heights(lungs, (x) => x + 0.5 >= midline);
  const lines = ([top, bottom]: readonly [number, number]): ZoneLines => [
    top + (bottom - top) / 3,
    top + (2 * (bottom - top)) / 3,
  ];
  const either = (left ?? right) as readonly [number, number];
  return {
    width,
    height,
    midline,
    imageLeft: lines(left ?? either),
    imageRight: lines(right ?? either),
    lungs,
  };
}

/**
 * Each pixel's zones, by its centre, row by row: one bit; two on the middle column of an odd width; none
 * outside the frame's lungs.
 */
export function zoneMap(frame: ZoneFrame, sides: Sides): Uint8Array {
  const { width, height, midline, imageLeft, imageRight, lungs } = frame;
  const [left, right]: readonly Side[] = sides === 'image' ? ['left', 'right'] : ['right', 'left'];
  const zones = new Uint8Array(width * height);
  const line = Math.min(width, Math.max(0, midline));
  const leftEnd = Math.floor(line + 0.5); // centres up to the line
  const rightStart = Math.ceil(line - 0.5);
  for (let y = 0; y < height; y++) {
    const onLeft = zoneBit(left!, thirdAt(imageLeft, y));
    const onRight = zoneBit(right!, thirdAt(imageRight, y));
    const row = y * width;
    zones.fill(onLeft, row, row + leftEnd).fill(onRight, row + rightStart, row + width);
    if (rightStart < leftEnd) zones.fill(onLeft | onRight, row + rightStart, row + leftEnd); // a middle column
  }
  if (lungs !== null) for (let p = 0; p < zones.length; p++) if (lungs.data[p] === 0) zones[p] = 0;
  return zones;
}

export function mirrorZones(zones: ZoneSet): ZoneSet {
  return ((zones & 0b111) << 3) | (zones >> 3);
}

function thirdAt([middle, lower]: ZoneLines, y: number): (typeof THIRDS)[number] {
  return y + 0.5 < middle ? 'upper' : y + 0.5 < lower ? 'middle' : 'lower';
}

function withoutSpecks(mask: Mask): Mask {
  checkMask(mask, 'lungFrame');
  const [largest] = components(mask);
  if (largest === undefined) {
    throw new ReclmisError('MASK_MISSING', 'the lung mask is empty', {
      remedy:
        'Use a mask in which the lungs are foreground, or omit it to divide the image itself into zones.',
    });
  }
  const runs = labelRuns(mask, 8);
  const { found } = measureComponents(runs);
  const data = new Uint8Array(mask.data.length);
  for (let y = 0; y < mask.height; y++) {
    for (let run = runs.rows[y]!; run < runs.rows[y + 1]!; run++) {
      if (found[runs.label[run]!]!.area < LUNG_SHARE * largest.area) continue;
      data.fill(1, y * mask.width + runs.start[run]!, y * mask.width + runs.end[run]!);
    }
  }
  return { ...mask, data };
}

function gap(columns: Int32Array, first: number, last: number): number {
  const centre = (first + last) / 2;
  let best = Math.floor(centre);
  for (let x = Math.floor(first + (last - first) / 3); x < first + (2 * (last - first)) / 3; x++) {
    const less = columns[x]! - columns[best]!;
    if (less < 0 || (less === 0 && Math.abs(x + 0.5 - centre) < Math.abs(best + 0.5 - centre))) best = x;
  }
  return best + 0.5;
}

function heights(
  { width, data }: Mask,
  belongs: (x: number) => boolean,
): readonly [top: number, bottom: number] | null {
  let top = -1;
  let bottom = -1;
  for (let p = 0; p < data.length; p++) {
    if (data[p] === 0 || !belongs(p % width)) continue;
    if (top === -1) top = Math.floor(p / width);
    bottom = Math.floor(p / width) + 1;
  }
  return top === -1 ? null : [top, bottom];
}
