/** Opens a split of a data set, or refuses it. `layouts/` knows folders and files; `check.ts` decodes everything. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, relative, resolve } from 'node:path';
import { decodeText, defined, ReclmisError } from '@reclmis/core';
import {
  differentSizes,
  endsComplete,
  fileError,
  imageStem,
  mapLimit,
  nameKey,
  oneLine,
  type OrientedSize,
  readImage,
  readImageHeader,
  readRegular,
} from '@reclmis/files';
import { imageOptions, readOf } from './image-options.js';
import type { Problem, DataSourceOptions, SplitScan } from './layouts/layout.js';
import { stemOf } from './layouts/image-folder.js';
import { caseMaskHeader, readCaseMask } from './masks.js';
import { scanSplit } from './source.js';
import type { Case, Dataset, Split } from './types.js';

export interface OpenOptions extends DataSourceOptions {
  /**
   * Image names without extension, or a text file with one per line; blank lines and lines starting with #
   * are skipped.
   */
  readonly stems?: string | readonly string[];
}

const NAMED = 3;
const LANES = 8;

/** How a configuration's source is read. */
export function readAs({ layout, columns, outside, splits, window }: DataSourceOptions): DataSourceOptions {
  return defined({ layout, columns, outside, splits, window });
}

/** The selected stems; undefined: all. @throws STEM_UNKNOWN if the file cannot be read */
export async function readStems(stems: OpenOptions['stems']): Promise<ReadonlySet<string> | undefined> {
  if (stems === undefined) return undefined;
  let lines: readonly string[];
  if (typeof stems === 'string') {
    try {
      const remedy = 'Save the list as UTF-8 text with one stem per line.';
      lines = decodeText(stems, await readRegular(stems), { code: 'STEM_UNKNOWN', remedy }).split('\n');
    } catch (error) {
      if (error instanceof ReclmisError) throw error;
      throw new ReclmisError(
        'STEM_UNKNOWN',
        `${stems}: the list of stems cannot be read (${oneLine(error)})`,
        {
          cause: error,
          remedy: 'Check the path of the list, a text file with one stem per line.',
        },
      );
    }
    lines = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  } else {
    lines = stems;
  }
  return new Set(lines.map((line) => nameKey(imageStem(line))));
}

export function invalidDataset(dir: string, problems: readonly Problem[]): ReclmisError {
  const named = problems.slice(0, NAMED).map(({ message }) => message);
  const more = problems.length > NAMED ? `; and ${problems.length - NAMED} more` : '';
  const count = `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
  const [own, ...others] = new Set(problems.map(({ remedy }) => remedy));
  return new ReclmisError('DATA_INVALID', `${dir}: ${count}: ${named.join('; ')}${more}`, {
    remedy:
      own !== undefined && others.length === 0
        ? own
        : `Run \`reclmis data check ${dir}\` and repair each item that it lists.`,
  });
}

/** @throws as `openDataset` */
export async function usableScan(
  dir: string,
  split: Split,
  stems?: ReadonlySet<string>,
  options: DataSourceOptions = {},
): Promise<SplitScan> {
  const scan = await scanSplit(dir, split, stems, options);
  const [only] = scan.problems;
  if (scan.problems.length === 1 && only !== undefined && /^(NOTES_|STEM_|DATA_SPLIT_)/.test(only.code)) {
    throw new ReclmisError(only.code, `${dir}: ${only.message}`, defined({ remedy: only.remedy }));
  }
  if (scan.problems.length > 0) throw invalidDataset(dir, scan.problems);
  return scan;
}

/**
 * Opens a split, matched by names, without opening images (see `assertUsable` and `checkDataset`).
 * @throws DATA_FOLDER_MISSING, STEM_UNKNOWN, DATA_SPLIT_EMPTY, NOTES_MISSING, NOTES_EMPTY, NOTES_UNREADABLE,
 * NOTES_CONFLICT for a single kind of problem, else DATA_INVALID with the first ones
 */
export async function openDataset(dir: string, split: Split, options: OpenOptions = {}): Promise<Dataset> {
  const { cases, warnings = [] } = await usableScan(dir, split, await readStems(options.stems), options);
  return {
    name: nameOf(dir),
    dir,
    split,
    ...(warnings.length === 0 ? {} : { notices: warnings.map(({ code, message }) => `${code}: ${message}`) }),
    cases,
    fingerprint: await fingerprintOf(cases),
  };
}

/** A folder's name, or a file's without its extension. */
export function nameOf(source: string): string {
  const name = basename(resolve(source));
  return /\.(?:csv|tsv|jsonl|xlsx|json)$/iu.test(name) ? stemOf(name) : name;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw fileError(path, error);
  }
}

/** See `Dataset.fingerprint`. @throws IMAGE_MISSING, IMAGE_UNREADABLE for a broken or circular link */
export async function fingerprintOf(cases: readonly Case[]): Promise<string> {
  const sizes = await mapLimit(cases, LANES, async ({ imagePath, maskPath }) => [
    await sizeOf(imagePath),
    await sizeOf(maskPath),
  ]);
  const hash = createHash('sha256');
  for (const [i, { id, note, mask }] of cases.entries()) {
    const part = mask === undefined ? [] : [JSON.stringify(mask)];
    hash.update([id, note, ...(sizes[i] ?? []), ...part].join('\0') + '\n');
  }
  return hash.digest('hex');
}

/** A file below the source, or below the folder of a source that is a file. */
export function itemOf(source: string, path: string): string {
  const way = relative(source, path);
  return way.startsWith('..') ? relative(dirname(source), path) : way || basename(path);
}

/** Turns an error about a case's file into a problem; rethrows others. */
export function problemOf(
  dataset: { readonly dir: string; readonly split: Split },
  path: string,
  error: unknown,
): Problem {
  if (!(error instanceof ReclmisError)) throw error;
  const item = itemOf(dataset.dir, path);
  const message = error.message.startsWith(path) ? item + error.message.slice(path.length) : error.message;
  return { code: error.code, split: dataset.split, item, message };
}

export function sizeMismatch(
  dataset: { readonly dir: string; readonly split: Split },
  maskPath: string,
  mask: OrientedSize,
  image: OrientedSize,
): Problem {
  const item = itemOf(dataset.dir, maskPath);
  return {
    code: 'MASK_SIZE_MISMATCH',
    split: dataset.split,
    item,
    message: `${item}: ${differentSizes(mask, image)}`,
  };
}

/**
 * Refuses a data set that training could not read: reads headers, compares sizes, and only decodes files
 * whose last bytes may be missing. The loader finds damage inside a file.
 * @throws DATA_INVALID
 */
export async function assertUsable(dataset: Dataset): Promise<void> {
  const found = await mapLimit(dataset.cases, LANES, async (one): Promise<Problem[]> => {
    const { imagePath, maskPath } = one;
    const problems: Problem[] = [];
    const header = async (
      path: string,
      read: () => Promise<OrientedSize>,
      decode: () => Promise<unknown>,
    ): Promise<OrientedSize | null> => {
      try {
        const size = await read();
        const drawn = path === maskPath && one.mask?.kind === 'regions'; // from a file that is no image
        if (drawn || !(await endsComplete(path))) await decode();
        return size;
      } catch (error) {
        problems.push(problemOf(dataset, path, error));
        return null;
      }
    };
    const image = await header(
      imagePath,
      () => readOf(one, () => readImageHeader(imagePath, imageOptions(one))),
      () => readImage(imagePath, imageOptions(one)),
    );
    const mask = await header(
      maskPath,
      () => readOf(one, () => caseMaskHeader(one)),
      () => readCaseMask(one),
    );
    if (image !== null && mask !== null && (image.width !== mask.width || image.height !== mask.height)) {
      problems.push(sizeMismatch(dataset, maskPath, mask, image));
    }
    return problems;
  });
  if (found.flat().length > 0) throw invalidDataset(dataset.dir, found.flat());
}
