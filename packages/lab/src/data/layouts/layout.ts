/** What a layout of data sets is: how a folder holds images, masks and notes, and in which splits. */
import type { ErrorCode } from '@reclmis/core';
import type { Case, Split } from '../types.js';

/** One thing that is wrong with a data set. */
export interface Problem {
  readonly code: ErrorCode;
  readonly split: Split;
  /** The file (or note, or stem) that it is about, relative to the data set's folder. */
  readonly item: string;
  /** One line: what is wrong and what was expected; begins with `item`. */
  readonly message: string;
}

/** What the folder of a split holds. */
export interface SplitScan {
  readonly split: Split;
  readonly notesPath: string | null;
  /** Complete by name: an image with a mask and a note. Sorted by id. */
  readonly cases: readonly Case[];
  readonly problems: readonly Problem[];
  /** How many image files, mask files and notes of the split there are, selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
}

/**
 * One way to lay out a data set. It goes by names and notes alone: images and masks are opened by what takes the cases, which is the same for all layouts.
 */
export interface DataLayout {
  /** What the folder holds at its top, for messages: `Train_Folder, Val_Folder or Test_Folder`. */
  readonly expects: string;
  /** Whether a folder that holds these names is of this layout. */
  readonly detect: (names: readonly string[]) => boolean;
  /** The splits that the folder has, at least one. */
  readonly splits: (dir: string) => Promise<readonly Split[]>;
  /**
   * The cases of a split, and what is wrong with it by name. With `stems`, only those images are looked at, and what lies in the folder besides is no problem.
   * @throws DATA_FOLDER_MISSING; everything else that is wrong is in `problems`
   */
  readonly scan: (dir: string, split: Split, stems?: ReadonlySet<string>) => Promise<SplitScan>;
}
