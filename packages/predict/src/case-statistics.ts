/**
 * The figures of a mask, in `statistics.json` and the journal.
 *
 * Lengths and places are in pixels of the image: x to the right, y downwards from the upper left corner, the
 * first pixel from 0 to 1; of DICOM and NIfTI, pixels as stored. Numbers are rounded to six decimals.
 */
import type { Confidence, Sides, Spacing, Warning, ZoneShare } from '@reclmis/core';
import type { NoteReading } from './model-notes.js';

/** Pixels connected by edges or corners. */
export interface ComponentStatistics {
  readonly area: number;
  readonly areaMm2: number | null;
  /** x, y. */
  readonly centroid: readonly [number, number];
  /** Left, top, width, height. */
  readonly box: readonly [number, number, number, number];
}

/** A class's part of an image. */
export interface ClassStatistics extends Pick<
  CaseStatistics,
  'area' | 'areaMm2' | 'share' | 'componentCount' | 'components' | 'note'
> {
  readonly name: string;
  /** Its value in the labelled mask. */
  readonly label: number;
  /** Pixels above its threshold, also those that another class won. */
  readonly claimed: number;
}

export interface CaseStatistics {
  readonly id: string;
  /** Path relative to the given folder or pattern. */
  readonly image: string;
  readonly width: number;
  readonly height: number;
  /** Width and height of a pixel in mm, or null. */
  readonly spacing: Spacing | null;
  /** Where a DICOM or NIfTI file says that `spacing` was measured; absent if it was given. */
  readonly spacingAt?: 'patient' | 'detector';
  /** Which frame of a DICOM object or slice of a volume with several, from 0. */
  readonly frame?: number;
  readonly area: number;
  readonly areaMm2: number | null;
  readonly share: number;
  readonly componentCount: number;
  /** The largest 100, largest first. */
  readonly components: readonly ComponentStatistics[];
  /** `style` is absent in older journals. */
  readonly note: Omit<NoteReading, 'style'> & Partial<Pick<NoteReading, 'style'>>;
  /** Whose left and right the zones mean: the note's, or the patient's if unknown. */
  readonly zoneSides: Sides;
  /** The six zones of a chest radiograph, by halves and thirds. */
  readonly zones: readonly ZoneShare[];
  /** Why the mask may be wrong; absent in older journals. */
  readonly warnings?: readonly Warning[];
  /** In order, if classes were asked for; the figures above are then of all together. */
  readonly classes?: readonly ClassStatistics[];
  /** Predicted Dice of the mask; absent if the model is not calibrated, or not alone. */
  readonly confidence?: Confidence;
}
