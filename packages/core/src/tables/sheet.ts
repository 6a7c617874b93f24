/**
 * One sheet of a workbook as rows of notes (ECMA-376 part 1, 18.3). Without `r`, a cell or row follows the
 * last. Far-out places are refused before memory is allocated. A name that became a date or number is
 * reported, since the typed text is lost. Hidden and filtered rows and columns count.
 */
import { defined } from '../defined.js';
import { type Column, columnName, type Head, headOf, type NoteRow, NOTES, rowOf, type TableForm, unreadable } from './columns.js'; // prettier-ignore
import type { CellFormats } from './formats.js';
import { Enough, readXml } from './xml.js';

/** Largest sheet, by ECMA-376. */
const MAX_ROWS = 1_048_576;
const MAX_COLUMNS = 16_384;
/** Up to the last filled cell; 64 MB of XML hold fewer. */
const MAX_CELLS = 4_000_000;

const TYPE_AGAIN = 'Format the column as text and type the name again; the original input is lost.';

export interface SharedParts {
  readonly strings: readonly string[];
  readonly formats: CellFormats;
}

export interface SheetContent {
  readonly fields: readonly string[];
  /** Null if that row is no head of notes. */
  readonly rows: readonly NoteRow[] | null;
}

/** Text of `<si>` or `<is>`: all `<t>`, without phonetic hints; `_x000D_` means the character 0D. */
export const isShownText = (path: readonly string[]): boolean => path.at(-1) === 't' && !path.includes('rPh');
export const unescapeText = (text: string): string =>
  text.replace(/_x([0-9A-Fa-f]{4})_/gu, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));

/** `A` to `XFD` as 1 to 16,384, and the row, or null. */
function parseReference(reference: string): { column: number; row: number } | null {
  const match = /^\$?([A-Z]{1,3})\$?(\d{1,10})$/iu.exec(reference);
  if (match === null) return null;
  const [, letters = '', digits = ''] = match;
  const column = [...letters.toUpperCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0);
  return { column, row: Number(digits) };
}

interface OpenCell {
  readonly column: number; // from 0
  readonly type: string;
  readonly style: number | null;
  value: string;
  inline: string;
  formula: boolean;
}

class SheetReader {
  fields: readonly string[] = [];
  rows: NoteRow[] | null = null;
  private head: Head | null = null;
  private headRow = 0;
  private kept: readonly (readonly [Column, number])[] = []; // the columns of notes
  private row = 0;
  private column = -1;
  private cell: OpenCell | null = null;
  private firstRow: string[] = []; // while it may be the head
  private current: Partial<Record<Column, string>> = {};
  private numericName: string | undefined;
  private seen = new Set<number>(); // columns of this row
  private widest = 0;
  private lowest = 0;

  constructor(
    private readonly path: string,
    private readonly sheet: string,
    private readonly shared: SharedParts,
    private readonly form: TableForm,
  ) {}

  private refuse(why: string, remedy?: string): never {
    throw unreadable(this.path, `sheet ${JSON.stringify(this.sheet)}: ${why}`, remedy);
  }

  private damaged(why: string): never {
    return this.refuse(
      `${why}; the workbook is damaged`,
      'Open it in a spreadsheet program and save it again.',
    );
  }

  open(path: readonly string[], attributes: Readonly<Record<string, string>>): void {
    const [root, part, row] = path;
    if (root !== 'worksheet') return this.damaged('is not a worksheet');
    if (part === 'mergeCells' && path.length === 3) this.merged(attributes['ref'] ?? '');
    if (part !== 'sheetData' || row !== 'row') return;
    if (path.length === 3) this.openRow(attributes['r']);
    else if (path.length === 4 && path[3] === 'c') this.openCell(attributes);
    else if (path.length === 5 && path[4] === 'f' && this.cell !== null) this.cell.formula = true;
  }

  text(path: readonly string[], text: string): void {
    if (this.cell === null) return;
    if (path[4] === 'v') this.cell.value += text;
    else if (path[4] === 'is' && isShownText(path)) this.cell.inline += text;
  }

  close(path: readonly string[]): void {
    if (path[1] !== 'sheetData') return;
    if (path.length === 4 && path[3] === 'c') this.closeCell();
    else if (path.length === 3) this.closeRow();
  }

  private openRow(reference: string | undefined): void {
    const row = reference === undefined ? this.row + 1 : Number(reference);
    if (!Number.isInteger(row) || row < 1 || row > MAX_ROWS)
      this.refuse(
        `expected rows 1 to ${MAX_ROWS}, got row ${String(reference ?? row).slice(0, 20)}`,
        'Delete that row.',
      );
    if (row <= this.row) this.damaged(`row ${row} comes after row ${this.row}`);
    this.row = row;
    this.column = -1;
    this.seen.clear();
    this.firstRow = [];
    this.current = {};
    this.numericName = undefined;
  }

  private openCell(attributes: Readonly<Record<string, string>>): void {
    const reference = attributes['r'];
    const place =
      reference === undefined ? { column: this.column + 2, row: this.row } : parseReference(reference);
    if (place?.row !== this.row || place.column > MAX_COLUMNS)
      return this.damaged(
        `row ${this.row} holds a cell at ${JSON.stringify((reference ?? '').slice(0, 20))}`,
      );
    this.column = place.column - 1;
    if (this.seen.has(this.column)) this.damaged(`cell ${this.name(this.column)} occurs twice`);
    this.seen.add(this.column);
    const style = attributes['s'];
    this.cell = {
      column: this.column,
      type: attributes['t'] ?? 'n',
      style: style === undefined ? null : Number(style),
      value: '',
      inline: '',
      formula: false,
    };
  }

  private name(column: number): string {
    return `${columnName(column)}${this.row}`;
  }

  private closeCell(): void {
    const { cell } = this;
    this.cell = null;
    if (cell === null) return;
    const column = this.kept.find(([, at]) => at === cell.column)?.[0];
    if (cell.value === '' && cell.inline === '' && !cell.formula) return; // only formatted
    this.lowest = Math.max(this.lowest, this.row);
    this.widest = Math.max(this.widest, cell.column + 1);
    if (this.lowest * this.widest > MAX_CELLS)
      this.refuse(
        `cell ${this.name(cell.column)} makes the sheet ${this.lowest} rows by ${this.widest} columns, more than ${MAX_CELLS} cells`,
        `Clear ${this.name(cell.column)}, or move the notes to a separate sheet.`,
      );
    if (this.head === null) this.firstRow[cell.column] = this.asText(cell, 'head');
    else if (column !== undefined) this.current[column] = this.asText(cell, column);
  }

  private asText(cell: OpenCell, column: Column | 'head'): string {
    const strict = column !== 'head';
    const at = `cell ${this.name(cell.column)}`;
    switch (cell.type) {
      case 's': {
        const text = /^\s*\d+\s*$/u.test(cell.value) ? this.shared.strings[Number(cell.value)] : undefined;
        return text ?? this.damaged(`${at} refers to a text that is not in the workbook`);
      }
      case 'inlineStr':
        return unescapeText(cell.inline);
      case 'str':
        return unescapeText(cell.value);
      case 'b':
        if (strict)
          this.refuse(`${at} is ${cell.value.trim() === '1' ? 'TRUE' : 'FALSE'}, expected text`, TYPE_AGAIN);
        return cell.value;
      case 'e':
        if (strict)
          this.refuse(
            `${at} holds the error ${cell.value.slice(0, 20)}`,
            'Fix the formula, or type the value.',
          );
        return cell.value;
      case 'd':
        if (strict) this.refuse(`${at} is a date (${cell.value.slice(0, 20)}), expected text`, TYPE_AGAIN);
        return cell.value;
      case 'n':
        return this.asNumber(cell, column, at);
      default:
        return this.damaged(`${at} has the unknown type ${JSON.stringify(cell.type.slice(0, 20))}`);
    }
  }

  private asNumber(cell: OpenCell, column: Column | 'head', at: string): string {
    const written = cell.value.trim();
    if (written === '') {
      if (column !== 'head')
        this.refuse(
          `${at} is a formula without a stored result`,
          'Open the workbook in a spreadsheet program to compute it and save it, or replace formulas with their values.',
        );
      return '';
    }
    const value = Number(written);
    if (!Number.isFinite(value)) this.damaged(`${at} is not a number`);
    if (column === 'head') return String(value);
    const { kind, shown } = this.shared.formats.of(cell.style, value) ?? this.damaged(`${at} has no style`);
    const typed = column === 'spacing' ? 'a number' : 'text';
    if (kind === 'date')
      this.refuse(
        `${at} is a date (${shown}), expected ${typed}: the spreadsheet program took what was typed for a date`,
        column === 'spacing' ? 'Format the column as numbers and type the size again.' : TYPE_AGAIN,
      );
    if (kind === 'percent')
      this.refuse(
        `${at} is a percentage (${shown}), expected ${typed}`,
        column === 'spacing'
          ? 'Format the column as numbers and type the size in millimetres again.'
          : TYPE_AGAIN,
      );
    if (column === 'spacing') return String(value);
    if (kind !== 'plain')
      this.refuse(
        `${at} is the number ${value} in a format that shows it differently, expected text`,
        TYPE_AGAIN,
      );
    if (column !== 'image' && column !== 'mask') return String(value);
    if (!/^\d{1,15}$/u.test(String(value)))
      this.refuse(`${at} is the number ${value}, expected a file name as text`, TYPE_AGAIN);
    if (column === 'image') this.numericName = this.name(cell.column);
    return String(value);
  }

  private closeRow(): void {
    if (this.head !== null) {
      const said = (column: Column): string => (this.current[column] ?? '').trim();
      if (this.kept.every(([column]) => said(column) === '')) return;
      const { numericName } = this;
      this.rows?.push({ ...rowOf(this.row, this.head.at, said), ...defined({ numericName }) });
      return;
    }
    const fields = Array.from(this.firstRow, (field: string | undefined) => field ?? '');
    if (fields.every((field) => field.trim() === '')) return;
    this.fields = fields;
    this.head = headOf(`${this.path}: sheet ${JSON.stringify(this.sheet)}`, fields, this.form);
    if (this.head === null) throw new Enough(); // not a sheet of notes
    const { at } = this.head;
    this.headRow = this.row;
    this.kept = (Object.entries(at) as [Column, number][]).map(([column, index]) => [column, index] as const);
    this.rows = [];
  }

  /** Refuses merged rows: only the first would have a name or note. */
  private merged(reference: string): void {
    const [from, to] = reference.split(':').map(parseReference);
    if (from === undefined || from === null)
      return this.damaged(`merges the cells ${JSON.stringify(reference.slice(0, 20))}`);
    const last = to ?? from;
    const touches = this.kept.some(([, at]) => from.column - 1 <= at && at <= last.column - 1);
    if (!touches || last.row === from.row || last.row <= this.headRow || from.row > this.lowest) return;
    this.refuse(
      `cells ${reference} are merged, so only row ${from.row} has their content`,
      'Unmerge them and fill in each row.',
    );
  }
}

/** Stops after the head if it is none of notes. @throws NOTES_UNREADABLE naming sheet and cell */
export function readSheet(
  path: string,
  sheet: { readonly name: string; readonly part: string; readonly bytes: Uint8Array },
  shared: SharedParts,
  form: TableForm = NOTES,
): SheetContent {
  const reader = new SheetReader(path, sheet.name, shared, form);
  readXml(path, sheet.part, sheet.bytes, {
    open: (at, attributes) => reader.open(at, attributes),
    text: (at, text) => reader.text(at, text),
    close: (at) => reader.close(at),
  });
  return { fields: reader.fields, rows: reader.rows };
}
