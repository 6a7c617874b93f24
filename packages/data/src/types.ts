/**
 * B cases of a batch, S side of the square model input in pixels. Pixel (x, y) of an image is at y * width +
 * x, rows from the top; the patient's left is on the image's right.
 */
import type { CocoRegion, Mask, RgbImage, Sides, Spacing, WindowChoice } from '@reclmis/core';

export type Split = 'train' | 'val' | 'test';

export const SPLITS: readonly Split[] = ['train', 'val', 'test'];

/**
 * What of a file of masks belongs to a case, as foreground: pixels of these values of a label map (`labels`; values
 * not `known` are refused), or COCO's regions, drawn at the size of the image.
 */
export type MaskPart =
  | { readonly kind: 'labels'; readonly values: readonly number[]; readonly known: readonly number[] }
  | {
      readonly kind: 'regions';
      readonly width: number;
      readonly height: number;
      readonly regions: readonly CocoRegion[];
    };

/** Not yet read. */
export interface Case {
  /** Unique in its split: the image's file name without extension; if several cases share the image, `image@note`. */
  readonly id: string;
  /** That part of the id which the image's cases share; absent for an image's only case. */
  readonly imageId?: string;
  readonly imagePath: string;
  /** Which slice of a volume or frame of a DICOM file, from 0; absent: the only one. */
  readonly frame?: number;
  /** The volume that a slice is from, by its file's name. Slices of one volume are of one patient. */
  readonly volumeId?: string;
  /** Where the table states `frame`, for messages: `cases.csv: line 3`. */
  readonly row?: string;
  /** Grey level window of DICOM and NIfTI (`data.window`); absent: the file's own. */
  readonly window?: WindowChoice;
  /** The mask, or the file that `mask` is a part of. */
  readonly maskPath: string;
  readonly mask?: MaskPart;
  /** As the data set states it; else file names may tell (`grouping`). */
  readonly patient?: string;
  /** Whose left and right the note means, if the data set states it. */
  readonly sides?: Sides;
  /** As in the table, trimmed; case is kept. */
  readonly note: string;
  /** What the note asks for, by the name that the data set gives it: a column, a category, a label. */
  readonly class?: string;
  /** In millimetres (column Spacing). */
  readonly spacing?: Spacing;
  /** Made from the mask (`reclmis notes`): it tells part of the answer. */
  readonly derived?: true;
}

/** Complete by name. */
export interface Dataset {
  /** The folder's name, e.g. `QaTa-COV19`. */
  readonly name: string;
  readonly dir: string;
  readonly split: Split;
  /** Counted things that the layout left out, for the user. */
  readonly notices?: readonly string[];
  /** Sorted by id (by UTF-16 code unit). */
  readonly cases: readonly Case[];
  /**
   * SHA-256, in hex, over the lines `id NUL note NUL bytes of image NUL bytes of mask` of the sorted cases (and
   * `NUL part` for parts of a file of masks); reads no pixel.
   */
  readonly fingerprint: string;
  /** In a cross-validation. */
  readonly fold?: { readonly fold: number; readonly folds: number };
}

/** Image and mask have the same size. */
export interface Sample {
  readonly id: string;
  readonly image: RgbImage;
  readonly mask: Mask;
  readonly note: string;
}

/** The loader reuses the arrays at the next request. */
export interface Batch {
  readonly ids: readonly string[];
  /** Mirrored with the images. */
  readonly notes: readonly string[];
  /** [B, 3, S, S], planes R, G, B in [0, 1]. */
  readonly images: Float32Array;
  /** [B, 1, S, S], 0 or 1. */
  readonly masks: Float32Array;
  /** B; an epoch's last batch may be smaller. */
  readonly count: number;
  /** That the consumer waited: near 0 if the loader keeps up. */
  readonly waitMs: number;
  readonly shard?: BatchShard;
}

export interface BatchShard {
  /** Cases of the whole batch. */
  readonly total: number;
  /** Takes part with another process's case, which counts nothing. */
  readonly idle: boolean;
}
