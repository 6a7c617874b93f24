/**
 * Hugging Face's image folder, with masks and notes as columns of its metadata:
 *
 *     DIR/metadata.csv (.jsonl)                    columns file_name, mask (or mask_file_name), note (or text, caption)
 *     DIR/{train,validation,test}/metadata.csv     or one for each split
 *
 * Paths are relative to the metadata's folder. One file for all states splits by a column, or by folders.
 */
import { join, posix } from 'node:path';
import { parseColumns } from '@reclmis/core';
import { readCaseTable } from '@reclmis/files';
import { type CaseTable, scanTables, splitNamed, splitsOfTables } from './case-rows.js';
import { list } from './image-folder.js';
import type { DataLayout, DataSourceOptions } from './layout.js';

const METADATA = /^metadata\.(?:csv|jsonl)$/u;
const NAMES = {
  image: ['file_name', 'image_file_name', 'image'],
  mask: ['mask_file_name', 'mask'],
  note: ['note', 'text', 'caption', 'description'],
};

/** Folders with metadata, `''` for the data set's own. */
async function metadataOf(dir: string): Promise<{ folder: string; name: string }[]> {
  const names = (await list(dir)) ?? [];
  const folders = ['', ...names.filter((name) => splitNamed(name) !== null)];
  const found = await Promise.all(
    folders.map(async (folder) => {
      const inside = folder === '' ? names : ((await list(join(dir, folder))) ?? []);
      return inside.filter((name) => METADATA.test(name)).map((name) => ({ folder, name }));
    }),
  );
  return found.flat();
}

async function open(
  dir: string,
  { columns = '' }: DataSourceOptions,
): Promise<{ root: string; tables: CaseTable[] }> {
  const found = await metadataOf(dir);
  const tables = await Promise.all(
    found.map(async ({ folder, name }): Promise<CaseTable> => {
      const base = join(dir, folder);
      const path = join(base, name);
      const table = await readCaseTable(path, { columns: parseColumns(columns), names: NAMES });
      const split = splitNamed(folder);
      if (split !== null) return { path, base, table, split };
      return { path, base, table: { ...table, rows: table.rows.map(byFolder) } };
    }),
  );
  return { root: dir, tables };
}

/** `train/a.png` is of the split train, unless the row says otherwise. */
function byFolder<T extends { readonly image: string; readonly split?: string }>(row: T): T {
  const [folder = ''] = posix.normalize(row.image).split('/');
  return (row.split ?? '') !== '' || splitNamed(folder) === null ? row : { ...row, split: folder };
}

export const HUGGING_FACE: DataLayout = {
  expects: 'metadata.csv or metadata.jsonl (Hugging Face’s image folder)',
  detect: async (_, dir) => (await metadataOf(dir)).length > 0,
  splits: async (dir, options) => splitsOfTables((await open(dir, options)).tables),
  scan: async (dir, split, stems, options) => scanTables(await open(dir, options), split, stems, options),
};
