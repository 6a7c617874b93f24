/**
 * The figures of a mask, as `statistics.json` and the journal hold them.
 *
 * Lengths and places are in pixels of the image itself, x to the right and y downwards from the upper left corner of the image, the first
 * pixel spanning 0 to 1. Numbers are rounded to six decimals.
 */
import type { Sides, Spacing, Warning, ZoneShare } from '@reclmis/core';
import type { NoteSides } from './sides.js';

/** A component: its pixels hang together by edges or corners. */
export interface ComponentStatistics {
  readonly area: number;
  readonly areaMm2: number | null;
  /** x, y. */
  readonly centroid: readonly [number, number];
  /** Left, top, width, height. */
  readonly box: readonly [number, number, number, number];
}

/** The figures of a mask. */
export interface CaseStatistics {
  readonly id: string;
  /** The image's path below the folder or pattern that was given. */
  readonly image: string;
  readonly width: number;
  readonly height: number;
  /** Width and height of a pixel in mm; null where unknown. */
  readonly spacing: Spacing | null;
  /** Pixels of the mask. */
  readonly area: number;
  readonly areaMm2: number | null;
  /** Share of the image's pixels, 0 to 1. */
  readonly share: number;
  /** Number of components, including those not listed. */
  readonly componentCount: number;
  /** The largest 100, largest first. */
  readonly components: readonly ComponentStatistics[];
  /** How its note was read. */
  readonly note: NoteSides;
  /** Whose left and right the zones mean: the note's, or the patient's where that is not known. */
  readonly zoneSides: Sides;
  /** The six zones of a chest radiograph, by halves and thirds of the image. */
  readonly zones: readonly ZoneShare[];
  /** Why the mask may be wrong although nothing failed; absent in journals of older versions. */
  readonly warnings?: readonly Warning[];
}
