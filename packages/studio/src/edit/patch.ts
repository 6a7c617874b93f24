/**
 * Changes of a mask as runs of pixels that were toggled. A mask has two values, so a patch is its own inverse: undo and
 * redo apply the same runs, and what a stroke costs follows the pixels that it changes, not the image.
 */
import type { Mask } from '@reclmis/core';
import type { Rect } from '../rasters.js';

export interface Patch {
  /** Start and length of each run, as indices into the mask's data, ascending and apart. */
  readonly runs: Int32Array;
  /** Null if nothing changed. */
  readonly rect: Rect | null;
  /** Pixels that the patch adds, minus those that it takes away, when applied for the first time. */
  readonly gain: number;
}

/** What a patch keeps in memory. */
export const patchBytes = ({ runs }: Patch): number => runs.byteLength;

/** The smallest rectangle that holds both; null holds nothing. */
export function unite(a: Rect | null, b: Rect | null): Rect | null {
  if (a === null) return b;
  if (b === null) return a;
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const [right, bottom] = [Math.max(a.x + a.width, b.x + b.width), Math.max(a.y + a.height, b.y + b.height)];
  return { x, y, width: right - x, height: bottom - y };
}

/** Toggles the runs in place; applied twice, nothing has changed. */
export function togglePatch({ data }: Mask, { runs }: Patch): void {
  for (let i = 0; i < runs.length; i += 2) {
    const start = runs[i]!;
    const end = start + runs[i + 1]!;
    for (let p = start; p < end; p++) data[p] = 1 - data[p]!;
  }
}

/** Sets runs of pixels in place and notes which of them changed. */
export class Recorder {
  private readonly mask: Mask;
  private starts: number[] = [];
  private lengths: number[] = [];
  private gain = 0;
  private rect: Rect | null = null;
  private fresh: Rect | null = null;

  constructor(mask: Mask) {
    this.mask = mask;
  }

  /**
   * Gives the pixels of row `y` from column `from` to before `to` a value; what lies outside the mask is left out.
   * @returns whether any pixel changed
   */
  set(y: number, from: number, to: number, value: 0 | 1): boolean {
    const { width, height, data } = this.mask;
    if (y < 0 || y >= height) return false;
    const row = y * width;
    const end = row + Math.min(to, width);
    let p = row + Math.max(from, 0);
    let [first, last] = [-1, -1];
    while (p < end) {
      if (data[p] === value) {
        p++;
        continue;
      }
      const start = p;
      for (; p < end && data[p] !== value; p++) data[p] = value;
      this.starts.push(start);
      this.lengths.push(p - start);
      this.gain += value === 1 ? p - start : start - p;
      if (first < 0) first = start - row;
      last = p - row;
    }
    if (first < 0) return false;
    this.fresh = unite(this.fresh, { x: first, y, width: last - first, height: 1 });
    return true;
  }

  /** What changed since this was last asked, to draw it; null if nothing. */
  dirty(): Rect | null {
    const { fresh } = this;
    this.rect = unite(this.rect, fresh);
    this.fresh = null;
    return fresh;
  }

  /** All changes so far: sorted, neighbours joined, pixels that were toggled twice left out. The recorder is empty again. */
  take(): Patch {
    this.dirty();
    const { starts, lengths, gain, rect } = this;
    [this.starts, this.lengths, this.gain, this.rect] = [[], [], 0, null];
    const order = Uint32Array.from(starts, (_, i) => i).sort((a, b) => starts[a]! - starts[b]!);
    const edges: number[] = []; // at each, toggled and untouched pixels alternate
    for (const i of order) edges.push(starts[i]!, starts[i]! + lengths[i]!);
    if (isAscending(edges)) return { runs: joined(edges), rect, gain };
    edges.sort((a, b) => a - b); // overlaps: pixels between an even number of edges are as before
    const odd = edges.filter((_, i) => edges[i - (i % 2)] !== edges[i - (i % 2) + 1]);
    return { runs: joined(odd), rect, gain };
  }
}

function isAscending(edges: readonly number[]): boolean {
  for (let i = 1; i < edges.length; i++) if (edges[i]! < edges[i - 1]!) return false;
  return true;
}

/** @param edges start and end in turn. @returns start and length, runs that touch joined */
function joined(edges: readonly number[]): Int32Array {
  const runs = new Int32Array(edges.length);
  let count = 0;
  for (let i = 0; i < edges.length; i += 2) {
    const start = edges[i]!;
    const end = edges[i + 1]!;
    const before = count - 2;
    if (count > 0 && runs[before]! + runs[before + 1]! === start) runs[before + 1] = end - runs[before]!;
    else {
      runs[count] = start;
      runs[count + 1] = end - start;
      count += 2;
    }
  }
  return runs.slice(0, count);
}

/** Gives the recorder's mask the pixels of another of its size. */
export function replaceBy(recorder: Recorder, { width, height, data }: Mask): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width;) {
      const value = data[row + x] === 0 ? 0 : 1;
      const start = x;
      while (x < width && (data[row + x] === 0 ? 0 : 1) === value) x++;
      recorder.set(y, start, x, value);
    }
  }
}
