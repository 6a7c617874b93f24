import type { ErrorCode } from '@reclmis/core';
import type { Case, Split } from '../types.js';

export interface Problem {
  readonly code: ErrorCode;
  readonly split: Split;
  /** File, note or stem, relative to the data set's folder. */
  readonly item: string;
  /** One line, beginning with `item`: what is wrong, and what was expected. */
  readonly message: string;
  /** What to do about it, where more fits than the code's own remedy. */
  readonly remedy?: string;
}

export interface SplitScan {
  readonly split: Split;
  readonly notesPath: string | null;
  /** Complete by name: an image with mask and note. Sorted by id. */
  readonly cases: readonly Case[];
  readonly problems: readonly Problem[];
  /** All image files, mask files and notes of the split, selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
}

/**
 * A layout of data sets: how a folder holds images, masks and notes, and in which splits. Works on names and notes;
 * opening images and masks is the same for all layouts.
 */
export interface DataLayout {
  /** The folder's expected contents, for messages: `Train_Folder, Val_Folder or Test_Folder`. */
  readonly expects: string;
  /** Whether a folder with these names has this layout. */
  readonly detect: (names: readonly string[]) => boolean;
  /** The folder's splits, at least one. */
  readonly splits: (dir: string) => Promise<readonly Split[]>;
  /**
   * The cases of a split, and problems with their names. With `stems`, ignores all other files.
   * @throws DATA_FOLDER_MISSING; all else is in `problems`
   */
  readonly scan: (dir: string, split: Split, stems?: ReadonlySet<string>) => Promise<SplitScan>;
}
