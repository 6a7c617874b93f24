/**
 * Two attributes of what a note describes, as classes: how many areas, and how large. TGANet learns to tell
 * them from the image (docs/models.md). Not in LViT's paper, but its notes state extent: the more zones, the
 * larger the infected share of the image.
 */
import { labelRuns, measureComponents } from '../masks/components.js';
import type { Mask } from '../images/raster.js';
import { meaningOf } from './note-meaning.js';
import { countZones, namedZones } from './zone-map.js';

/** By class, for lists of labels. */
export const COUNT_CLASSES = ['one', 'multiple'] as const;
export const SIZE_CLASSES = ['small', 'medium', 'large'] as const;

export interface Attributes {
  /** Index into `COUNT_CLASSES`; null if unknown. */
  readonly count: number | null;
  /** Index into `SIZE_CLASSES`; null if unknown. */
  readonly size: number | null;
}

/** Zones up to which an infection is small and medium. */
const SMALL_ZONES = 2;
const MEDIUM_ZONES = 4;
/** Shares of the image in a component's bounding box below which it is small and medium. */
const SMALL_SHARE = 0.1;
const MEDIUM_SHARE = 0.3;

/**
 * Attributes by a note's number of areas and of zones named. A note about nuclei (MoNuSeg) states neither:
 * they are many, and `mask` tells how large.
 * @param mask read only for such notes. @throws MASK_SIZE_MISMATCH
 */
export function attributesOf(text: string, mask?: () => Mask): Attributes {
  const note = meaningOf(text);
  if (note.nuclei.length > 0) return { count: 1, size: mask ? sizeByBox(mask()) : null };
  const zones = namedZones(note);
  return {
    count: note.count === null || note.count === 0 ? null : Number(note.count > 1),
    size: zones === null ? null : classOf(countZones(zones), SMALL_ZONES, MEDIUM_ZONES),
  };
}

/** By the bounding box of the last component in reading order; null if empty. @throws MASK_SIZE_MISMATCH */
function sizeByBox(mask: Mask): number | null {
  const last = measureComponents(labelRuns(mask, 8)).found.at(-1);
  if (!last) return null;
  const [, , width, height] = last.box;
  const share = (width * height) / (mask.width * mask.height);
  return share < SMALL_SHARE ? 0 : share < MEDIUM_SHARE ? 1 : 2;
}

function classOf(value: number, small: number, medium: number): number {
  return value <= small ? 0 : value <= medium ? 1 : 2;
}
