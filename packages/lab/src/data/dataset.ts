/** Opens a split of a data set, or refuses it. `layouts/` knows folders; `check.ts` decodes everything. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, relative, resolve } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import {
  decodeText,
  differentSizes,
  endsComplete,
  fileError,
  IMAGE_EXTENSIONS,
  mapLimit,
  nameKey,
  oneLine,
  type OrientedSize,
  readImage,
  readImageHeader,
  readMask,
  readRegular,
} from '@reclmis/files';
import { stemOf } from './layouts/image-folder.js';
import type { Problem, SplitScan } from './layouts/layout.js';
import { scanSplit } from './layouts/registry.js';
import type { Case, Dataset, Split } from './types.js';

export interface OpenOptions {
  /**
   * Image names without extension, or a text file with one per line; blank lines and lines starting with #
   * are skipped.
   */
  readonly stems?: string | readonly string[];
}

const NAMED = 3;
const LANES = 8;

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
  return new Set(
    lines.map((line) =>
      nameKey(IMAGE_EXTENSIONS.has(line.slice(stemOf(line).length).toLowerCase()) ? stemOf(line) : line),
    ),
  );
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
export async function usableScan(dir: string, split: Split, stems?: ReadonlySet<string>): Promise<SplitScan> {
  const scan = await scanSplit(dir, split, stems);
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
  const { cases } = await usableScan(dir, split, await readStems(options.stems));
  return { name: basename(resolve(dir)), dir, split, cases, fingerprint: await fingerprintOf(cases) };
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
  for (const [i, { id, note }] of cases.entries())
    hash.update([id, note, ...(sizes[i] ?? [])].join('\0') + '\n');
  return hash.digest('hex');
}

/** Turns an error about a case's file into a problem; rethrows others. */
export function problemOf(
  dataset: { readonly dir: string; readonly split: Split },
  path: string,
  error: unknown,
): Problem {
  if (!(error instanceof ReclmisError)) throw error;
  const item = relative(dataset.dir, path);
  const message = error.message.startsWith(path) ? item + error.message.slice(path.length) : error.message;
  return { code: error.code, split: dataset.split, item, message };
}

export function sizeMismatch(
  dataset: { readonly dir: string; readonly split: Split },
  maskPath: string,
  mask: OrientedSize,
  image: OrientedSize,
): Problem {
  const item = relative(dataset.dir, maskPath);
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
  const found = await mapLimit(dataset.cases, LANES, async ({ imagePath, maskPath }): Promise<Problem[]> => {
    const problems: Problem[] = [];
    const header = async (
      path: string,
      decode: (path: string) => Promise<unknown>,
    ): Promise<OrientedSize | null> => {
      try {
        const size = await readImageHeader(path);
        if (!(await endsComplete(path))) await decode(path);
        return size;
      } catch (error) {
        problems.push(problemOf(dataset, path, error));
        return null;
      }
    };
    const image = await header(imagePath, readImage);
    const mask = await header(maskPath, readMask);
    if (image !== null && mask !== null && (image.width !== mask.width || image.height !== mask.height)) {
      problems.push(sizeMismatch(dataset, maskPath, mask, image));
    }
    return problems;
  });
  if (found.flat().length > 0) throw invalidDataset(dataset.dir, found.flat());
}
