/**
 * The notes of a data set: a table with the columns `Image` (file name of the MASK, LViT's convention) and
 * `Description` (the note), and optionally `Spacing` and `Source`. Cells are trimmed, blank rows skipped, the
 * case of notes kept; names are in NFC (`nameKey`).
 */
import { extname } from 'node:path';
import {
  encodeCsv,
  ReclmisError,
  type NoteRow,
  SLICE_NOTE_MEMBERS,
  SLICE_NOTES,
  type Table,
  unreadable,
} from '@reclmis/core';
import { encodeWorkbook } from './encode-workbook.js';
import { writeFileAtomic } from './whole-file.js';
import { nameDifference, nameKey, visibleName } from './names.js';
import { readTable } from './tables.js';

export interface NoteTable {
  readonly path: string;
  /** What messages call its rows. */
  readonly unit: 'row' | 'line';
  /** Mask file name -> note; never empty. */
  readonly notes: ReadonlyMap<string, string>;
  /** Masks without a description, in order. */
  readonly blank: readonly string[];
  /** Rows or lines, from 1, without an image. */
  readonly unnamed: readonly number[];
  /** Mask file name -> its Spacing, if any. */
  readonly spacings: ReadonlyMap<string, string>;
  /** Masks from which their note was derived: Source begins with "derived". */
  readonly derived: ReadonlySet<string>;
  /** Names stored as numbers, without leading zeros -> their cells (`A5`). */
  readonly numeric: ReadonlyMap<string, string>;
  /** Notes for some slices of a volume, in order; read if asked for. */
  readonly ranges: readonly NoteRange[];
}

/** The note of some slices of a volume. */
export interface NoteRange {
  /** Row or line, from 1. */
  readonly number: number;
  /** The volume's name; empty: the only one. */
  readonly image: string;
  /** From 1, both included. */
  readonly first: number;
  readonly last: number;
  readonly note: string;
  /** As written; empty: none. */
  readonly spacing: string;
}

export interface NoteOptions {
  /** Read the column Slices, whose rows are in `ranges` and need no image. Default false: it is passed over. */
  readonly slices?: boolean;
}

/** Source of a note derived from its mask. */
export const DERIVED = 'derived from masks';

function checkTexts(path: string, unit: Table['unit'], { number, image, description }: NoteRow): void {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const bad = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffd]/u.exec(image + description);
  if (bad === null) return;
  const why =
    bad[0] === '\ufffd' ? 'the replacement character for lost text (U+FFFD)' : 'a control character';
  throw unreadable(path, `${unit} ${number} holds ${why}`, 'Type the text of that row again.');
}

/**
 * Reads an .xlsx, .csv or .jsonl file.
 * @throws NOTES_MISSING, NOTES_UNREADABLE (damaged, ambiguous, or a column is missing), NOTES_EMPTY,
 * NOTES_CONFLICT (two notes or sizes for one mask, or two sheets of notes)
 */
export async function readNotes(path: string, { slices = false }: NoteOptions = {}): Promise<NoteTable> {
  const { unit, rows } = await (slices
    ? readTable(path, { form: SLICE_NOTES, members: SLICE_NOTE_MEMBERS })
    : readTable(path));
  const ranges: NoteRange[] = [];
  const notes = new Map<string, string>();
  const rowOf = new Map<string, NoteRow>();
  const blank: string[] = [];
  const unnamed: number[] = [];
  const spacings = new Map<string, string>();
  const derived = new Set<string>();
  const numeric = new Map<string, string>();
  const conflict = (what: string, { number, image }: NoteRow, other: NoteRow): ReclmisError => {
    const difference = nameDifference(image, other.image);
    const names =
      difference === null
        ? image
        : `${visibleName(other.image)} and ${visibleName(image)}, which differ in ${difference}`;
    return new ReclmisError(
      'NOTES_CONFLICT',
      `${path}: ${unit}s ${other.number} and ${number} have different ${what} for ${names}`,
    );
  };
  for (const row of rows) {
    const { number, image, description: note, spacing } = row;
    checkTexts(path, unit, row);
    const name = nameKey(image);
    if ((row.slice ?? '') !== '') {
      if (note !== '') ranges.push({ ...rangeOf(path, unit, row), image: name });
      continue;
    }
    if (name === '') {
      if (note !== '') unnamed.push(number);
      continue;
    }
    const earlier = rowOf.get(name);
    if (spacing !== '') {
      if (earlier !== undefined && (spacings.get(name) ?? spacing) !== spacing)
        throw conflict('pixel sizes', row, earlier);
      spacings.set(name, spacing);
    }
    if (/^derived\b/iu.test(row.source)) derived.add(name);
    if (row.numericName !== undefined) numeric.set(name, row.numericName);
    if (note === '') blank.push(name);
    else if ((notes.get(name) ?? note) === note) notes.set(name, note);
    else throw conflict('notes', row, earlier ?? row);
    if (earlier === undefined || (note !== '' && earlier.description === '')) rowOf.set(name, row);
  }
  if (notes.size === 0 && ranges.length === 0)
    throw new ReclmisError(
      'NOTES_EMPTY',
      rows.length === 0
        ? `${path}: the file contains no notes`
        : `${path}: no row below the header has an image and a description`,
    );
  return {
    path,
    unit,
    notes,
    blank: blank.filter((name) => !notes.has(name)),
    unnamed,
    spacings,
    derived,
    numeric,
    ranges,
  };
}

/** "81" or "1-40", counted from 1. @throws NOTES_UNREADABLE */
function rangeOf(path: string, unit: Table['unit'], row: NoteRow): Omit<NoteRange, 'image'> {
  const { number, description: note, spacing, slice = '' } = row;
  const [, from = '', to = from] = /^(\d{1,6})(?:\s*[-\u2013]\s*(\d{1,6}))?$/u.exec(slice) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (first < 1 || last < first)
    throw unreadable(
      path,
      `${unit} ${number}: expected slices such as 81 or 1-40, counted from 1, got "${slice.slice(0, 40)}"`,
      'Write one number or a range in each row; a second range takes a row of its own.',
    );
  return { number, first, last, note, spacing };
}

const WRITTEN = ['.xlsx', '.csv', '.jsonl'];

/** Refuses other extensions. @throws OPTION_INVALID */
export function checkNotesName(path: string): void {
  if (WRITTEN.includes(extname(path).toLowerCase())) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${path}: expected a file of notes ending in .xlsx, .csv or .jsonl`,
  );
}

/**
 * Writes .xlsx, .csv or .jsonl, all or nothing, for `readNotes`.
 * @param rows mask file name, note, Source. @throws OPTION_INVALID for another extension, OUTPUT_UNWRITABLE,
 * DISK_FULL
 */
export async function writeNotes(
  path: string,
  rows: readonly { readonly image: string; readonly note: string; readonly source: string }[],
): Promise<void> {
  checkNotesName(path);
  const table = [['Image', 'Description', 'Source'], ...rows.map((row) => [row.image, row.note, row.source])];
  switch (extname(path).toLowerCase()) {
    case '.xlsx':
      return writeFileAtomic(path, await encodeWorkbook(table));
    case '.csv':
      return writeFileAtomic(path, encodeCsv(table));
    default:
      return writeFileAtomic(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}
