/**
 * Case, data set, sample, batch.
 *
 * B cases of a batch, S side of the square model input in pixels. Pixel (x, y) of an image is at y * width + x, rows
 * from the top; the patient's left is on the image's right.
 */
import type { Mask, RgbImage, Spacing } from '@reclmis/core';

export type Split = 'train' | 'val' | 'test';

export const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** An image with mask and note, not yet read. */
export interface Case {
  /** The image's file name without extension. */
  readonly id: string;
  readonly imagePath: string;
  readonly maskPath: string;
  /** As in the table, trimmed; case is kept. */
  readonly note: string;
  /** Pixel size in millimetres, if the notes have it (column Spacing). */
  readonly spacing?: Spacing;
  /** The note was made from the mask (`reclmis notes`), so it tells part of the answer. */
  readonly derived?: true;
}

/** The cases of a split, complete by name. */
export interface Dataset {
  /** The folder's name, e.g. `QaTa-COV19`. */
  readonly name: string;
  readonly dir: string;
  readonly split: Split;
  /** Sorted by id (by UTF-16 code unit). */
  readonly cases: readonly Case[];
  /**
   * SHA-256, in hex, over the lines `id NUL note NUL bytes of image NUL bytes of mask` of the sorted cases: independent
   * of the folder's place, and cheap, since no pixel is read.
   */
  readonly fingerprint: string;
  /** The fold of train and val together, in a cross-validation; absent for the split's own folder. */
  readonly fold?: { readonly fold: number; readonly folds: number };
}

/** Image and mask have the same size. */
export interface Sample {
  readonly id: string;
  readonly image: RgbImage;
  readonly mask: Mask;
  readonly note: string;
}

/** What one step reads; the loader takes images and masks back at the next request. */
export interface Batch {
  readonly ids: readonly string[];
  /** True of the augmented images: mirrored with them. */
  readonly notes: readonly string[];
  /** [B, 3, S, S], planes R, G, B in [0, 1]. */
  readonly images: Float32Array;
  /** [B, 1, S, S], 0 or 1. */
  readonly masks: Float32Array;
  /** B; an epoch's last batch may be smaller. */
  readonly count: number;
  /** Time that the consumer waited, in milliseconds: near 0 if the loader keeps up. */
  readonly waitMs: number;
  /** This process's share of a batch that several have. */
  readonly shard?: BatchShard;
}

export interface BatchShard {
  /** Cases of the whole batch. */
  readonly total: number;
  /** This process has no case of it and takes part with another one, which counts nothing. */
  readonly idle: boolean;
}
