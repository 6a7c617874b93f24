/** Tables of notes and of cases in files (core, `read-table.ts`). */
import { stat } from 'node:fs/promises';
import {
  checkTableName,
  checkTableSize,
  MAX_TABLE_BYTES,
  oneLine,
  parseTable,
  ReclmisError,
  systemCode,
  type Table,
  type TableForms,
  unreadable,
} from '@reclmis/core';
import { readRegular } from './regular.js';

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    checkTableSize(path, (await stat(path)).size);
    return await readRegular(path, { limit: MAX_TABLE_BYTES });
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    if (systemCode(error) === 'ENOENT')
      throw new ReclmisError('NOTES_MISSING', `${path}: file not found`, {
        cause: error,
        remedy: 'Check the path of the notes file.',
      });
    throw unreadable(
      path,
      `cannot be read (${oneLine(error)})`,
      'Check the file and its permissions.',
      error,
    );
  }
}

/** @param forms default: notes. @throws NOTES_MISSING, and as `parseTable` */
export async function readTable(path: string, forms?: TableForms): Promise<Table> {
  checkTableName(path);
  return parseTable(path, await readBytes(path), forms);
}
