/**
 * Columns and rows of a table. The head, the first row that is not blank, names them, in any order and case.
 * A table of notes has Image and Description, and may have Spacing and Source (`NOTES`); a table of cases has
 * other columns and names (`case-form.ts`).
 */
import { defined } from '../defined.js';
import { ReclmisError } from '../errors.js';

const COLUMNS = [
  ...(['image', 'description', 'spacing', 'source'] as const),
  ...(['mask', 'class', 'split', 'patient', 'sides', 'slice'] as const),
] as const;
export type Column = (typeof COLUMNS)[number];

/** What a table's columns are called. */
export interface TableForm {
  /** By column, in lower case; the first that is there counts. Columns without a name are not read. */
  readonly names: Readonly<Partial<Record<Column, readonly string[]>>>;
  readonly required: readonly Column[];
  /** At least one of these must be there too. */
  readonly either?: readonly Column[];
  /** Columns of which a table with two names is refused. */
  readonly single?: readonly Column[];
  /** For messages: the required ones, as users write them. */
  readonly shown: string;
}

export const NOTES: TableForm = {
  names: {
    image: ['image'],
    description: ['description', 'note'],
    spacing: ['spacing'],
    source: ['source'],
  },
  required: ['image', 'description'],
  // A table of cases takes Note: it would be read differently for training and for `predict --notes`.
  single: ['description'],
  shown: 'Image and Description',
};

/** What JSON lines of notes call their members. */
export const NOTE_MEMBERS: Pick<TableForm, 'names'> = {
  names: { ...NOTES.names, description: ['note'] },
};

/** Notes whose rows may be for some slices of a volume. The only volume needs no name. */
export const SLICE_NOTES: TableForm = {
  ...NOTES,
  names: { ...NOTES.names, slice: ['slices'] },
  required: ['description'],
  either: ['image', 'slice'],
  shown: 'Image (or Slices) and Description',
};

export const SLICE_NOTE_MEMBERS: Pick<TableForm, 'names' | 'either'> = {
  names: { ...NOTE_MEMBERS.names, slice: ['slices'] },
  either: ['image', 'slice'],
};

/** Column -> its index in a row. */
export interface Head {
  readonly at: Readonly<Partial<Record<Column, number>>>;
  /** Fields, without blank ones at the end. */
  readonly width: number;
}

/** A row's trimmed texts; empty if absent. */
export interface NoteRow
  extends
    Readonly<Record<'image' | 'description' | 'spacing' | 'source', string>>,
    Readonly<Partial<Record<'mask' | 'class' | 'split' | 'patient' | 'sides' | 'slice', string>>> {
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

export function unreadable(path: string, why: string, remedy?: string, cause?: unknown): ReclmisError {
  return new ReclmisError('NOTES_UNREADABLE', `${path}: ${why}`, {
    cause,
    ...defined({ remedy }),
  });
}

/** Where the columns are; null if the row is no head. @throws NOTES_UNREADABLE for two columns of one name */
export function headOf(path: string, fields: readonly string[], form: TableForm = NOTES): Head | null {
  const names = fields.map((field) => field.trim().toLowerCase());
  const nameOf = (column: Column): string | undefined =>
    form.names[column]?.find((name) => names.includes(name));
  if (form.required.some((column) => nameOf(column) === undefined)) return null;
  if (form.either?.every((column) => nameOf(column) === undefined)) return null;
  for (const column of form.single ?? []) {
    const [one, two] = (form.names[column] ?? []).filter((name) => names.includes(name));
    if (one === undefined || two === undefined) continue;
    const shown = [one, two].map((name) => fields[names.indexOf(name)]?.trim() ?? name);
    throw unreadable(
      path,
      `expected either the column ${shown.join(' or ')}, got both`,
      'Rename or delete one of them.',
    );
  }
  const at: Partial<Record<Column, number>> = {};
  for (const column of COLUMNS) {
    const name = nameOf(column);
    if (name === undefined) continue;
    const index = names.indexOf(name);
    at[column] = index;
    if (names.indexOf(name, index + 1) < 0) continue;
    throw unreadable(
      path,
      `expected one column ${fields[index]?.trim()}, got two`,
      'Rename or delete the unintended column.',
    );
  }
  return { at, width: names.findLastIndex((name) => name !== '') + 1 };
}

/** A row from its texts by column; the columns of notes are always there. */
export function rowOf(number: number, at: Head['at'], text: (column: Column) => string): NoteRow {
  const read = (column: Column): string => (at[column] === undefined ? '' : text(column));
  const others = COLUMNS.filter((column) => !(column in NOTES.names) && at[column] !== undefined);
  return {
    number,
    image: read('image'),
    description: read('description'),
    spacing: read('spacing'),
    source: read('source'),
    ...Object.fromEntries(others.map((column) => [column, read(column)])),
  };
}

/** What a table has instead of the columns, for a message. */
export function describeFields(fields: readonly string[]): string {
  const named = fields.map((field) => field.trim()).filter((field) => field !== '');
  const shown = named.slice(0, 8).join(', ').slice(0, 200);
  return named.length === 0 ? 'no column' : shown + (named.length > 8 ? ', ...' : '');
}

/** Letters of a column, from 0: A to Z, AA, AB ... */
export function columnName(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : columnName(Math.floor(column / 26) - 1) + letter;
}
