/** Tables of notes and of cases by their file's ending. Ambiguous or altered content is refused, never guessed. */
import { NOTE_MEMBERS, NOTES, type Table, type TableForm, unreadable } from './columns.js';
import { decodeText } from './text.js';

/** QaTa-COV19's workbook of 7,142 notes has 0.1 MB. */
export const MAX_TABLE_BYTES = 32 * 1024 * 1024;
export const TABLE_EXTENSIONS: ReadonlySet<string> = new Set(['.xlsx', '.csv', '.tsv', '.jsonl']);

/** How each kind of file is read. */
export interface TableForms {
  readonly form: TableForm;
  /** Names of members in JSON lines; default: those of the form. */
  readonly members?: Pick<TableForm, 'names'> & Partial<Pick<TableForm, 'required' | 'either'>>;
}

/** For notes: JSON lines say `note` where tables say Description. */
const NOTE_FORMS: TableForms = { form: NOTES, members: NOTE_MEMBERS };

/** ".xlsx" of "notes/A.XLSX"; empty without one. */
export const tableExtension = (path: string): string =>
  (/[^/\\](\.[^./\\]*)$/u.exec(path)?.[1] ?? '').toLowerCase();

/** @throws NOTES_UNREADABLE for an ending of another kind of file */
export function checkTableName(path: string): void {
  const extension = tableExtension(path);
  if (!TABLE_EXTENSIONS.has(extension))
    throw unreadable(
      path,
      `expected .xlsx, .csv, .tsv or .jsonl, got ${extension || 'no extension'}`,
      'Save the table as XLSX; text with commas, semicolons or tabs needs a name ending in .csv.',
    );
}

/** @throws NOTES_UNREADABLE above `MAX_TABLE_BYTES` */
export function checkTableSize(path: string, size: number): void {
  if (size > MAX_TABLE_BYTES)
    throw unreadable(
      path,
      `has ${size} bytes, the limit is ${MAX_TABLE_BYTES}`,
      'Keep only the notes in the file.',
    );
}

/**
 * Reads .xlsx, .csv, .tsv or .jsonl. The readers are loaded when they are needed.
 * @param path for its ending and for messages
 * @throws NOTES_UNREADABLE (damaged, too large, another encoding or format, ambiguous), NOTES_CONFLICT (two sheets with
 * the columns)
 */
export async function parseTable(
  path: string,
  bytes: Uint8Array,
  { form, members = form }: TableForms = NOTE_FORMS,
): Promise<Table> {
  checkTableName(path);
  checkTableSize(path, bytes.length);
  const extension = tableExtension(path);
  if (extension === '.xlsx') {
    const { parseWorkbook } = await import('./workbook.js');
    return parseWorkbook(path, bytes, form);
  }
  const code = 'NOTES_UNREADABLE';
  if (extension === '.jsonl') {
    const { parseJsonLines } = await import('./json-lines.js');
    return parseJsonLines(decodeText(path, bytes, { code, remedy: 'Save it as UTF-8 text.' }), path, members);
  }
  const { parseCsv } = await import('./csv.js');
  const text = decodeText(path, bytes, { code, remedy: 'Save it as "CSV UTF-8", or as XLSX.' });
  return parseCsv(text, path, extension === '.tsv' ? { form, separators: ['\t'] } : { form });
}
