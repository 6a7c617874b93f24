/**
 * Columns and rows of a table of notes. The head, the first row that is not blank, has Image and Description,
 * in any order and case, and may have Spacing and Source.
 */
import { defined, ReclmisError } from '@reclmis/core';

export const COLUMNS = ['image', 'description', 'spacing', 'source'] as const;
export type Column = (typeof COLUMNS)[number];

/** Column -> its index in a row. */
export interface Head {
  readonly at: Readonly<Partial<Record<Column, number>>>;
  /** Fields, without blank ones at the end. */
  readonly width: number;
}

/** A row's trimmed texts; empty if absent. */
export interface NoteRow extends Readonly<Record<Column, string>> {
  /** Sheet row, or line where the row begins; from 1. */
  readonly number: number;
  /** Cell (`A5`) of a name stored as a number, without its leading zeros. */
  readonly numericName?: string;
}

/** Rows below the head, and messages' word for them. */
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

/** Where the columns are; null if the row is no head. @throws NOTES_UNREADABLE for two columns of one name */
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

/** What a table has instead of the columns, for a message. */
export function describeFields(fields: readonly string[]): string {
  const named = fields.map((field) => field.trim()).filter((field) => field !== '');
  const shown = named.slice(0, 8).join(', ').slice(0, 200);
  return named.length === 0 ? 'no column' : shown + (named.length > 8 ? ', ...' : '');
}
