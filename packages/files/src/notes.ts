/**
 * The notes of a data set: a table with the columns `Image` and `Description`, in any order and case; `Spacing` and `Source` may stand beside
 * them, further columns are ignored.
 * `Image` holds the file name of the MASK (LViT's convention; see data/README.md of the sets), `Description` the note.
 * Blanks around cells are dropped, blank rows are skipped, the case of notes is kept.
 */
import { extname } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { writeFileAtomic } from './files.js';
import { encodeCsv, encodeWorkbook, readTable } from './tables.js';

export interface NoteTable {
  readonly path: string;
  /** Mask file name -> note; never an empty note. */
  readonly notes: ReadonlyMap<string, string>;
  /** Masks whose row has no description, in the file's order. */
  readonly blank: readonly string[];
  /** Numbers, from 1, of rows that have a description but no image. */
  readonly unnamed: readonly number[];
  /** Mask file name -> what the column Spacing holds for it, where it holds something. */
  readonly spacings: ReadonlyMap<string, string>;
  /** Masks whose note was made of the mask: their column Source begins with "derived". */
  readonly derived: ReadonlySet<string>;
}

/** What the column Source of a note that was made of its mask says. */
export const DERIVED = 'derived from masks';

/**
 * Reads the notes of an .xlsx, .csv or .jsonl file.
 * @throws NOTES_MISSING, NOTES_UNREADABLE (damaged, or a column is missing), NOTES_EMPTY, NOTES_CONFLICT (two notes for one mask)
 */
export async function readNotes(path: string): Promise<NoteTable> {
  const rows = (await readTable(path)).map((row) => row.map((cell) => cell.trim()));
  const headAt = rows.findIndex((row) => row.some((cell) => cell !== ''));
  const head = (rows[headAt] ?? []).map((cell) => cell.toLowerCase());
  if (head.length === 0) throw new ReclmisError('NOTES_EMPTY', `${path}: the file holds no row`);
  const image = head.indexOf('image');
  const description = head.indexOf('description');
  const spacing = head.indexOf('spacing');
  const source = head.indexOf('source');
  if (image < 0 || description < 0) {
    const found = head
      .filter((name) => name !== '')
      .slice(0, 8)
      .join(', ');
    throw new ReclmisError(
      'NOTES_UNREADABLE',
      `${path}: expected the columns Image and Description, got ${found.slice(0, 200)}`,
    );
  }
  const notes = new Map<string, string>();
  const rowOf = new Map<string, number>();
  const blank: string[] = [];
  const unnamed: number[] = [];
  const spacings = new Map<string, string>();
  const derived = new Set<string>();
  for (const [index, row] of rows.entries()) {
    const name = row[image] ?? '';
    const note = row[description] ?? '';
    const number = index + 1;
    if (index <= headAt || (name === '' && note === '')) continue;
    const measured = spacing < 0 ? '' : (row[spacing] ?? '');
    if (name !== '' && measured !== '') spacings.set(name, measured);
    if (name !== '' && source >= 0 && /^derived\b/iu.test(row[source] ?? '')) derived.add(name);
    if (name === '') unnamed.push(number);
    else if (note === '') blank.push(name);
    else if ((notes.get(name) ?? note) === note) {
      notes.set(name, note);
      rowOf.set(name, rowOf.get(name) ?? number);
    } else {
      throw new ReclmisError(
        'NOTES_CONFLICT',
        `${path}: rows ${rowOf.get(name)} and ${number} hold different notes for ${name}`,
      );
    }
  }
  if (notes.size === 0)
    throw new ReclmisError('NOTES_EMPTY', `${path}: no row below the head has an image and a description`);
  return { path, notes, blank: blank.filter((name) => !notes.has(name)), unnamed, spacings, derived };
}

const WRITTEN = ['.xlsx', '.csv', '.jsonl'];

/** Refuses the name of a file that notes cannot be written into. @throws OPTION_INVALID */
export function checkNotesName(path: string): void {
  if (WRITTEN.includes(extname(path).toLowerCase())) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${path}: expected a file of notes that ends in .xlsx, .csv or .jsonl`,
  );
}

/**
 * Writes notes as an .xlsx, .csv or .jsonl file, by its extension, whole or not at all; `readNotes` reads it again.
 * @param rows mask file name, note, and what the column Source says.
 * @throws OPTION_INVALID for another extension, OUTPUT_UNWRITABLE, DISK_FULL
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
