/**
 * Finds rows of a CSV that were split within an unquoted note. More fields than the head show it; left-out
 * last columns hide it: `a.png,Unilateral, left` under `Image,Description,Remark` may be the note
 * "Unilateral, left". So each joint of unquoted fields is examined where columns may be left out, by the
 * signs in docs/reference/tables.md. Undecidable rows are refused; quotes around the field decide.
 */
import { isNoteWord } from '../notes/note-words.js';
import { wordsOf } from '../text/words.js';
import { type Head, unreadable } from './columns.js';

const SEPARATORS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab' };
export const nameOf = (separator: string): string => SEPARATORS[separator] ?? `"${separator}"`;

export interface CsvRow {
  /** From 1. */
  readonly line: number;
  readonly fields: readonly string[];
  readonly raw: string;
}

/** How the table was written. */
export interface CsvStyle {
  readonly separator: string;
  /** A space follows every separator of the head. */
  readonly spaced: boolean;
  readonly quoting: boolean;
}

/** With quotes and spaces. */
function written({ raw }: CsvRow, separator: string): string[] {
  const cells: string[] = [];
  let [from, quoted] = [0, false];
  for (let at = 0; at < raw.length; at += 1) {
    if (raw[at] === '"') quoted = !quoted;
    if (quoted || raw[at] !== separator) continue;
    cells.push(raw.slice(from, at));
    from = at + 1;
  }
  return [...cells, raw.slice(from)];
}

const isSpaced = (cells: readonly string[]): boolean =>
  cells.every((cell, i) => i === 0 || cell.trim() === '' || cell.startsWith(' '));

const isQuoted = (cell: string): boolean => cell.trimStart().startsWith('"');

/** @param rows the head, then the others. */
export function styleOf(rows: readonly CsvRow[], separator: string): CsvStyle {
  const [head, ...others] = rows;
  return {
    separator,
    spaced: head !== undefined && isSpaced(written(head, separator)),
    quoting: others.some(
      (row) =>
        row.raw.includes('"') &&
        written(row, separator).some((cell) => isQuoted(cell) && cell.includes(separator)),
    ),
  };
}

/** A pixel size, well-formed or not; `2 areas` is none. */
const isSize = (text: string): boolean => /^\s*[\d.](?!.*\p{L}{3})/u.test(text);
/** A number, a date, or one word with a digit. */
const isValue = (text: string): boolean => /^(?:\P{L}*\d\P{L}*|\S*\d\S*)$/u.test(text.trim());
const isFile = (text: string): boolean => /\.(?:png|jpe?g|tiff?|bmp|gif|webp|dcm|nii|gz)\s*$/iu.test(text);

/** A word of the columns split and sides of a table of cases. */
const isChoice = (text: string): boolean =>
  /^\s*(?:train|training|val|valid|validation|dev|test|testing|patient|image)\s*$/iu.test(text);

function readsAsNote(text: string): boolean {
  const words = wordsOf(text);
  return words.some((word) => word.length > 2) && words.every((word) => isNoteWord(word));
}

/** Why a field may continue the one before, or null. */
function whyTogether(cell: string, { separator, spaced, quoting }: CsvStyle): string | null {
  const name = nameOf(separator);
  if (/^ +\S/u.test(cell)) {
    if (!spaced) return `a space follows the ${name} before it`;
    return quoting ? null : `spaces follow every ${name}, and nothing is quoted`;
  }
  if (separator !== ',' || quoting) return null;
  if (/^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(cell))
    return 'its script has no spaces, and nothing is quoted';
  return readsAsNote(cell) ? 'it contains only words of notes, and nothing is quoted' : null;
}

function checkJoints(path: string, row: CsvRow, { at, width }: Head, style: CsvStyle): void {
  const { image = -1, description = 0, spacing = -1, source = -1, mask = -1, split = -1, sides = -1 } = at;
  if (width - 1 <= Math.max(image, description)) return; // no column can be left out
  const cells = written(row, style.separator);
  const own = { ...style, spaced: style.spaced && isSpaced(cells) };
  const cell = (index: number): string => cells[index] ?? '';
  let last = Math.max(image, description, spacing - 1, source - 1);
  while (last + 2 < width && isValue(cell(last + 1))) last += 1; // "Unilateral, 2, left"
  for (let i = 0; i <= last; i += 1) {
    const [a, b] = [cell(i), cell(i + 1)];
    if (isQuoted(a) || isQuoted(b) || a.trim() === '' || b.trim() === '') continue;
    const shifted = i + 1 === spacing && spacing > description && !isSize(b);
    const file = i === image || i === mask;
    const chosen = (i + 1 === split || i + 1 === sides) && isChoice(b);
    const whole =
      chosen || (file ? isFile(a) || !isFile(b) : (i + 1 === image || i + 1 === mask) && isFile(b));
    if (!shifted && (whole || (i + 1 === spacing ? isSize(b) : isValue(b)))) continue;
    const why = shifted
      ? 'the column Spacing contains words instead of a number'
      : whyTogether(b.replace(/[\r\n]+$/u, ''), own);
    if (why === null) continue;
    throw unreadable(
      path,
      `line ${row.line}: field ${i + 2} may be the rest of field ${i + 1}, cut at its ${nameOf(style.separator)}: ${why}`,
      `Put field ${i + 1} in double quotes, including the ${nameOf(style.separator)} if it is part of it, or save the table as XLSX.`,
    );
  }
}

/** Throws unless a row is as wide as the head, without empty fields at the end. @throws NOTES_UNREADABLE */
export function checkWidth(path: string, row: CsvRow, head: Head, style: CsvStyle): void {
  const { line, fields } = row;
  const { at, width } = head;
  const separator = nameOf(style.separator);
  const filled = fields.findLastIndex((field) => field.trim() !== '') + 1;
  const refuse = (got: number, why: string): never => {
    throw unreadable(
      path,
      `line ${line}: expected ${width} fields, as in the header, got ${got}${why}`,
      `Put fields that contain a ${separator}, a line break or a quotation mark in double quotes, or save the table with another separator or as XLSX.`,
    );
  };
  if (filled > width) refuse(filled, `: one of them contains a ${separator} without quotes`);
  // "a.png,left lung, upper," under Image,Description,Remark: the last comma may belong to an empty remark,
  // unless a number is in the spacing's place.
  const { description = 0, spacing = -1 } = at;
  const ends = fields.length > width && filled === width;
  const fits = spacing > description && isSize(fields[spacing] ?? '');
  if (ends && description < width - 1 && !fits) refuse(fields.length, ', the last of them empty');
  if (fields.length < width)
    refuse(
      fields.length,
      `; empty fields need their ${separator} too, and a line break within a note needs quotes`,
    );
  checkJoints(path, row, head, style);
}
