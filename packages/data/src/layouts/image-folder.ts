import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { imageExtension, imageStem, isLitter, nameKey, oneLine, systemCode } from '@reclmis/files';

export interface ImageFolder {
  /** In NFC -> names on disk; more than one is a problem. */
  readonly stems: ReadonlyMap<string, readonly string[]>;
  readonly files: readonly string[];
  readonly others: readonly string[];
}

/** By UTF-16 code unit, the same everywhere. */
export const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Without the extension, whatever it is. */
export function stemOf(name: string): string {
  if (imageExtension(name) !== '') return imageStem(name);
  const extension = extname(name);
  return extension === '' ? name : name.slice(0, -extension.length);
}

/** Sorted, without litter; null without the folder. */
export async function list(path: string): Promise<string[] | null> {
  try {
    return (await readdir(path)).filter((name) => !isLitter(name)).sort(byCode);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return null;
    throw new ReclmisError('DATA_FOLDER_MISSING', `${path}: cannot be read (${oneLine(error)})`, {
      cause: error,
    });
  }
}

/** Sorted; null without the folder. @throws DATA_FOLDER_MISSING if it cannot be read */
export async function imageFilesIn(path: string): Promise<readonly string[] | null> {
  return (await listImages(path))?.files ?? null;
}

const isImageName = (name: string): boolean => imageExtension(name) !== '';

/** Null without the folder. @param isImage by its name. @throws DATA_FOLDER_MISSING if it cannot be read */
export async function listImages(path: string, isImage = isImageName): Promise<ImageFolder | null> {
  const names = await list(path);
  if (names === null) return null;
  const files = names.filter(isImage);
  const stems = new Map<string, string[]>();
  for (const name of files) {
    const stem = nameKey(stemOf(name));
    stems.set(stem, [...(stems.get(stem) ?? []), name]);
  }
  return { stems, files, others: names.filter((name) => !isImage(name)) };
}
