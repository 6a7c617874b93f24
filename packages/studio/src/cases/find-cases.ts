/**
 * Cases of a folder: rows of its table of cases (docs/reference/tables.md), or each image by itself. What a row leaves
 * unclear is a problem that names it; nothing is guessed.
 */
import {
  caseForms,
  checkTableSize,
  parseSpacing,
  parseTable,
  ReclmisError,
  type Sides,
  type Spacing,
  type Table,
  TABLE_EXTENSIONS,
  tableExtension,
  type TableForms,
} from '@reclmis/core';
import type { CaseItem } from '../state/case-order.js';
import type { Entry, Folder } from './entries.js';

export interface CaseFiles {
  readonly image: Entry;
  readonly truth: Entry | null;
}

export interface FoundCases {
  readonly name: string;
  readonly items: readonly CaseItem[];
  /** By id. */
  readonly files: ReadonlyMap<string, CaseFiles>;
  /** What was left out, and why. */
  readonly problems: readonly string[];
}

const IMAGE = /(?:\.nii\.gz|\.(?:png|jpe?g|dcm|dicom|nii))$/iu;
const IMAGE_FOLDERS = ['images', 'image', 'img', 'imgs'];
const MASK_FOLDERS = ['masks', 'mask', 'labelcol', 'labels'];
const FORMS: TableForms = caseForms({
  names: { note: ['note', 'description'] },
  required: ['image', 'note'],
});

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const lastFolderOf = (path: string): string => folderOf(path).split('/').at(-2)?.toLowerCase() ?? '';
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const stemOf = (path: string): string => nameOf(path).replace(IMAGE, '');

/** @throws NOTES_UNREADABLE, DATA_LAYOUT_UNCLEAR (several tables of cases), IMAGE_MISSING (no image at all) */
export async function findCases({ name, entries }: Folder): Promise<FoundCases> {
  const tables = entries.filter(({ path }) => TABLE_EXTENSIONS.has(tableExtension(path)));
  const read: { readonly path: string; readonly table: Table }[] = [];
  let failure: unknown = null;
  for (const table of tables) {
    try {
      read.push({ path: table.path, table: await readTable(table) });
    } catch (error) {
      failure ??= error;
    }
  }
  const [only] = read;
  if (only !== undefined && read.length > 1)
    throw new ReclmisError(
      'DATA_LAYOUT_UNCLEAR',
      `${name}: expected one table of cases, got ${read.map(({ path }) => path).join(', ')}`,
      { remedy: 'Open the folder of one of them.' },
    );
  // A table that cannot be read, next to images: its notes must not be left out without a word.
  if (only === undefined && failure !== null) throw failure as Error;
  return only === undefined ? imagesAlone(name, entries) : rowsOfTable(name, entries, only.path, only.table);
}

async function readTable(entry: Entry): Promise<Table> {
  const { path } = entry;
  const blob = await entry.file();
  checkTableSize(path, blob.size);
  return parseTable(path, new Uint8Array(await blob.arrayBuffer()), FORMS);
}

function imagesAlone(name: string, entries: readonly Entry[]): FoundCases {
  const images = entries.filter(({ path }) => IMAGE.test(path) && !MASK_FOLDERS.includes(lastFolderOf(path)));
  if (images.length === 0)
    throw new ReclmisError('IMAGE_MISSING', `${name}: holds no image`, {
      remedy: 'Choose a folder with PNG, JPEG, DICOM (.dcm) or NIfTI files.',
    });
  const paths = new Map(entries.map((entry) => [entry.path, entry]));
  const files = new Map(images.map((image) => [image.path, { image, truth: truthByName(image, paths) }]));
  const items = images.map(({ path }): CaseItem => ({
    ...{ id: path, name: stemOf(path), note: '', sides: null, spacing: null, patient: '', split: '' },
    hasTruth: files.get(path)?.truth != null,
  }));
  return { name, items, files, problems: [] };
}

/** A mask in a folder of masks next to the image's, of the image's name, with `mask_` before or `_mask` after it. */
function truthByName({ path }: Entry, paths: ReadonlyMap<string, Entry>): Entry | null {
  const own = folderOf(path);
  const above = IMAGE_FOLDERS.includes(lastFolderOf(path)) ? folderOf(own.slice(0, -1)) : own;
  const stem = stemOf(path);
  for (const folder of MASK_FOLDERS)
    for (const name of [stem, `mask_${stem}`, `${stem}_mask`])
      for (const ending of ['.png', '.nii.gz', '.nii', '.dcm'])
        for (const base of new Set([above, own])) {
          const found = paths.get(`${base}${folder}/${name}${ending}`);
          if (found !== undefined && found.path !== path) return found;
        }
  return null;
}

function rowsOfTable(
  name: string,
  entries: readonly Entry[],
  table: string,
  { unit, rows }: Table,
): FoundCases {
  const paths = new Map(entries.map((entry) => [entry.path, entry]));
  const base = folderOf(table);
  const files = new Map<string, CaseFiles>();
  const items: CaseItem[] = [];
  const problems: string[] = [];
  for (const row of rows) {
    const where = `${table}: ${unit} ${row.number}`;
    const image = locate(row.image, base, IMAGE_FOLDERS, paths);
    if (image === null) {
      problems.push(`${where}: ${row.image === '' ? 'names no image' : `${row.image} is missing`}`);
      continue;
    }
    const truth = row.mask ? locate(row.mask, base, MASK_FOLDERS, paths) : truthByName(image, paths);
    if (row.mask && truth === null) problems.push(`${where}: ${row.mask} is missing`);
    const sides = sidesOf(row.sides ?? '');
    if (sides === undefined) {
      problems.push(`${where}: expected the sides patient or image, got "${row.sides ?? ''}"`);
      continue;
    }
    const spacing = spacingOf(row.spacing, where, problems);
    const id = files.has(image.path) ? `${image.path}@${row.number}` : image.path;
    files.set(id, { image, truth });
    items.push({
      ...{ id, name: stemOf(image.path), note: row.description, sides, spacing, hasTruth: truth !== null },
      ...{ patient: row.patient ?? '', split: row.split ?? '' },
    });
  }
  return { name, items, files, problems };
}

/** A path relative to the table, or a name alone that is in one of the usual folders. Backslashes are slashes. */
function locate(
  written: string,
  base: string,
  folders: readonly string[],
  paths: ReadonlyMap<string, Entry>,
): Entry | null {
  const path = written
    .normalize('NFC')
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/)+/u, '');
  if (path === '') return null;
  const exact = paths.get(`${base}${path}`);
  if (exact !== undefined) return exact;
  for (const folder of ['', ...folders.map((one) => `${one}/`)])
    for (const ending of ['', '.png', '.jpg', '.jpeg', '.dcm', '.nii.gz', '.nii']) {
      const found = paths.get(`${base}${folder}${path}${ending}`);
      if (found !== undefined) return found;
    }
  return null;
}

/** Null: not stated; undefined: neither. */
function sidesOf(written: string): Sides | null | undefined {
  if (written === '') return null;
  const word = written.toLowerCase();
  return word === 'patient' || word === 'image' ? word : undefined;
}

function spacingOf(written: string, where: string, problems: string[]): Spacing | null {
  if (written === '') return null;
  try {
    return parseSpacing(written, where);
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    problems.push(error.message);
    return null;
  }
}
