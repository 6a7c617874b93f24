/** What `convertDataset` writes to: a layout's files from cases. */
import type { Mask } from '@reclmis/core';
import type { Case, Split } from '../types.js';

/** A case on its way. */
export interface Placed {
  readonly split: Split;
  readonly one: Case;
  /** Unique among all splits: the case's id, after its split if another split has it too. */
  readonly name: string;
  /** The image's, shared by its cases. */
  readonly image: string;
}

export interface CopyOptions {
  readonly name?: string;
  readonly png?: boolean;
  readonly upright?: boolean;
}

export interface Tools {
  /**
   * Below the new folder. Copies bytes, unless PNG is asked for (`png`), or pixels that lie as those of its masks
   * although no reader heeds an orientation tag (`upright`): then what differs becomes PNG. DICOM and NIfTI always do.
   * @returns the path with the
   * extension
   */
  readonly copyImage: (placed: Placed, folder: string, options?: CopyOptions) => Promise<string>;
  /** Writes 0 and 255 as PNG below the new folder. @returns the path */
  readonly writeMask: (placed: Placed, path: string) => Promise<string>;
  readonly readMask: (placed: Placed) => Promise<Mask>;
  /** A further loss, which only the masks tell. */
  readonly notice: (line: string) => void;
  readonly writeText: (path: string, text: string | Uint8Array) => Promise<void>;
  /** In lanes, counted for the progress. */
  readonly each: <T>(cases: readonly Placed[], work: (one: Placed) => Promise<T>) => Promise<T[]>;
}

export interface Target {
  /** What the layout cannot hold, for the user. @throws DATA_INVALID if it cannot hold the cases at all */
  readonly losses: (cases: readonly Placed[]) => string[];
  readonly write: (cases: readonly Placed[], tools: Tools) => Promise<void>;
}

/** `12 cases`. */
export const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? '' : 's'}`;

/** A line for marks of notes that were derived from masks, which these layouts have not. */
export function lostMarks(cases: readonly Placed[]): string[] {
  const count = cases.filter(({ one }) => one.derived === true).length;
  return count === 0
    ? []
    : [`The layout has no place for the mark that the notes of ${counted(count, 'case')} were derived from masks: scores on them say nothing about a reader’s notes.`]; // prettier-ignore
}

/** Lines for columns that some cases have and the layout has not. */
export function lostColumns(
  cases: readonly Placed[],
  columns: readonly ('class' | 'patient' | 'spacing' | 'sides')[],
): string[] {
  return columns.flatMap((column) => {
    const count = cases.filter(({ one }) =>
      column === 'patient' ? (one.patient ?? one.volumeId) !== undefined : one[column] !== undefined,
    ).length;
    return count === 0 ? [] : [`The layout has no place for the ${column} of ${counted(count, 'case')}.`];
  });
}
