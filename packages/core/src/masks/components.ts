/**
 * Connected components of a mask (8-connectivity), by union-find over runs (stretches of foreground within a
 * row).
 *
 * The pixel in column i and row j has its centre at (i + 0.5, j + 0.5).
 */
import { checkMask, type Mask } from '../images/raster.js';

export interface Component {
  /** Pixels. */
  readonly area: number;
  /** Mean of the pixels' centres. */
  readonly centroid: readonly [x: number, y: number];
  /** Bounding box in pixels. */
  readonly box: readonly [x: number, y: number, width: number, height: number];
}

/** Runs in reading order, with their components. */
export interface LabelledRuns {
  /** Runs of row y are `rows[y]` to `rows[y + 1]` (exclusive); height + 1 values. */
  readonly rows: Int32Array;
  readonly start: Int32Array;
  /** After the last column. */
  readonly end: Int32Array;
  /** 0 to `count` - 1, by first pixel in reading order. */
  readonly label: Int32Array;
  readonly count: number;
}

/** Components of a mask, largest first, equal ones in reading order. @throws MASK_SIZE_MISMATCH */
export function components(mask: Mask): Component[] {
  const { found, order } = measureComponents(labelRuns(mask, 8));
  return Array.from(order, (label) => found[label]!);
}

/** Components by label, and the labels in the order of `components`. */
export function measureComponents(runs: LabelledRuns): { found: Component[]; order: Int32Array } {
  const { rows, start, end, label, count } = runs;
  const area = new Float64Array(count);
  const sumX = new Float64Array(count);
  const sumY = new Float64Array(count);
  const left = new Int32Array(count).fill(2 ** 31 - 1);
  const right = new Int32Array(count);
  const top = new Int32Array(count).fill(-1);
  const bottom = new Int32Array(count);
  for (let y = 0; y + 1 < rows.length; y++) {
    for (let run = rows[y]!; run < rows[y + 1]!; run++) {
      const k = label[run]!;
      const from = start[run]!;
      const to = end[run]!;
      area[k] = area[k]! + to - from;
      sumX[k] = sumX[k]! + ((to - from) * (from + to)) / 2; // sum of the pixels' centres
      sumY[k] = sumY[k]! + (to - from) * (y + 0.5);
      left[k] = Math.min(left[k]!, from);
      right[k] = Math.max(right[k]!, to);
      if (top[k] === -1) top[k] = y;
      bottom[k] = y + 1;
    }
  }
  const found = Array.from(area, (pixels, k): Component => ({
    area: pixels,
    centroid: [sumX[k]! / pixels, sumY[k]! / pixels],
    box: [left[k]!, top[k]!, right[k]! - left[k]!, bottom[k]! - top[k]!],
  }));
  const order = Int32Array.from({ length: count }, (_, k) => k).sort((a, b) => area[b]! - area[a]! || a - b);
  return { found, order };
}

/** Joins runs that share an edge (4) or an edge or corner (8). @throws MASK_SIZE_MISMATCH */
export function labelRuns(mask: Mask, neighbours: 4 | 8): LabelledRuns {
  checkMask(mask, 'components');
  const { rows, start, end } = findRuns(mask);
  const parent = Int32Array.from({ length: start.length }, (_, run) => run);
  const root = (run: number): number => {
    let at = run;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!; // halves the path
      at = parent[at]!;
    }
    return at;
  };
  const reach = neighbours === 8 ? 1 : 0; // a corner is one column further
  for (let y = 1; y < mask.height; y++) {
    let above = rows[y - 1]!;
    let run = rows[y]!;
    while (above < rows[y]! && run < rows[y + 1]!) {
      if (start[above]! < end[run]! + reach && start[run]! < end[above]! + reach) {
        const a = root(above);
        const b = root(run);
        parent[Math.max(a, b)] = Math.min(a, b);
      }
      if (end[above]! < end[run]!) above++;
      else run++;
    }
  }
  const label = new Int32Array(start.length);
  let count = 0;
  for (let run = 0; run < label.length; run++) {
    const first = root(run);
    label[run] = first === run ? count++ : label[first]!;
  }
  return { rows, start, end, label, count };
}

export function labelAt({ rows, end, label }: LabelledRuns, x: number, y: number): number {
  let low = rows[y]!;
  let high = rows[y + 1]!;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (end[middle]! > x) high = middle;
    else low = middle + 1;
  }
  return label[low]!;
}

function findRuns({ width, height, data }: Mask): Record<'rows' | 'start' | 'end', Int32Array> {
  const words = wordsOf(data);
  const rows = new Int32Array(height + 1);
  const start: number[] = [];
  const end: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let p = row; p < row + width;) {
      p = skipEqual(data, words, p, row + width, 0);
      if (p === row + width) break;
      start.push(p - row);
      while (p < row + width && data[p] !== 0) p = skipEqual(data, words, p, row + width, data[p]!);
      end.push(p - row);
    }
    rows[y + 1] = start.length;
  }
  return { rows, start: Int32Array.from(start), end: Int32Array.from(end) };
}

/** The same bytes, four at a time: masks are long stretches of one value. Null where memory does not allow it. */
function wordsOf(data: Uint8Array): Uint32Array | null {
  return data.byteOffset % 4 === 0 ? new Uint32Array(data.buffer, data.byteOffset, data.length >> 2) : null;
}

/** The first place from `from` to `end` with another value, or `end`. */
function skipEqual(
  data: Uint8Array,
  words: Uint32Array | null,
  from: number,
  end: number,
  value: number,
): number {
  let p = from;
  while (p < end && (p & 3) !== 0 && data[p] === value) p++;
  if (words && (p & 3) === 0) {
    const four = (value * 0x01010101) >>> 0;
    while (p + 4 <= end && words[p >> 2] === four) p += 4;
  }
  while (p < end && data[p] === value) p++;
  return p;
}
