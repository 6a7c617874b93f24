/**
 * Notes for some slices of a volume: rows with a column `Slices`, such as 81 or 1-40. Slices count from 1: those of a
 * NIfTI volume and the frames of a DICOM file as `predict` numbers its cases; single images of a DICOM series in the
 * order of their Instance Numbers, as viewers list them.
 */
import { basename, dirname, resolve } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { NoteRange, NoteTable } from '@reclmis/files';
import { seriesKey } from './frames.js';
import type { ImageFile } from './images.js';
import { keyOf, plain } from './note-names.js';

export type RowOfSlice = Pick<NoteRange, 'note' | 'spacing'>;

/** Slices of a volume that no row is for. */
export interface LeftOut {
  /** A file, or the folder of a series. */
  readonly volume: string;
  /** "41-60, 81". */
  readonly slices: string;
  readonly count: number;
  /** Slices of the volume. */
  readonly of: number;
}

interface Volume {
  /** As a table may call it: a path below the images' folder; of a series also the folder's name alone. */
  readonly names: readonly string[];
  /** For messages. */
  readonly shown: string;
  readonly slices: readonly ImageFile[];
}

type Rows = Pick<NoteTable, 'path' | 'unit' | 'ranges'>;

/** "scan.nii.gz: slices 41-60, 81 (21 of 120) have no note and were left out". */
export function describeLeftOut({ volume, slices, count, of }: LeftOut): string {
  const [what, verb] = count === 1 ? ['slice', 'has'] : ['slices', 'have'];
  return `${volume}: ${what} ${slices} (${count} of ${of}) ${verb} no note and ${count === 1 ? 'was' : 'were'} left out`;
}

export class SliceNotes {
  /** Image -> its row; null: its volume has rows, but none for it. */
  private readonly rows = new Map<ImageFile, NoteRange | null>();
  private readonly noted: Volume[] = [];
  /** Names of rows that belong to no volume, in the table's order. */
  readonly unused: readonly string[];

  /** @throws NOTES_UNREADABLE (a row for no one volume, or for slices that are not there), NOTES_CONFLICT */
  constructor(table: Rows, images: readonly ImageFile[]) {
    const unused: string[] = [];
    if (table.ranges.length > 0) {
      const volumes = volumesOf(images);
      const byVolume = new Map<Volume, NoteRange[]>();
      for (const row of table.ranges) {
        const volume = volumeOf(table, row, volumes);
        if (volume === null) unused.push(row.image);
        else byVolume.set(volume, [...(byVolume.get(volume) ?? []), row]);
      }
      for (const [volume, rows] of byVolume) this.add(table, volume, rows);
    }
    this.unused = unused;
  }

  /** Undefined: the table has no rows for slices of its volume; null: none of them is for it. */
  of(image: ImageFile): RowOfSlice | null | undefined {
    return this.rows.get(image);
  }

  leftOut(): LeftOut[] {
    return this.noted.flatMap(({ shown, slices }): LeftOut[] => {
      const without = slices.flatMap((image, i) => (this.rows.get(image) === null ? [i + 1] : []));
      if (without.length === 0) return [];
      return [{ volume: shown, slices: listed(without), count: without.length, of: slices.length }];
    });
  }

  private add(table: Rows, volume: Volume, rows: readonly NoteRange[]): void {
    const slices = inOrder(table, volume, rows[0]?.number ?? 0);
    for (const image of slices) this.rows.set(image, null);
    for (const row of rows) {
      const { number, first, last } = row;
      if (last > slices.length)
        throw new ReclmisError(
          'NOTES_UNREADABLE',
          `${table.path}: ${table.unit} ${number}: is for slices ${first === last ? first : `${first}-${last}`}, but ${volume.shown} has ${slices.length}`,
          { remedy: `Use slices from 1 to ${slices.length}.` },
        );
      for (let at = first; at <= last; at += 1) {
        const image = slices[at - 1]!;
        const other = this.rows.get(image) ?? row;
        if (other.note !== row.note || other.spacing !== row.spacing)
          throw new ReclmisError(
            'NOTES_CONFLICT',
            `${table.path}: ${table.unit}s ${other.number} and ${number} have different ${other.note === row.note ? 'pixel sizes' : 'notes'} for slice ${at} of ${volume.shown}`,
            { remedy: 'Give each slice one row: end a range before the next one begins.' },
          );
        this.rows.set(image, other);
      }
    }
    this.noted.push({ ...volume, slices });
  }
}

/** Files with several slices, single slices, and series of single images; pictures are none. */
function volumesOf(images: readonly ImageFile[]): Volume[] {
  const files = new Map<string, ImageFile[]>();
  for (const image of images) {
    if (image.frames === undefined) continue;
    const key = seriesKey(image) ?? image.imagePath;
    files.set(key, [...(files.get(key) ?? []), image]);
  }
  return [...files.values()].map((slices): Volume => {
    const [{ image, imagePath }] = slices as [ImageFile];
    if (seriesKey(slices[0]!) === null) return { names: [image], shown: image, slices };
    const folder = basename(resolve(dirname(imagePath)));
    const own = slices.length === 1 ? [image] : [];
    return { names: [...own, dirname(image), folder], shown: `the series in ${folder}`, slices };
  });
}

/** Null: the row names none of them. @throws NOTES_UNREADABLE */
function volumeOf(
  { path, unit }: Rows,
  { number, image }: NoteRange,
  volumes: readonly Volume[],
): Volume | null {
  const refuse = (why: string, remedy: string): ReclmisError =>
    new ReclmisError('NOTES_UNREADABLE', `${path}: ${unit} ${number}: ${why}`, { remedy });
  const [only] = volumes;
  if (only === undefined)
    throw refuse(
      'is for slices, but the images are pictures, which have none',
      'Name an image in each row, and leave out the column Slices.',
    );
  if (image === '') {
    if (volumes.length === 1) return only;
    throw refuse(
      `names no image, and there are ${volumes.length} volumes or series to choose from`,
      'Add a column Image with the name of the file, or of the folder of a series.',
    );
  }
  const ways: readonly ((name: string) => string)[] = [plain, keyOf, (name) => keyOf(basename(name))];
  for (const way of ways) {
    const fitting = volumes.filter(({ names }) => names.some((name) => way(name) === way(image)));
    if (fitting.length > 1)
      throw refuse(
        `${fitting.length} volumes or series are called ${image}`,
        'Name files by their paths, and put each series into a folder of its own.',
      );
    if (fitting[0] !== undefined) return fitting[0];
  }
  return null;
}

/** @throws NOTES_UNREADABLE for a series whose images do not say in which order they come */
function inOrder({ path, unit }: Rows, { shown, slices }: Volume, row: number): readonly ImageFile[] {
  if (slices.some(({ slice }) => slice === undefined))
    throw new ReclmisError(
      'NOTES_UNREADABLE',
      `${path}: ${unit} ${row}: is for slices, but the images of ${shown} lack Instance Numbers or repeat them, so their order is unknown`,
      { remedy: 'Name each image in a row of its own, without the column Slices.' },
    );
  return [...slices].sort((one, other) => (one.slice ?? 0) - (other.slice ?? 0));
}

/** "1-40, 81". @param numbers ascending */
function listed(numbers: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === number - 1) run[1] = number;
    else runs.push([number, number]);
  }
  const shown = runs.slice(0, 8).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return `${shown.join(', ')}${runs.length > shown.length ? ', ...' : ''}`;
}
