/**
 * A table of cases, or a folder with one:
 *
 *     cases.csv  (.tsv, .jsonl, .xlsx)     columns image, mask, note; perhaps split, patient, spacing, sides
 *     DIR/cases.xlsx  DIR/...              the folder's only table
 *
 * Paths are relative to the table. A name alone is also found in `images` or `masks`; without a column of masks, a
 * mask is found by its image's name.
 */
import { basename, dirname, extname, join } from 'node:path';
import { type CaseColumn, parseColumns, ReclmisError, TABLE_EXTENSIONS } from '@reclmis/core';
import { readCaseTable } from '@reclmis/files';
import { type CaseTable, scanTables, splitsOfTables } from './case-rows.js';
import { list } from './image-folder.js';
import type { DataLayout, DataSourceOptions } from './layout.js';

const isTable = (name: string): boolean => TABLE_EXTENSIONS.has(extname(name).toLowerCase());

/** A source that is a file: its name is all that it holds. */
export const isFileSource = (names: readonly string[], source: string): boolean =>
  names.length === 1 && names[0] === basename(source);

interface Opened {
  readonly root: string;
  readonly tables: [CaseTable];
}

/** @throws DATA_LAYOUT_UNCLEAR for several tables, NOTES_MISSING for none, and the codes of `readCaseTable` */
async function open(source: string, options: DataSourceOptions): Promise<Opened> {
  const names = await list(source); // null for a file
  if (names === null) return read(dirname(source), basename(source), ['image', 'mask', 'note'], options);
  const tables = names.filter(isTable);
  const [only] = tables;
  if (only === undefined)
    throw new ReclmisError('NOTES_MISSING', `${source}: expected a table of cases, got none`, {
      remedy: 'Add a .csv, .tsv, .jsonl or .xlsx file with the columns image, mask and note.',
    });
  if (tables.length === 1) return read(source, only, ['image', 'note'], options);
  // Others may lie there too, such as a table of splits.
  const opened = await Promise.all(
    tables.map((name) =>
      read(source, name, ['image', 'note'], options).catch((error: unknown) => {
        if (error instanceof ReclmisError) return null;
        throw error;
      }),
    ),
  );
  const fits = opened.filter((one) => one !== null);
  if (fits[0] !== undefined && fits.length === 1) return fits[0];
  const found = fits.length === 0 ? tables : fits.map(({ tables: [{ path }] }) => basename(path));
  throw new ReclmisError(
    'DATA_LAYOUT_UNCLEAR',
    `${source}: expected one table of cases, got ${found.join(', ')}`,
    {
      remedy: `Point --data at the table itself, such as ${join(source, found[0] ?? '')}.`,
    },
  );
}

async function read(
  base: string,
  name: string,
  required: readonly CaseColumn[],
  { columns = '' }: DataSourceOptions,
): Promise<Opened> {
  const path = join(base, name);
  const table = await readCaseTable(path, {
    columns: parseColumns(columns),
    names: { note: ['note', 'description'] },
    required,
  });
  if (table.rows.length === 0)
    throw new ReclmisError('NOTES_EMPTY', `${path}: holds no case`, {
      remedy: 'Add a row for each case, below a first row that names the columns image, mask and note.',
    });
  return { root: base, tables: [{ path, base, table }] };
}

export const TABLE: DataLayout = {
  expects: 'a table of cases (.csv, .tsv, .jsonl or .xlsx)',
  // A folder with labelcol is a split of LViT's layout, whose notes are keyed by masks.
  detect: (names, dir) =>
    names.some(isTable) && (isFileSource(names, dir) || (names.includes('labelcol') ? false : 'perhaps')),
  splits: async (dir, options) => splitsOfTables((await open(dir, options)).tables),
  scan: async (dir, split, stems, options) => scanTables(await open(dir, options), split, stems, options),
};
