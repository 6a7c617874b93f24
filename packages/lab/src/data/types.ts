/**
 * The words of the data side: case, data set, sample, batch.
 *
 * Legend: B cases of a batch, S side of the square model input in pixels. Pixel (x, y) of an image lies at index
 * y * width + x, rows from the top; the patient's left is on the image's right.
 */
import type { Mask, RgbImage, Spacing } from '@reclmis/core';

/** What the cases are for; in LViT's layout, a folder each. */
export type Split = 'train' | 'val' | 'test';

export const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/** One image with its mask and note, not yet read. */
export interface Case {
  /** The image's file name without extension. */
  readonly id: string;
  readonly imagePath: string;
  readonly maskPath: string;
  /** As in the workbook, without blanks around it; case is kept. */
  readonly note: string;
  /** Size of the image's pixels in millimetres, where the notes have it (column Spacing). */
  readonly spacing?: Spacing;
  /** Whether the note was made of the mask (`reclmis notes`), so that it tells a part of the answer. Absent: no such mark. */
  readonly derived?: true;
}

/** The cases of one split, complete and consistent by name: each has an image, a mask and a note. */
export interface Dataset {
  /** The folder's own name, e.g. `QaTa-COV19`. */
  readonly name: string;
  readonly dir: string;
  readonly split: Split;
  /** Sorted by id (by UTF-16 code unit, so the same everywhere). */
  readonly cases: readonly Case[];
  /**
   * SHA-256, in hex, over the lines `id NUL note NUL bytes of image NUL bytes of mask` of the sorted cases: the same for the
   * same selection of the same files wherever the folder lies, and cheap, since no pixel is read.
   */
  readonly fingerprint: string;
  /** Which part of a cross-validation it is: the cases of train and val together, split into folds. Absent: the split's own folder. */
  readonly fold?: { readonly fold: number; readonly folds: number };
}

/** A case that was read: image and mask at the same size. */
export interface Sample {
  readonly id: string;
  readonly image: RgbImage;
  readonly mask: Mask;
  readonly note: string;
}

/** What one training or evaluation step reads; the loader takes images and masks back when it is asked for the next one. */
export interface Batch {
  readonly ids: readonly string[];
  /** As they are true of the augmented images: mirrored where the image was mirrored. */
  readonly notes: readonly string[];
  /** [B, 3, S, S], planes R, G, B in [0, 1]. */
  readonly images: Float32Array;
  /** [B, 1, S, S], 0 or 1. */
  readonly masks: Float32Array;
  /** B; the last batch of an epoch may be smaller. */
  readonly count: number;
  /** How long the consumer waited for this batch, in milliseconds: near 0 when the loader keeps up. */
  readonly waitMs: number;
  /** Where the batch is this process's share of one that several have; absent otherwise. */
  readonly shard?: BatchShard;
}

/** A process's share of a batch. */
export interface BatchShard {
  /** Cases of the whole batch. */
  readonly total: number;
  /** True where this process has no case of it and got another one's to run along: that counts nothing. */
  readonly idle: boolean;
}
