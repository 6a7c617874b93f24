/**
 * Lists what `reclmis predict` segments: images, each with note and pixel size.
 *
 * Notes are keyed by mask names in LViT's layout and by image names elsewhere. An exact match wins; otherwise
 * names match without extension and leading `mask_`. For images in subfolders, paths are compared or, if
 * unambiguous, file names. Notes for some slices of a volume are in `slice-notes.ts`.
 */
import { basename } from 'node:path';
import { type ErrorCode, parseSpacing, ReclmisError, type Spacing, type WindowChoice } from '@reclmis/core';
import { NearNames, type NoteTable, readNotes } from '@reclmis/files';
import { type ImageFile, listImages } from './images.js';
import { keyOf, plain } from './note-names.js';
import { type LeftOut, type RowOfSlice, SliceNotes } from './slice-notes.js';

export interface PredictionCase extends ImageFile {
  readonly note: string;
  readonly spacing: Spacing | null;
  /** Grey level window of DICOM and NIfTI; absent: the file's own. */
  readonly window?: WindowChoice;
  /** Why it cannot be segmented, if already known. */
  readonly refused?: { readonly code: ErrorCode; readonly message: string };
}

export interface CaseSource {
  /** A file, a folder or a pattern. */
  readonly image: string;
  readonly out: string;
  /** One note for all. */
  readonly note?: string;
  /** .xlsx, .csv or .jsonl with notes by image. */
  readonly notes?: string;
  /** Use an empty note for images without one. Default false. */
  readonly emptyNotes?: boolean;
  /** Whether the model reads notes. Default true. */
  readonly required?: boolean;
  /** Grey level window of DICOM and NIfTI. */
  readonly window?: WindowChoice;
  /** For images without a spacing in the notes. */
  readonly spacing?: Spacing | null;
  /** Called if rows of the notes match no image. */
  readonly onUnused?: (rows: UnusedRows) => void;
  /** Called if the notes are for slices, and some slices have none: they are not among the cases. */
  readonly onLeftOut?: (volumes: readonly LeftOut[]) => void;
}

export interface UnusedRows {
  readonly notes: string;
  readonly rows: number;
  readonly of: number;
  readonly first: readonly string[];
}

const NAMED = 3;

/** "notes.csv: 2 of 40 rows belong to none of the images (a.png, b.png)". */
export function describeUnused({ notes, rows, of, first }: UnusedRows): string {
  const names = `${first.join(', ')}${rows > first.length ? ', ...' : ''}`;
  return `${notes}: ${rows} of ${of} ${of === 1 ? 'row' : 'rows'} with a note ${rows === 1 ? 'matches' : 'match'} none of the images (${names})`;
}

type Words = Pick<PredictionCase, 'note' | 'spacing' | 'refused'>;

/**
 * The cases, sorted by id; those without a note are marked as refused, but slices that no row is for are left out.
 * @throws IMAGE_MISSING, DATA_SPLIT_EMPTY, NOTE_EMPTY, NOTE_MISSING, OPTION_INVALID, OUTPUT_EXISTS,
 * NOTES_CONFLICT and the codes of `readNotes`
 */
export async function predictionCases(source: CaseSource): Promise<PredictionCase[]> {
  const { window } = source;
  const cases = await casesOf(source);
  return window === undefined ? cases : cases.map((one) => ({ ...one, window }));
}

async function casesOf(source: CaseSource): Promise<PredictionCase[]> {
  const images = await listImages(source.image, source.out);
  if (source.notes === undefined) {
    const wordsOf = oneForAll(source);
    return images.map((image) => ({ ...image, ...wordsOf() }));
  }
  const { wordsOf, unused, leftOut } = await fromFile(source, source.notes, images);
  const cases = images.flatMap((image): PredictionCase[] => {
    const words = wordsOf(image);
    return words === null ? [] : [{ ...image, ...words }];
  });
  const rows = unused();
  if (rows.rows > 0) source.onUnused?.(rows);
  const volumes = leftOut();
  if (volumes.length > 0) source.onLeftOut?.(volumes);
  return cases;
}

function oneForAll({ note, emptyNotes, required = true, spacing = null }: CaseSource): () => Words {
  const text = note?.trim() ?? '';
  if (note !== undefined && emptyNotes) {
    throw new ReclmisError(
      'OPTION_INVALID',
      '--note gives every image a note, so --empty-notes cannot be used with it',
    );
  }
  if (text === '' && required && !emptyNotes) {
    if (note !== undefined) throw new ReclmisError('NOTE_EMPTY', 'the note has no words');
    throw new ReclmisError('NOTE_MISSING', 'neither a note nor a file of notes was given', {
      remedy:
        'Use --note TEXT for all images, --notes FILE with the columns Image and Description, or --empty-notes.',
    });
  }
  return () => ({ note: text, spacing });
}

async function fromFile(
  { note, emptyNotes, required = true, spacing = null }: CaseSource,
  file: string,
  images: readonly ImageFile[],
): Promise<{
  /** Null for a slice that is left out. */
  wordsOf: (image: ImageFile) => Words | null;
  unused: () => UnusedRows;
  leftOut: () => readonly LeftOut[];
}> {
  if (note !== undefined) {
    throw new ReclmisError('OPTION_INVALID', 'both a note and a file of notes were given; expected only one');
  }
  const table = await readNotes(file, { slices: true });
  if (table.unnamed[0] !== undefined) {
    throw new ReclmisError(
      'NOTES_UNREADABLE',
      `${file}: ${table.unit} ${table.unnamed[0]} has a note but no image`,
      { remedy: 'Name the image in that row, or delete the row.' },
    );
  }
  for (const [name, text] of table.spacings) parseSpacing(text, `${file}: ${name}`, 'NOTES_UNREADABLE');
  for (const { number, spacing: text } of table.ranges)
    if (text !== '') parseSpacing(text, `${file}: ${table.unit} ${number}`, 'NOTES_UNREADABLE');
  const sliced = new SliceNotes(table, images);
  const notes = new Column(table.notes, file, 'notes');
  const spacings = new Column(table.spacings, file, 'spacings');
  const near = new NearNames([...table.notes.keys()].flatMap((name) => [keyOf(name), name]));
  const sharing = new Map<string, number>();
  for (const image of new Set(images.map((one) => one.image))) {
    const name = keyOf(basename(image));
    sharing.set(name, (sharing.get(name) ?? 0) + 1);
  }
  const measuredAs = (size: string | undefined): Spacing | null =>
    size === undefined || size === '' ? spacing : parseSpacing(size, file, 'NOTES_UNREADABLE');
  const ofSlice = (row: RowOfSlice | null): Words | null => {
    if (row !== null) return { note: row.note, spacing: measuredAs(row.spacing) };
    return !required || emptyNotes ? { note: '', spacing } : null;
  };
  const wordsOf = (one: ImageFile): Words | null => {
    const { id, image, imagePath } = one;
    const name = keyOf(basename(image));
    const alone = sharing.get(name) === 1;
    const found = notes.of(image, alone);
    const measured = measuredAs(spacings.of(image, alone));
    const row = sliced.of(one);
    if (row !== undefined) {
      if (found === undefined) return ofSlice(row);
      throw new ReclmisError(
        'NOTES_CONFLICT',
        `${file}: one row for ${image} has a note for all its slices, others for some of them`,
        { remedy: 'Keep the rows with slices, or the one without.' },
      );
    }
    if (found !== undefined || !required || emptyNotes) return { note: found ?? '', spacing: measured };
    const shared =
      !alone && notes.has(name)
        ? `; ${sharing.get(name)} images are called ${name}, so refer to them by path`
        : '';
    const hint = numericHint(table, basename(image)) || hintOf(near, image);
    const message = `${imagePath}: ${file} has no note for ${id}${shared || hint}`;
    return { note: '', spacing: measured, refused: { code: 'NOTE_MISSING', message } };
  };
  const unused = (): UnusedRows => {
    const names = [...notes.unused(), ...sliced.unused];
    return {
      ...{ notes: file, rows: names.length, of: table.notes.size + table.ranges.length },
      first: [...new Set(names)].slice(0, NAMED),
    };
  };
  const leftOut = (): readonly LeftOut[] => (required && !emptyNotes ? sliced.leftOut() : []);
  return { wordsOf, unused, leftOut };
}

/** A column of the table, by exact name and by key; null where rows with the same key differ. */
class Column {
  private readonly exact = new Map<string, string | null>();
  private readonly byKey = new Map<string, string | null>();
  private readonly found = { exact: new Set<string>(), byKey: new Set<string>() };

  constructor(
    private readonly rows: ReadonlyMap<string, string>,
    private readonly file: string,
    private readonly what: string,
  ) {
    const add = (to: Map<string, string | null>, name: string, text: string): void => {
      to.set(name, (to.get(name) ?? text) === text && to.get(name) !== null ? text : null);
    };
    for (const [name, text] of rows) {
      add(this.exact, plain(name), text);
      add(this.byKey, keyOf(name), text);
    }
  }

  has(key: string): boolean {
    return this.byKey.has(key);
  }

  /** By path or, if its file name is unique (`alone`), by file name. @throws NOTES_CONFLICT */
  of(image: string, alone: boolean): string | undefined {
    for (const name of alone ? [image, basename(image)] : [image]) {
      const key = keyOf(name);
      const isExact = typeof this.exact.get(name) === 'string';
      if (isExact) this.found.exact.add(name);
      if (!isExact || this.byKey.get(key) !== null) this.found.byKey.add(key);
      const said = this.exact.get(name) ?? this.byKey.get(key);
      if (said !== null && said !== undefined) return said;
      if (said === null)
        throw new ReclmisError(
          'NOTES_CONFLICT',
          `${this.file}: rows for ${image} have different ${this.what}`,
        );
    }
    return undefined;
  }

  /** In the table's order. */
  unused(): string[] {
    const { exact, byKey } = this.found;
    return [...this.rows.keys()].filter((name) => !exact.has(plain(name)) && !byKey.has(keyOf(name)));
  }
}

/** Hints that a sheet has a name as a number, without leading zeros. */
function numericHint({ numeric }: NoteTable, file: string): string {
  const digits = /^0+(\d+)$/u.exec(keyOf(file))?.[1] ?? '';
  const cell = numeric.get(digits);
  if (cell === undefined) return '';
  return `; cell ${cell} holds the number ${digits}, without leading zeros: format the column as text and type the name again`;
}

/** By path or by file name. */
const hintOf = (near: NearNames, image: string): string =>
  [image, basename(image), keyOf(image), keyOf(basename(image))]
    .map((name) => near.hint(plain(name)))
    .find(Boolean) ?? '';
