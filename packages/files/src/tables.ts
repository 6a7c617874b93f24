/** Tables of notes and of cases by file extension. Ambiguous or altered content is refused, never guessed. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import {
  decodeText,
  loadCsv,
  ReclmisError,
  oneLine,
  systemCode,
  NOTE_MEMBERS,
  NOTES,
  type Table,
  type TableForm,
  unreadable,
} from '@reclmis/core';
import { readRegular } from './regular.js';

/** QaTa-COV19's workbook of 7,142 notes has 0.1 MB. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
export const TABLE_EXTENSIONS: ReadonlySet<string> = new Set(['.xlsx', '.csv', '.tsv', '.jsonl']);

async function readBytes(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES)
      throw unreadable(
        path,
        `has ${size} bytes, the limit is ${MAX_FILE_BYTES}`,
        'Keep only the notes in the file.',
      );
    return await readRegular(path, { limit: MAX_FILE_BYTES });
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

/** How each kind of file is read. */
export interface TableForms {
  readonly form: TableForm;
  /** Names of members in JSON lines; default: those of the form. */
  readonly members?: Pick<TableForm, 'names'> & Partial<Pick<TableForm, 'required' | 'either'>>;
}

/** For notes: JSON lines say `note` where tables say Description. */
const NOTE_FORMS: TableForms = { form: NOTES, members: NOTE_MEMBERS };

/**
 * @throws NOTES_MISSING, NOTES_UNREADABLE (damaged, too large, another encoding or format, ambiguous),
 * NOTES_CONFLICT (two sheets with the columns)
 */
export async function readTable(
  path: string,
  { form, members = form }: TableForms = NOTE_FORMS,
): Promise<Table> {
  const extension = extname(path).toLowerCase();
  if (!TABLE_EXTENSIONS.has(extension))
    throw unreadable(
      path,
      `expected .xlsx, .csv, .tsv or .jsonl, got ${extension || 'no extension'}`,
      'Save the table as XLSX; text with commas, semicolons or tabs needs a name ending in .csv.',
    );
  const bytes = await readBytes(path);
  if (extension === '.xlsx') {
    const { parseWorkbook } = await import('./workbook.js');
    return parseWorkbook(path, bytes, form);
  }
  const code = 'NOTES_UNREADABLE';
  if (extension === '.jsonl') {
    const { parseJsonLines } = await import('./json-lines.js');
    return parseJsonLines(decodeText(path, bytes, { code, remedy: 'Save it as UTF-8 text.' }), path, members);
  }
  const { parseCsv } = await loadCsv();
  const text = decodeText(path, bytes, { code, remedy: 'Save it as "CSV UTF-8", or as XLSX.' });
  return parseCsv(text, path, extension === '.tsv' ? { form, separators: ['\t'] } : { form });
}
