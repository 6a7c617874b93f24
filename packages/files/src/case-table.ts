/**
 * Tables of cases: a row states an image, its mask and its note, and may state split, patient, spacing, whose
 * sides the note means and that it was derived from the mask. `parseColumns` renames columns.
 */
import { ReclmisError } from '@reclmis/core';
import type { Column, Table, TableForm } from './columns.js';
import { readTable } from './tables.js';

export const CASE_COLUMNS = [
  'image',
  'mask',
  'note',
  'split',
  'patient',
  'spacing',
  'sides',
  'source',
] as const;
export type CaseColumn = (typeof CASE_COLUMNS)[number];

/** Column -> what the table calls it. */
export type CaseColumns = Readonly<Partial<Record<CaseColumn, string>>>;

const isCaseColumn = (name: string): name is CaseColumn => (CASE_COLUMNS as readonly string[]).includes(name);

/**
 * `image=Filename,note=Report`; blanks around names do not count. Empty: none.
 * @throws OPTION_INVALID for another form, an unknown column, or one that is there twice
 */
export function parseColumns(text: string): CaseColumns {
  const columns: Partial<Record<CaseColumn, string>> = {};
  const refuse = (why: string): ReclmisError =>
    new ReclmisError('OPTION_INVALID', `columns "${text}": ${why}`, {
      remedy: `Write what the table calls its columns as image=Filename,note=Report; columns are ${CASE_COLUMNS.join(', ')}.`,
    });
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [column = '', name = ''] = part.split(/=(.*)/su).map((one) => one.trim());
    if (!isCaseColumn(column)) throw refuse(`expected a column before "=", got "${column || part}"`);
    if (name === '') throw refuse(`expected the name of a column after "${column}="`);
    if (Object.hasOwn(columns, column)) throw refuse(`${column} is named twice`);
    columns[column] = name;
  }
  return columns;
}

export interface CaseTableOptions {
  readonly columns?: CaseColumns;
  /** Names of columns that are not renamed; default their own. */
  readonly names?: Readonly<Partial<Record<CaseColumn, readonly string[]>>>;
  /** Default image, mask and note. */
  readonly required?: readonly CaseColumn[];
}

const internal = (column: CaseColumn): Column => (column === 'note' ? 'description' : column);

function formOf({
  columns = {},
  names = {},
  required = ['image', 'mask', 'note'],
}: CaseTableOptions): TableForm {
  const own = (column: CaseColumn): readonly string[] => {
    const renamed = columns[column];
    return renamed === undefined ? (names[column] ?? [column]) : [renamed.toLowerCase()];
  };
  const shown = required.map((column) => columns[column] ?? own(column)[0] ?? column);
  return {
    names: Object.fromEntries(CASE_COLUMNS.map((column) => [internal(column), own(column)])),
    // A column that was renamed must be there.
    required: [...new Set([...required, ...CASE_COLUMNS.filter((one) => columns[one] !== undefined)])].map(
      internal,
    ),
    shown: `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`,
  };
}

/**
 * Reads .xlsx, .csv, .tsv or .jsonl.
 * @throws NOTES_MISSING, NOTES_UNREADABLE, NOTES_CONFLICT, as `readTable`
 */
export async function readCaseTable(path: string, options: CaseTableOptions = {}): Promise<Table> {
  const form = formOf(options);
  // JSON lines keep the case of their members.
  const members = Object.fromEntries(
    CASE_COLUMNS.map((column) => [
      internal(column),
      options.columns?.[column] === undefined
        ? (options.names?.[column] ?? [column])
        : [options.columns[column]],
    ]),
  );
  return readTable(path, { form, members: { names: members, required: form.required } });
}
