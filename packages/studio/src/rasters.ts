/**
 * What is too large for the state: the picture's pixels, the probabilities, the masks. All are as displayed; DICOM and
 * NIfTI may be stored turned (`displayedFrame` of clinical). Code that changes a raster says where, so that only this part is redrawn.
 */
import type { Mask, RgbImage } from '@reclmis/core';

/** Pixels from x and y, width and height of them. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type RasterName = 'image' | 'mask' | 'probability' | 'compared' | 'truth';

/** @param where null: everywhere */
export type RasterListener = (name: RasterName, where: Rect | null) => void;

export interface OpenedPicture {
  /** `Picture.id` of the state. */
  readonly id: string;
  /** As it came: what is sent to the worker again if that is lost, and what DICOM SEG is written over. */
  readonly file: Blob;
  readonly image: RgbImage;
}

export class Rasters {
  picture: OpenedPicture | null = null;
  /** height x width, 0 to 1. */
  probability: Float32Array | null = null;
  /** The model's at the state's threshold. */
  model: Mask | null = null;
  /** As shown: the model's, or corrected. Edits write into it. */
  mask: Mask | null = null;
  /** The mask before the last note, to tint what it gained and lost. */
  before: Mask | null = null;
  /** The true mask of a case, if it has one. */
  truth: Mask | null = null;
  /** The mask of note A while two notes are compared. */
  compared: Mask | null = null;
  private readonly listeners = new Set<RasterListener>();

  /** @returns how to stop */
  subscribe(listener: RasterListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed(name: RasterName, where: Rect | null = null): void {
    for (const listener of [...this.listeners]) listener(name, where);
  }

  /** Forgets the picture and all that was made of it. */
  open(picture: OpenedPicture): void {
    this.picture = picture;
    this.probability = null;
    this.model = null;
    this.mask = null;
    this.before = null;
    this.truth = null;
    this.compared = null;
    this.changed('image');
    this.changed('mask');
    this.changed('truth');
  }
}
