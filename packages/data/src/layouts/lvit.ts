/**
 * LViT's folder layout: which image, mask and note belong together, by names in NFC (macOS stores "ü" as u and a
 * mark).
 *
 *     DIR/{Train,Val,Test}_Folder/img/<stem>.<png|jpg|tif>
 *     DIR/{Train,Val,Test}_Folder/labelcol/<stem>.<ext> or mask_<stem>.<ext>     the extension may differ from the image's
 *     DIR/{Train,Val,Test}_Folder/<Split>_text.<xlsx|csv>                         keyed by the mask's file name
 *     DIR/Train_Folder/Train_Val_text.<xlsx|csv>                                  or one file for train and val (QaTa-COV19)
 */
import { join, relative } from 'node:path';
import { parseSpacing, ReclmisError, type ErrorCode, type Spacing } from '@reclmis/core';
import {
  IMAGE_EXTENSIONS,
  nameKey,
  NearNames,
  type NoteTable,
  oneLine,
  readNotes,
  visibleName,
} from '@reclmis/files';
import { type Case, type Split, SPLITS } from '../types.js';
import { byCode, type ImageFolder, list, listImages, stemOf } from './image-folder.js';
import type { DataLayout, Problem, SplitScan } from './layout.js';

export const FOLDERS: Readonly<Record<Split, string>> = {
  train: 'Train_Folder',
  val: 'Val_Folder',
  test: 'Test_Folder',
};

/** Its own file of notes, other files that would be read, and the path for a new one. */
export async function notesOfSplit(
  dir: string,
  split: Split,
): Promise<{ readonly own: string; readonly present: string | null }> {
  const folder = join(dir, FOLDERS[split]);
  const name = FOLDERS[split].replace('Folder', 'text');
  const own = ((await list(folder)) ?? []).find((file) =>
    new RegExp(`^${name}\\.(xlsx|csv)$`, 'i').test(file),
  );
  try {
    const { path } = await findNotes(dir, split);
    return { own: join(folder, own ?? `${name}.xlsx`), present: path };
  } catch (error) {
    if (!(error instanceof ReclmisError) || error.code !== 'NOTES_MISSING') throw error;
    return { own: join(folder, `${name}.xlsx`), present: null };
  }
}

async function requireImages(dir: string, split: Split, name: 'img' | 'labelcol'): Promise<ImageFolder> {
  const folder = join(dir, FOLDERS[split]);
  if ((await list(folder)) === null) {
    throw new ReclmisError(
      'DATA_FOLDER_MISSING',
      `${dir}: the ${split} split needs the folder ${FOLDERS[split]}, which does not exist`,
    );
  }
  const found = await listImages(join(folder, name));
  if (found === null)
    throw new ReclmisError('DATA_FOLDER_MISSING', `${folder}: the folder ${name} does not exist`);
  return found;
}

/**
 * And whether train and val share the file. In order: the folder's own `<Split>_text`, `Train_Val_text` there
 * (train) or in Train_Folder (val), the only other table with `text` in its name.
 * @throws NOTES_MISSING, NOTES_CONFLICT if two files have an equal claim
 */
async function findNotes(dir: string, split: Split): Promise<{ path: string; shared: boolean }> {
  const own = join(dir, FOLDERS[split]);
  const train = join(dir, FOLDERS.train);
  const rank: readonly (readonly [folder: string, pattern: RegExp, shared: boolean])[] = [
    [own, new RegExp(`^${split}_text\\.(xlsx|csv)$`, 'i'), false],
    ...(split === 'test' ? [] : [[train, /^train_val_text\.(xlsx|csv)$/i, true] as const]),
    [own, /text.*\.(xlsx|csv)$/i, false],
  ];
  for (const [folder, pattern, shared] of rank) {
    const matches = ((await list(folder)) ?? []).filter((name) => pattern.test(name));
    if (matches.length > 1) {
      throw new ReclmisError(
        'NOTES_CONFLICT',
        `${folder}: expected one file of notes, got ${matches.join(' and ')}`,
      );
    }
    if (matches[0] !== undefined) return { path: join(folder, matches[0]), shared };
  }
  throw new ReclmisError(
    'NOTES_MISSING',
    `${own}: expected ${FOLDERS[split].replace('Folder', 'text')}.xlsx or .csv, got no file of notes`,
  );
}

function maskNamesOf(stem: string, masks: ImageFolder): readonly string[] {
  return masks.stems.get(stem) ?? masks.stems.get(`mask_${stem}`) ?? [];
}

/** Two names; if they look the same, with what differs. */
function both(names: readonly string[]): string {
  const alike = new Set(names.map(nameKey)).size < names.length;
  return names.map((name) => (alike ? visibleName(name) : name)).join(' and ');
}

/** Whether a note's key fits an image or mask. */
function isKeyOf(key: string, images: ImageFolder | null, masks: ImageFolder | null): boolean {
  const stem = stemOf(key);
  if (masks?.stems.get(stem)?.some((name) => nameKey(name) === key) === true) return true;
  return (
    (images?.stems.has(stem) ?? false) ||
    (stem.startsWith('mask_') && (images?.stems.has(stem.slice(5)) ?? false))
  );
}

/** Matches names; only opens the notes. */
async function scanSplit(dir: string, split: Split, stems?: ReadonlySet<string>): Promise<SplitScan> {
  const folder = FOLDERS[split];
  const images = await requireImages(dir, split, 'img');
  const masks = await requireImages(dir, split, 'labelcol');
  const problems: Problem[] = [];
  const report = (code: ErrorCode, item: string, why: string): void => {
    problems.push({ code, split, item, message: `${item}: ${why}` });
  };

  let table: NoteTable | null = null;
  let shared = false;
  try {
    const found = await findNotes(dir, split);
    shared = found.shared;
    table = await readNotes(found.path);
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    const { code, message, remedy } = error;
    problems.push({ code, split, item: folder, message: relativeMessage(dir, message), remedy });
  }

  const cases: Case[] = [];
  const used = new Set<string>();
  const nearMasks = new NearNames(masks.stems.keys());
  const nearImages = new NearNames(images.stems.keys());
  const nearNotes = new NearNames([...(table?.notes.keys() ?? []), ...(table?.blank ?? [])]);
  for (const [stem, names] of images.stems) {
    const masksOfStem = maskNamesOf(stem, masks);
    for (const name of masksOfStem) used.add(name);
    if (stems !== undefined && !stems.has(stem)) continue;
    const item = `${folder}/img/${names[0] ?? stem}`;
    if (names.length > 1) report('DATA_INVALID', item, `expected one image of this stem, got ${both(names)}`);
    const [image, mask] = [names[0], masksOfStem[0]];
    if (masksOfStem.length > 1) report('DATA_INVALID', item, `expected one mask, got ${both(masksOfStem)}`);
    if (image === undefined || mask === undefined) {
      report(
        'MASK_MISSING',
        item,
        `has no mask; expected ${folder}/labelcol/${stem}.png or mask_${stem}.png${nearMasks.hint(stem) || nearMasks.hint(`mask_${stem}`)}`,
      );
      continue;
    }
    const key = nameKey(mask);
    const note = table?.notes.get(key);
    const spacing = spacingOf(table, key, (why) => report('NOTES_UNREADABLE', item, why));
    if (note !== undefined) {
      cases.push({
        id: stem,
        imagePath: join(dir, folder, 'img', image),
        maskPath: join(dir, folder, 'labelcol', mask),
        note,
        ...(spacing === null ? {} : { spacing }),
        ...(table?.derived.has(key) === true ? { derived: true } : {}),
      });
    } else if (table !== null && table.blank.includes(key)) {
      report('NOTE_EMPTY', item, `its note is empty, in the row for ${mask} in ${relative(dir, table.path)}`);
    } else if (table !== null) {
      report(
        'NOTE_MISSING',
        item,
        `has no note; expected a row with Image ${mask} in ${relative(dir, table.path)}${hint(table, nearNotes, image, mask)}`,
      );
    }
  }

  if (stems === undefined) {
    for (const name of masks.files)
      if (!used.has(name))
        report(
          'IMAGE_MISSING',
          `${folder}/labelcol/${name}`,
          `is a mask without an image${nearImages.hint(nameKey(stemOf(name)).replace(/^mask_/, ''))}`,
        );
    for (const name of images.others)
      report('IMAGE_UNSUPPORTED', `${folder}/img/${name}`, 'expected only PNG, JPEG or TIFF files');
    for (const name of masks.others)
      report('IMAGE_UNSUPPORTED', `${folder}/labelcol/${name}`, 'expected only PNG, JPEG or TIFF files');
    if (table !== null) await reportStrayNotes(dir, split, table, shared, images, masks, report);
    if (images.files.length === 0) report('DATA_SPLIT_EMPTY', `${folder}/img`, 'holds no image');
  } else {
    for (const stem of stems)
      if (!images.stems.has(stem))
        report(
          'STEM_UNKNOWN',
          stem,
          `the list of stems names an image that is not in ${folder}/img${nearImages.hint(stem)}`,
        );
    if (stems.size === 0) report('DATA_SPLIT_EMPTY', folder, 'the list of stems is empty');
  }
  return {
    split,
    notesPath: table?.path ?? null,
    cases: cases.sort((a, b) => byCode(a.id, b.id)),
    problems,
    images: images.files.length,
    masks: masks.files.length,
    notes: table === null ? 0 : [...table.notes.keys()].filter((key) => isKeyOf(key, images, masks)).length,
  };
}

/** Null if there is none, or an unreadable one (reported). */
function spacingOf(table: NoteTable | null, mask: string, report: (why: string) => void): Spacing | null {
  const text = table?.spacings.get(mask);
  if (text === undefined) return null;
  try {
    return parseSpacing(text, `Spacing of ${mask}`, 'NOTES_UNREADABLE');
  } catch (error) {
    report(oneLine(error));
    return null;
  }
}

/** Reports notes without image, and rows that are no notes. A shared file is compared with both folders. */
async function reportStrayNotes(
  dir: string,
  split: Split,
  table: NoteTable,
  shared: boolean,
  images: ImageFolder,
  masks: ImageFolder,
  report: (code: ErrorCode, item: string, why: string) => void,
): Promise<void> {
  const path = relative(dir, table.path);
  const twin = split === 'train' ? 'val' : 'train';
  const twinImages = shared ? await listImages(join(dir, FOLDERS[twin], 'img')) : null;
  const twinMasks = shared ? await listImages(join(dir, FOLDERS[twin], 'labelcol')) : null;
  // Train reports a shared file's problems, val only without train.
  if (shared && split === 'val' && twinImages !== null) return;
  const near = new NearNames([...masks.files, ...(twinMasks?.files ?? [])]);
  for (const key of [...table.notes.keys(), ...table.blank]) {
    if (isKeyOf(key, images, masks) || isKeyOf(key, twinImages, twinMasks)) continue;
    const where = shared
      ? `neither ${FOLDERS.train} nor ${FOLDERS.val} holds a`
      : `${FOLDERS[split]} holds no`;
    report(
      'NOTE_WITHOUT_IMAGE',
      `${path}: ${key}`,
      `a note without an image: ${where} mask of this name${near.hint(key)}${numericHint(table, key)}`,
    );
  }
  for (const row of table.unnamed)
    report('NOTES_UNREADABLE', `${path}: ${table.unit} ${row}`, 'has a description but no image');
}

/** Frequent mistakes: the image's name, another extension, nearly the mask's name. */
function hint(table: NoteTable, near: NearNames, image: string, mask: string): string {
  if (image !== mask && table.notes.has(nameKey(image)))
    return ` (there is one with Image ${image}, but notes are keyed by the mask)`;
  const stem = nameKey(stemOf(mask));
  const digits = /^(?:mask_)?0*(\d+)$/u.exec(stem)?.[1];
  if (digits !== undefined && table.numeric.has(digits)) return numericHint(table, digits);
  const like = [...IMAGE_EXTENSIONS, '']
    .map((extension) => stem + extension)
    .find((name) => table.notes.has(name));
  return like === undefined ? near.hint(nameKey(mask)) : ` (there is one with Image ${like})`;
}

/** Hints that a sheet stored a name as a number, without leading zeros. */
function numericHint(table: NoteTable, name: string): string {
  const cell = table.numeric.get(name);
  if (cell === undefined) return '';
  return ` (cell ${cell} holds the number ${name}, without leading zeros; format the column as text and type the name again)`;
}

function relativeMessage(dir: string, message: string): string {
  const prefix = join(dir, '/');
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

const present = (names: readonly string[]): Split[] =>
  SPLITS.filter((split) => names.includes(FOLDERS[split]));

/** Used by QaTa-COV19, MosMedData+ and MoNuSeg. */
export const LVIT: DataLayout = {
  expects: 'Train_Folder, Val_Folder or Test_Folder',
  detect: (names) => present(names).length > 0,
  splits: async (dir) => present((await list(dir)) ?? []),
  scan: scanSplit,
};
