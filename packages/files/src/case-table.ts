/** Tables of cases in files (core, `case-form.ts`). */
import { caseForms, type CaseTableOptions, type Table } from '@reclmis/core';
import { readTable } from './tables.js';

/**
 * Reads .xlsx, .csv, .tsv or .jsonl.
 * @throws NOTES_MISSING, NOTES_UNREADABLE, NOTES_CONFLICT, as `readTable`
 */
export const readCaseTable = (path: string, options: CaseTableOptions = {}): Promise<Table> =>
  readTable(path, caseForms(options));
