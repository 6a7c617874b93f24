/** Tables of cases in files (core, `case-form.ts`). */
import { CASE_COLUMNS, caseColumn, caseForm, type CaseTableOptions, type Table } from '@reclmis/core';
import { readTable } from './tables.js';

/**
 * Reads .xlsx, .csv, .tsv or .jsonl.
 * @throws NOTES_MISSING, NOTES_UNREADABLE, NOTES_CONFLICT, as `readTable`
 */
export async function readCaseTable(path: string, options: CaseTableOptions = {}): Promise<Table> {
  const form = caseForm(options);
  // JSON lines keep the case of their members.
  const members = Object.fromEntries(
    CASE_COLUMNS.map((column) => {
      const renamed = options.columns?.[column];
      const name = caseColumn(column);
      return [name, renamed === undefined ? (form.names[name] ?? []) : [renamed]];
    }),
  );
  return readTable(path, { form, members: { names: members, required: form.required } });
}
