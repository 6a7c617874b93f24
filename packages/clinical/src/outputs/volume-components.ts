/**
 * Parts of a mask in three dimensions: voxels that share a face, edge or corner belong together. Union-find over runs,
 * the stretches of foreground within a row, so time follows the voxels and memory the runs.
 */
import { type Mask, ReclmisError } from '@reclmis/core';

/** Runs of a slice: those of row y are `rows[y]` to `rows[y + 1]` (exclusive). Their numbers begin at `first`. */
interface Runs {
  readonly rows: Int32Array;
  readonly start: readonly number[];
  /** After the last column. */
  readonly end: readonly number[];
  readonly first: number;
}

/** @param slices in order; null counts as empty. @throws MASK_SIZE_MISMATCH unless all have one size */
export function countVolumeComponents(slices: readonly (Mask | null)[]): number {
  const size = slices.find((slice) => slice !== null);
  if (size === undefined) return 0;
  if (slices.some((slice) => slice !== null && (slice.width !== size.width || slice.height !== size.height)))
    throw new ReclmisError('MASK_SIZE_MISMATCH', 'the slices of a volume differ in size');
  const parent: number[] = [];
  const root = (run: number): number => {
    let at = run;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!; // halves the path
      at = parent[at]!;
    }
    return at;
  };
  let parts = 0;
  const join = (a: number, b: number): void => {
    const [one, other] = [root(a), root(b)];
    if (one === other) return;
    parent[Math.max(one, other)] = Math.min(one, other);
    parts--;
  };
  let before: Runs | null = null;
  for (const slice of slices) {
    const runs: Runs | null = slice === null ? null : runsOf(slice, parent.length);
    if (runs !== null) {
      for (let run = runs.first; run < runs.first + runs.start.length; run++) parent.push(run);
      parts += runs.start.length;
      for (let y = 0; y < size.height; y++) {
        if (y > 0) joinRows(runs, y, runs, y - 1, join);
        if (before === null) continue;
        for (let other = Math.max(0, y - 1); other <= Math.min(size.height - 1, y + 1); other++)
          joinRows(runs, y, before, other, join);
      }
    }
    before = runs;
  }
  return parts;
}

function runsOf({ width, height, data }: Mask, first: number): Runs {
  const rows = new Int32Array(height + 1);
  const start: number[] = [];
  const end: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      if (data[row + x] === 0) continue;
      start.push(x);
      while (x < width && data[row + x] !== 0) x++;
      end.push(x);
    }
    rows[y + 1] = start.length;
  }
  return { rows, start, end, first };
}

/** Joins runs of two rows that overlap, or touch by a corner. */
function joinRows(a: Runs, ya: number, b: Runs, yb: number, join: (a: number, b: number) => void): void {
  let i = a.rows[ya]!;
  let j = b.rows[yb]!;
  while (i < a.rows[ya + 1]! && j < b.rows[yb + 1]!) {
    if (a.start[i]! <= b.end[j]! && b.start[j]! <= a.end[i]!) join(a.first + i, b.first + j);
    if (a.end[i]! < b.end[j]!) i++;
    else j++;
  }
}
