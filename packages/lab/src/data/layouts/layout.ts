import type { ErrorCode } from '@reclmis/core';
import type { Case, Split } from '../types.js';

export interface Problem {
  readonly code: ErrorCode;
  readonly split: Split;
  /** File, note or stem, below the data set's folder. */
  readonly item: string;
  /** Begins with `item`; what is wrong, and what was expected. */
  readonly message: string;
  /** If more fits than the code's own remedy. */
  readonly remedy?: string;
}

export interface SplitScan {
  readonly split: Split;
  readonly notesPath: string | null;
  /** Image with mask and note, by name. Sorted by id. */
  readonly cases: readonly Case[];
  readonly problems: readonly Problem[];
  /** Counts of the whole split, selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
}

/** How a folder holds images, masks, notes and splits. Works on names and notes; opens no image. */
export interface DataLayout {
  /** For messages: `Train_Folder, Val_Folder or Test_Folder`. */
  readonly expects: string;
  readonly detect: (names: readonly string[]) => boolean;
  /** At least one. */
  readonly splits: (dir: string) => Promise<readonly Split[]>;
  /** `stems`: ignores other files. @throws DATA_FOLDER_MISSING; all else is in `problems` */
  readonly scan: (dir: string, split: Split, stems?: ReadonlySet<string>) => Promise<SplitScan>;
}
