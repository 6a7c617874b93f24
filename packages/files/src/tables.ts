/**
 * Tables from XLSX, CSV and JSONL files, as rows of text, and small XLSX files from rows.
 *
 * XLSX is read by read-excel-file; before that the archive is unpacked once against a budget, so that a file that unpacks to
 * gigabytes is refused instead of taking the memory. CSV is RFC 4180 with comma, semicolon or tab, in UTF-8. A line of JSONL is an object
 * `{"image": ..., "note": ..., "spacing": ..., "source": ...}`, of which all but the image may be missing (the spacing is a number or two).
 */
import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { ReclmisError } from '@reclmis/core';
import { oneLine, systemCode } from './files.js';

/** The largest file that is read; QaTa-COV19's workbook of 7,142 notes has 0.1 MB. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
/** The most that a workbook may unpack to. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024;

function unreadable(path: string, why: string, cause?: unknown): ReclmisError {
  return new ReclmisError('NOTES_UNREADABLE', `${path}: ${why}`, { cause });
}

/**
 * Unpacks every entry of a zip archive, and forgets it, to see that all are intact and how much they hold.
 * Sizes that the archive states are not trusted.
 */
function checkArchive(path: string, bytes: Buffer): void {
  if (bytes.length < 22 || bytes.readUInt32LE(0) !== 0x04034b50)
    throw unreadable(path, 'is not an XLSX workbook');
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || end + 22 > bytes.length)
    throw unreadable(path, 'the workbook is cut short (it has no directory)');
  let at = bytes.readUInt32LE(end + 16);
  let budget = MAX_UNPACKED_BYTES;
  for (let entries = bytes.readUInt16LE(end + 10); entries > 0; entries -= 1) {
    if (bytes.readUInt32LE(at) !== 0x02014b50) throw unreadable(path, 'the workbook’s directory is damaged');
    const method = bytes.readUInt16LE(at + 10);
    const packed = bytes.readUInt32LE(at + 20);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    if (start + packed > bytes.length) throw unreadable(path, 'the workbook is cut short');
    if (method !== 0 && method !== 8)
      throw unreadable(path, `an entry is packed by method ${method}, expected 0 or 8`);
    const body = bytes.subarray(start, start + packed);
    const size = method === 0 ? packed : inflateRawSync(body, { maxOutputLength: budget }).length;
    budget -= size;
    if (budget <= 0) throw unreadable(path, `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    at += 46 + bytes.readUInt16LE(at + 28) + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
  }
}

async function readWorkbook(path: string, bytes: Buffer): Promise<string[][]> {
  try {
    checkArchive(path, bytes);
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    const why =
      systemCode(error) === 'ERR_BUFFER_TOO_LARGE'
        ? `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
        : 'the workbook is damaged';
    throw unreadable(path, `${why} (${oneLine(error)})`, error);
  }
  const { readSheet } = await import('read-excel-file/node');
  try {
    const rows = await readSheet(bytes);
    return rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))));
  } catch (error) {
    throw unreadable(path, `the workbook is damaged (${oneLine(error)})`, error);
  }
}

/**
 * The rows of a CSV text: fields in double quotes may hold separators, line ends and doubled quotes; lines end in LF, CRLF or CR.
 * The separator is the one of comma, semicolon and tab that the first line holds most of.
 * @throws NOTES_UNREADABLE for a quote that is not closed, or text after a closing quote
 */
export function parseCsv(text: string, path = 'CSV'): string[][] {
  const source = text.replace(/^\uFEFF/u, '');
  const firstLine = /^[^\r\n]*/u.exec(source)?.[0] ?? '';
  const occurrences = (separator: string): number => firstLine.split(separator).length;
  const separator = [',', ';', '\t'].reduce((best, next) =>
    occurrences(next) > occurrences(best) ? next : best,
  );
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < source.length) {
    let field: string;
    if (source[at] === '"') {
      const open = at;
      field = '';
      for (;;) {
        const close = source.indexOf('"', at + 1);
        if (close < 0) {
          const line = source.slice(0, open).split(/\r\n|\n|\r/u).length;
          throw unreadable(path, `the quote that opens in line ${line} is never closed`);
        }
        field += source.slice(at + 1, close);
        at = close + 1;
        if (source[at] !== '"') break;
        field += '"'; // a doubled quote; the next turn goes on after it
      }
      const next = source[at];
      if (next !== undefined && next !== separator && next !== '\n' && next !== '\r') {
        throw unreadable(path, `row ${rows.length + 1}: ${JSON.stringify(next)} after a closing quote`);
      }
    } else {
      let end = at;
      while (end < source.length && source[end] !== separator && source[end] !== '\n' && source[end] !== '\r')
        end += 1;
      field = source.slice(at, end);
      at = end;
    }
    row.push(field);
    if (source[at] === separator) {
      at += 1;
      if (at === source.length) row.push('');
      else if (source[at] !== '\n' && source[at] !== '\r') continue;
      else row.push('');
    }
    if (source[at] === '\r' && source[at + 1] === '\n') at += 1;
    at += 1;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

/**
 * The rows of a text of JSON lines, under the head Image, Description, Spacing, Source; blank lines become blank rows.
 * @throws NOTES_UNREADABLE, which says in which line, and never what stands there
 */
export function parseJsonLines(text: string, path = 'JSONL'): string[][] {
  const rows = [['Image', 'Description', 'Spacing', 'Source']];
  for (const [index, line] of text
    .replace(/^\uFEFF/u, '')
    .split(/\r?\n/u)
    .entries()) {
    if (line.trim() === '') {
      rows.push([]);
      continue;
    }
    const wrong = (why: string, cause?: unknown): ReclmisError =>
      unreadable(path, `line ${index + 1}: ${why}`, cause);
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw wrong('is not JSON'); // the parser's own message quotes the line
    }
    if (
      typeof value !== 'object' ||
      value === null ||
      !('image' in value) ||
      typeof value.image !== 'string'
    ) {
      throw wrong('expected an object with a text "image"');
    }
    const note = 'note' in value ? (value.note ?? '') : '';
    if (typeof note !== 'string') throw wrong('expected a text as "note"');
    const spacing: unknown = 'spacing' in value ? (value.spacing ?? []) : [];
    const numbers: unknown[] = Array.isArray(spacing) ? spacing : [spacing];
    if (!numbers.every((number) => typeof number === 'number')) {
      throw wrong('expected a number or two numbers as "spacing"');
    }
    const source = 'source' in value ? (value.source ?? '') : '';
    if (typeof source !== 'string') throw wrong('expected a text as "source"');
    rows.push([value.image, note, numbers.join(','), source]);
  }
  return rows;
}

/**
 * The rows of the first sheet of a workbook, or of a CSV or JSONL file, by the file's extension.
 * @throws NOTES_MISSING, NOTES_UNREADABLE (damaged, too large, not UTF-8, another format)
 */
export async function readTable(path: string): Promise<string[][]> {
  const extension = extname(path).toLowerCase();
  if (extension !== '.xlsx' && extension !== '.csv' && extension !== '.jsonl')
    throw unreadable(path, `expected .xlsx, .csv or .jsonl, got ${extension || 'no extension'}`);
  let bytes: Buffer;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw unreadable(path, `has ${size} bytes, the limit is ${MAX_FILE_BYTES}`);
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    if (systemCode(error) === 'ENOENT')
      throw new ReclmisError('NOTES_MISSING', `${path}: no such file`, { cause: error });
    throw unreadable(path, `cannot be read (${oneLine(error)})`, error);
  }
  if (extension === '.xlsx') return readWorkbook(path, bytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const remedy = extension === '.csv' ? '; save it as "CSV UTF-8"' : '';
    throw unreadable(path, `is not UTF-8 text${remedy}`, error);
  }
  return extension === '.csv' ? parseCsv(text, path) : parseJsonLines(text, path);
}

function escapeXml(text: string): string {
  // eslint-disable-next-line no-control-regex -- XML 1.0 has no place for these characters, escaped or not
  const legal = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/gu, ' ');
  return legal.replace(
    /[&<>"]/gu,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c,
  );
}

/** The letters of a column: A to Z, AA, AB ... */
function columnName(column: number): string {
  const letter = String.fromCharCode(65 + (column % 26));
  return column < 26 ? letter : columnName(Math.floor(column / 26) - 1) + letter;
}

/** Rows as CSV (RFC 4180, comma, CRLF); the rows of `parseCsv` again. */
export function encodeCsv(rows: readonly (readonly string[])[]): string {
  const field = (text: string): string =>
    /[",;\t\r\n]/u.test(text) || text === '' ? `"${text.replaceAll('"', '""')}"` : text;
  return rows.map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

/** A workbook of one sheet of text cells (ECMA-376, inline strings); the same bytes for the same rows. */
export async function encodeWorkbook(rows: readonly (readonly string[])[]): Promise<Uint8Array> {
  const { zipSync, strToU8 } = await import('fflate');
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const office = 'http://schemas.openxmlformats.org';
  const cell = (text: string, row: number, column: number): string =>
    `<c r="${columnName(column)}${row + 1}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(text)}</t></is></c>`;
  const lines = rows
    .map((row, r) => `<row r="${r + 1}">${row.map((text, c) => cell(text, r, c)).join('')}</row>`)
    .join('');
  const relation = (type: string, target: string): string =>
    `<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${office}/officeDocument/2006/relationships/${type}" Target="${target}"/></Relationships>`;
  const part = (name: string, type: string): string =>
    `<Override PartName="/xl/${name}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${type}+xml"/>`;
  const files: Record<string, string> = {
    '[Content_Types].xml':
      `<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
      `<Default Extension="xml" ContentType="application/xml"/>${part('workbook', 'sheet.main')}${part('worksheets/sheet1', 'worksheet')}</Types>`,
    '_rels/.rels': relation('officeDocument', 'xl/workbook.xml'),
    'xl/workbook.xml':
      `<workbook xmlns="${office}/spreadsheetml/2006/main" xmlns:r="${office}/officeDocument/2006/relationships">` +
      `<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relation('worksheet', 'worksheets/sheet1.xml'),
    'xl/worksheets/sheet1.xml': `<worksheet xmlns="${office}/spreadsheetml/2006/main"><sheetData>${lines}</sheetData></worksheet>`,
  };
  return zipSync(
    Object.fromEntries(Object.entries(files).map(([name, xml]) => [name, strToU8(head + xml)])),
    {
      level: 6,
      mtime: new Date(1980, 0, 1, 12), // zip holds local times: this one is the same in every time zone
    },
  );
}
