import type { ErrorCode, WarningCode } from '@reclmis/core';
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

/** Something that belongs to no case, counted. */
export interface ScanWarning {
  readonly code: WarningCode;
  /** What, how often, and the first ones. */
  readonly message: string;
  readonly count: number;
}

/** How a source of data is read, beyond its path. */
export interface DataSourceOptions {
  /** One of `layoutNames`; default or empty: recognised by content. */
  readonly layout?: string;
  /** What a table calls its columns: `image=Filename,note=Report`. */
  readonly columns?: string;
  /** Accept paths that leave the source's folder. Default false. */
  readonly outside?: boolean;
  /** A table of cases and their splits (`splits.ts`) that replaces the source's own; default or empty: none. */
  readonly splits?: string;
  /** Grey level window of DICOM and NIfTI, as `parseWindow` reads it; default or empty: the files' own. */
  readonly window?: string;
}

export interface SplitScan {
  readonly split: Split;
  readonly notesPath: string | null;
  /** Image with mask and note, by name. Sorted by id. */
  readonly cases: readonly Case[];
  readonly problems: readonly Problem[];
  readonly warnings?: readonly ScanWarning[];
  /** Counts of the whole split, selected or not. */
  readonly images: number;
  readonly masks: number;
  readonly notes: number;
}

/** How a folder or file holds images, masks, notes and splits. Works on names and notes; opens no image. */
export interface DataLayout {
  /** For messages: `Train_Folder, Val_Folder or Test_Folder`. */
  readonly expects: string;
  /**
   * Whether a folder has this layout, by the names in it; a source that is a file has no other name than its own.
   * `perhaps`: only if no layout is certain.
   */
  readonly detect: (
    names: readonly string[],
    dir: string,
  ) => boolean | 'perhaps' | Promise<boolean | 'perhaps'>;
  /** At least one; train alone if the source states none. */
  readonly splits: (dir: string, options: DataSourceOptions) => Promise<readonly Split[]>;
  /** `stems`: ignores other files. @throws DATA_FOLDER_MISSING; all else is in `problems` */
  readonly scan: (
    dir: string,
    split: Split,
    stems: ReadonlySet<string> | undefined,
    options: DataSourceOptions,
  ) => Promise<SplitScan>;
}
