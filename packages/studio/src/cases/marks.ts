/** Masks of cases, small enough to keep for a whole list: how much of each pixel of a thumbnail the mask covers. */
import type { Mask } from '@reclmis/core';
import { THUMBNAIL } from './thumbnails.js';

/** THUMBNAIL x THUMBNAIL, 0 to 255. */
export type Mark = Uint8Array<ArrayBuffer>;

/** Cases whose masks are kept: 6 MB. */
const MOST = 1000;
/** Points a side at which a pixel of the thumbnail looks at the mask. */
const POINTS = 3;

/** Where a thumbnail lies on its image: the middle square of it. */
export function thumbnailPlace(
  width: number,
  height: number,
): { readonly scale: number; readonly left: number; readonly top: number } {
  const scale = THUMBNAIL / Math.min(width, height);
  const cut = (side: number): number =>
    Math.max(0, Math.round((Math.max(1, Math.round(side * scale)) - THUMBNAIL) / 2));
  return { scale, left: cut(width), top: cut(height) };
}

export function markOf({ width, height, data }: Mask): Mark {
  const { scale, left, top } = thumbnailPlace(width, height);
  const mark = new Uint8Array(THUMBNAIL * THUMBNAIL);
  const at = (pixel: number, point: number, cut: number, side: number): number =>
    Math.min(side - 1, Math.floor((pixel + cut + (point + 0.5) / POINTS) / scale));
  for (let y = 0; y < THUMBNAIL; y++)
    for (let x = 0; x < THUMBNAIL; x++) {
      let covered = 0;
      for (let j = 0; j < POINTS; j++)
        for (let i = 0; i < POINTS; i++)
          covered += data[at(y, j, top, height) * width + at(x, i, left, width)]!;
      mark[y * THUMBNAIL + x] = Math.round((255 * covered) / POINTS ** 2);
    }
  return mark;
}

/** Those that were not asked for longest go first. */
export class Marks {
  private readonly kept = new Map<string, Mark>();

  get(id: string): Mark | null {
    return this.kept.get(id) ?? null;
  }

  set(id: string, mark: Mark): void {
    this.kept.delete(id);
    this.kept.set(id, mark);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MOST && oldest !== undefined) this.kept.delete(oldest);
  }

  clear(): void {
    this.kept.clear();
  }
}
