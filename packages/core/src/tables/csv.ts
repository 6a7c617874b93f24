/**
 * Notes from CSV, by csv-parse: RFC 4180 and spreadsheets' dialects. The separator is whichever of comma,
 * semicolon and tab gives the head its columns, or a first line's `sep=;`. Rows must have as many fields as
 * the head: an unquoted comma or line end would silently cut a note (`csv-width.ts`).
 */
import { CsvError, type Options, parse } from 'csv-parse/browser/esm/sync'; // the same without Node's Buffer
import { ReclmisError } from '../errors.js';
import {
  describeFields,
  type Head,
  headOf,
  NOTES,
  type NoteRow,
  rowOf,
  type Table,
  type TableForm,
  unreadable,
} from './columns.js';
import { checkWidth, type CsvRow, nameOf, styleOf } from './csv-width.js';

/** Rows times columns; more would take gigabytes. */
const MAX_FIELDS = 4_000_000;
const SEPARATORS = [',', ';', '\t'];

interface RawRecord {
  readonly record: readonly string[];
  readonly raw: string;
}

const isBlank = (fields: readonly string[]): boolean => fields.every((field) => field.trim() === '');

/** @param offset lines before the text. @throws NOTES_UNREADABLE for unclosed or misplaced quotes */
function rowsOf(path: string, text: string, separator: string, offset: number, only?: 'first'): CsvRow[] {
  const rows: CsvRow[] = [];
  let next = 1 + offset; // the next record's line
  const options: Options = {
    delimiter: separator,
    record_delimiter: '\n',
    relax_column_count: true, // checked below, with the head
    ltrim: true, // spaces around quotes
    rtrim: true,
    raw: true,
    on_record: (found, { lines }) => {
      const { record, raw } = found as unknown as RawRecord; // missing in its types
      if (!isBlank(record)) rows.push({ line: next, fields: record, raw });
      next = lines + 1 + offset;
      return null;
    },
    ...(only === undefined ? {} : { to: 1, skip_records_with_empty_values: true }),
  };
  try {
    parse(text, options);
    return rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    if (error.code === 'CSV_QUOTE_NOT_CLOSED')
      throw unreadable(
        path,
        `the row that begins on line ${next} opens a quote that is never closed`,
        'Close the quote, or double it ("") to write a literal quotation mark.',
        error,
      );
    throw unreadable(
      path,
      `line ${Number(error['lines']) + offset} contains a quotation mark within a field`,
      'Put the field in double quotes and double the quotation marks in it: "say ""hi""".',
      error,
    );
  }
}

function statedSeparator(path: string, text: string): { separator: string; rest: string } | null {
  const line = /^[^\n]*/u.exec(text)?.[0] ?? '';
  if (!/^\s*"?sep=/iu.test(line)) return null;
  const separator = /^\s*"?sep=([^"\n])"?(?:\1|\s)*$/iu.exec(line)?.[1];
  if (separator !== undefined) return { separator, rest: text.slice(line.length + 1) };
  throw unreadable(
    path,
    `line 1: expected one character after sep=, got ${JSON.stringify(line.slice(0, 20))}`,
    'Write the separator itself, as in sep=; or omit the line.',
  );
}

interface Found {
  readonly separator: string;
  readonly head: Head;
}

/** The separator that gives the first row the columns; null if all is blank. @throws NOTES_UNREADABLE */
function findHead(
  path: string,
  text: string,
  candidates: readonly string[],
  offset: number,
  form: TableForm,
): Found | null {
  const found: Found[] = [];
  let most: readonly string[] = [];
  let failure: ReclmisError | undefined;
  for (const separator of candidates) {
    let fields: readonly string[];
    try {
      const [first] = rowsOf(path, text, separator, offset, 'first');
      if (first === undefined) return null;
      fields = first.fields;
    } catch (error) {
      if (!(error instanceof ReclmisError)) throw error;
      failure ??= error;
      continue;
    }
    if (fields.length > most.length) most = fields;
    const head = headOf(path, fields, form);
    if (head !== null) found.push({ separator, head });
  }
  const [first, second] = found;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined && most.length <= 1 && failure !== undefined) throw failure;
  const names = candidates.map(nameOf).join(', ');
  throw unreadable(
    path,
    first === undefined
      ? `expected the columns ${form.shown}, separated by ${names}; got ${describeFields(most)}`
      : `has the columns ${form.shown} with either of two separators, ${found.map(({ separator }) => nameOf(separator)).join(' and ')}`,
    `Name the columns ${form.shown} in the first row; a first line such as sep=; sets another separator.`,
  );
}

export interface CsvOptions {
  readonly form?: TableForm;
  /** Default: comma, semicolon or tab, as the head says. */
  readonly separators?: readonly string[];
}

/** @param text with LF line ends. @throws NOTES_UNREADABLE naming the line */
export function parseCsv(
  text: string,
  path = 'CSV',
  { form = NOTES, separators = SEPARATORS }: CsvOptions = {},
): Table {
  const stated = statedSeparator(path, text);
  const source = stated?.rest ?? text;
  const offset = stated === null ? 0 : 1;
  let signs = 0;
  for (const sign of ['\n', ...(stated === null ? separators : [stated.separator])])
    for (let at = source.indexOf(sign); at >= 0; at = source.indexOf(sign, at + 1)) signs += 1;
  if (signs > MAX_FIELDS)
    throw unreadable(
      path,
      `has more than ${MAX_FIELDS} fields`,
      'Keep only the rows and columns that are read.',
    );
  const found = findHead(path, source, stated === null ? separators : [stated.separator], offset, form);
  if (found === null) return { unit: 'line', rows: [] };
  const { separator, head } = found;
  const rows = rowsOf(path, source, separator, offset);
  const style = styleOf(rows, separator);
  return {
    unit: 'line',
    rows: rows.slice(1).map((row): NoteRow => {
      checkWidth(path, row, head, style);
      return rowOf(row.line, head.at, (column) => (row.fields[head.at[column] ?? -1] ?? '').trim());
    }),
  };
}
