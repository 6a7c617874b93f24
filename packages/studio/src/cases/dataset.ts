/**
 * Reviewed cases as a data set that `reclmis train` takes: a table of cases with `images/` and `masks/` (docs/reference/tables.md).
 * PNG and JPEG images stay as they are; DICOM and NIfTI become PNG of 8 bits as displayed, without their headers, as
 * `reclmis data convert` writes them. The table comes last: a folder that was not finished is no data set.
 */
import {
  encodeCsv,
  fileHeader,
  type Mask,
  ReclmisError,
  type RgbImage,
  type Sides,
  type Spacing,
} from '@reclmis/core';
import { Zip, ZipDeflate, ZipPassThrough } from 'fflate';
import { isEqual } from '../outputs/formats.js';
import { maskPng, readMaskPng, rgbPng } from '../outputs/png.js';
import { stemOf } from '../outputs/stem.js';

export interface ReviewedCase {
  readonly id: string;
  readonly note: string;
  /** Whose left the note means; null: unknown. */
  readonly sides: Sides | null;
  readonly spacing: Spacing | null;
  readonly patient: string;
  readonly split: string;
  /** As displayed. */
  readonly mask: Mask;
  /** The image's file. */
  readonly image: () => Promise<Uint8Array>;
  /** The image as displayed, of files that are no PNG or JPEG. */
  readonly pixels: (bytes: Uint8Array) => Promise<RgbImage>;
}

/** Where the files go. */
export interface Sink {
  write(path: string, bytes: Uint8Array): Promise<void>;
}

export interface WrittenDataset {
  readonly cases: number;
  /** Ids of cases without a note, which training does not take. */
  readonly withoutNote: readonly string[];
}

/**
 * Writes images, masks, then `cases.csv`.
 * @throws DATA_INVALID if no case has a note, OUTPUT_DIFFERS if a mask differs when read back, the codes of the images and
 * of the sink
 */
export async function writeDataset(cases: readonly ReviewedCase[], sink: Sink): Promise<WrittenDataset> {
  const named = cases.filter(({ note }) => note.trim() !== '');
  const withoutNote = cases.filter(({ note }) => note.trim() === '').map(({ id }) => id);
  if (named.length === 0)
    throw new ReclmisError('DATA_INVALID', 'no reviewed case has a note', {
      remedy: 'Write a note for each case; training needs one.',
    });
  const names = uniqueNames(named.map(({ id }) => id));
  const rows: string[][] = [];
  const written = new Map<string, string>(); // path of an image -> its file: rows may share one
  for (const [i, one] of named.entries()) {
    const name = names[i]!;
    const source = one.id.replace(/@\d+$/u, '');
    let image = written.get(source);
    if (image === undefined) {
      image = await writeImage(one, name, sink);
      written.set(source, image);
    }
    const mask = `masks/${name}.png`;
    const bytes = maskPng(one.mask);
    if (!isEqual(readMaskPng(bytes), one.mask))
      throw new ReclmisError('OUTPUT_DIFFERS', `${mask} differs when read back, so it was not saved`);
    await sink.write(mask, bytes);
    rows.push([image, mask, one.note.replace(/\s+/gu, ' ').trim(), ...optional(one, named)]);
  }
  const head = ['image', 'mask', 'note', ...OPTIONAL.filter((column) => isUsed(column, named))];
  await sink.write('cases.csv', new TextEncoder().encode(encodeCsv([head, ...rows])));
  return { cases: named.length, withoutNote };
}

const OPTIONAL = ['sides', 'spacing', 'patient', 'split'] as const;
type Optional = (typeof OPTIONAL)[number];

function textOf(one: ReviewedCase, column: Optional): string {
  if (column === 'spacing') return one.spacing === null ? '' : one.spacing.join(' x ');
  return one[column] ?? '';
}

/** Sides, patients and splits are stated for all rows or none, since half of them would be refused. */
function isUsed(column: Optional, cases: readonly ReviewedCase[]): boolean {
  const has = (one: ReviewedCase): boolean => textOf(one, column) !== '';
  return column === 'spacing' ? cases.some(has) : cases.every(has);
}

const optional = (one: ReviewedCase, cases: readonly ReviewedCase[]): string[] =>
  OPTIONAL.filter((column) => isUsed(column, cases)).map((column) => textOf(one, column));

async function writeImage({ image, pixels }: ReviewedCase, name: string, sink: Sink): Promise<string> {
  const bytes = await image();
  const kind = fileHeader(bytes)?.kind;
  const path = `images/${name}.${kind === 'jpeg' ? 'jpg' : 'png'}`;
  await sink.write(path, kind === 'png' || kind === 'jpeg' ? bytes : rgbPng(await pixels(bytes)));
  return path;
}

/** The images' own names; with their folders (`a-b-c`) where two are called alike, numbered where even those are. */
function uniqueNames(ids: readonly string[]): string[] {
  const paths = ids.map((id) => id.replace(/[@#]\d+$/u, ''));
  const own = (path: string): string => stemOf(path).toLowerCase();
  const byName = new Map<string, Set<string>>();
  for (const path of paths) byName.set(own(path), (byName.get(own(path)) ?? new Set()).add(path));
  const taken = new Set<string>();
  return paths.map((path) => {
    const stem = stemOf(byName.get(own(path))?.size === 1 ? path : path.replaceAll('/', '-'));
    let name = stem;
    for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${stem}-${number}`;
    taken.add(name.toLowerCase()); // file systems may not tell cases apart
    return name;
  });
}

/** Collects a ZIP; its parts are kept as the browser keeps blobs, which may be on disk. */
export class ZipSink implements Sink {
  private readonly parts: Blob[] = [];
  private failure: Error | null = null;
  private readonly zip = new Zip((error, chunk) => {
    if (error) this.failure = error;
    else this.parts.push(new Blob([chunk.slice()]));
  });

  write(path: string, bytes: Uint8Array): Promise<void> {
    const isPacked = /\.(?:png|jpg)$/u.test(path);
    const file = isPacked ? new ZipPassThrough(path) : new ZipDeflate(path);
    this.zip.add(file);
    file.push(bytes, true);
    return Promise.resolve();
  }

  /** @throws INTERNAL if the ZIP could not be made */
  end(): Blob {
    this.zip.end();
    if (this.failure)
      throw new ReclmisError('INTERNAL', 'the ZIP could not be made', { cause: this.failure });
    return new Blob(this.parts, { type: 'application/zip' });
  }
}

/** Writes into a folder that the user chose, and reads each file back. */
export class FolderSink implements Sink {
  constructor(private readonly root: FileSystemDirectoryHandle) {}

  /** @throws OUTPUT_UNWRITABLE, OUTPUT_DIFFERS */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let back: Uint8Array;
    try {
      let folder = this.root;
      for (const name of names) folder = await folder.getDirectoryHandle(name, { create: true });
      const handle = await folder.getFileHandle(last, { create: true });
      const stream = await handle.createWritable();
      await stream.write(new Uint8Array(bytes)); // copied: no view of shared memory
      await stream.close();
      back = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    } catch (cause) {
      throw new ReclmisError('OUTPUT_UNWRITABLE', `${path}: cannot be written`, { cause });
    }
    if (back.length !== bytes.length || back.some((byte, i) => byte !== bytes[i]))
      throw new ReclmisError('OUTPUT_DIFFERS', `${path} differs when read back`);
  }
}
