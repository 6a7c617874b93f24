/**
 * The columns of a table of notes, and its rows as every reader yields them: CSV, workbook and JSONL alike.
 *
 * A table is told by its head, the first row that is not blank: it has the columns Image and Description, in any order and case, and may have
 * Spacing and Source. Readers look for it under each separator and on each visible sheet, so it is decided here what a head is.
 */
import { defined, ReclmisError } from '@reclmis/core';

export const COLUMNS = ['image', 'description', 'spacing', 'source'] as const;
export type Column = (typeof COLUMNS)[number];

/** Column -> its index in a row. */
export interface Head {
  readonly at: Readonly<Partial<Record<Column, number>>>;
  /** How many fields the head has; blank ones at its end do not count. */
  readonly width: number;
}

/** What a row says, trimmed; the empty text where it says nothing. */
export interface NoteRow extends Readonly<Record<Column, string>> {
  /** The row of the sheet, or the line that the row begins in; from 1. */
  readonly number: number;
  /** The cell of a name that a spreadsheet stores as a number (`A5`), so that zeros before it are lost. */
  readonly numericName?: string;
}

/** Rows below the head that say something, and how messages call their numbers. */
export interface Table {
  readonly unit: 'row' | 'line';
  readonly rows: readonly NoteRow[];
}

export const NAMED_COLUMNS = 'Image and Description';

export function unreadable(path: string, why: string, remedy?: string, cause?: unknown): ReclmisError {
  return new ReclmisError('NOTES_UNREADABLE', `${path}: ${why}`, {
    cause,
    ...defined({ remedy }),
  });
}

/**
 * Where the columns are; null if the row is no head of notes.
 * @throws NOTES_UNREADABLE for two columns of one name: which of them is meant is nobody's guess
 */
export function headOf(path: string, fields: readonly string[]): Head | null {
  const names = fields.map((field) => field.trim().toLowerCase());
  if (!names.includes('image') || !names.includes('description')) return null;
  const at: Partial<Record<Column, number>> = {};
  for (const column of COLUMNS) {
    const index = names.indexOf(column);
    if (index < 0) continue;
    at[column] = index;
    if (names.indexOf(column, index + 1) < 0) continue;
    throw unreadable(
      path,
      `expected one column ${fields[index]?.trim()}, got two`,
      'Rename or delete the unintended column.',
    );
  }
  return { at, width: names.findLastIndex((name) => name !== '') + 1 };
}

/** What a table without the columns has instead, for a message. */
export function describeFields(fields: readonly string[]): string {
  const named = fields.map((field) => field.trim()).filter((field) => field !== '');
  const shown = named.slice(0, 8).join(', ').slice(0, 200);
  return named.length === 0 ? 'no column' : shown + (named.length > 8 ? ', ...' : '');
}
