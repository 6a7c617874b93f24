/**
 * Tables of cases: a row states an image, its mask and its note, and may state its slice, class, split, patient, spacing,
 * whose sides the note means and that it was derived from the mask. `parseColumns` renames columns.
 */
import { ReclmisError } from '../errors.js';
import type { Column, TableForm } from './columns.js';
import type { TableForms } from './read-table.js';

export const CASE_COLUMNS = [
  'image',
  'slice',
  'mask',
  'note',
  'class',
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

/** What `TableForm` calls a column. */
export const caseColumn = (column: CaseColumn): Column => (column === 'note' ? 'description' : column);

/** Other names that columns may have without renaming. */
const OWN_NAMES: Readonly<Partial<Record<CaseColumn, readonly string[]>>> = { slice: ['slice', 'frame'] };

/** How a table of cases is read. */
export function caseForm({
  columns = {},
  names = {},
  required = ['image', 'mask', 'note'],
}: CaseTableOptions): TableForm {
  const own = (column: CaseColumn): readonly string[] => {
    const renamed = columns[column];
    return renamed === undefined ? (names[column] ?? OWN_NAMES[column] ?? [column]) : [renamed.toLowerCase()];
  };
  const shown = required.map((column) => columns[column] ?? own(column)[0] ?? column);
  return {
    names: Object.fromEntries(CASE_COLUMNS.map((column) => [caseColumn(column), own(column)])),
    // A column that was renamed must be there.
    required: [...new Set([...required, ...CASE_COLUMNS.filter((one) => columns[one] !== undefined)])].map(
      caseColumn,
    ),
    single: ['slice'],
    shown: `${shown.slice(0, -1).join(', ')} and ${shown.at(-1) ?? ''}`,
  };
}

/** The same with the members of JSON lines, which keep their case. */
export function caseForms(options: CaseTableOptions = {}): TableForms {
  const form = caseForm(options);
  const members = Object.fromEntries(
    CASE_COLUMNS.map((column) => {
      const renamed = options.columns?.[column];
      const name = caseColumn(column);
      return [name, renamed === undefined ? (form.names[name] ?? []) : [renamed]];
    }),
  );
  return { form, members: { names: members, required: form.required } };
}
