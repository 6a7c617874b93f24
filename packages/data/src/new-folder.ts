/** Writes a new folder, whole or not at all. */
import { mkdtemp, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { oneLine, ReclmisError } from '@reclmis/core';
import { makeFolder, systemCode, writeError } from '@reclmis/files';

/**
 * Calls `write` with a folder next to `dir`, which then takes its name.
 * @throws OUTPUT_EXISTS (the folder is not empty), OUTPUT_UNWRITABLE, DISK_FULL, and what `write` throws
 */
export async function writeNewFolder<T>(dir: string, write: (draft: string) => Promise<T>): Promise<T> {
  const target = resolve(dir);
  await requireVacant(target);
  await makeFolder(dirname(target));
  let draft = '';
  try {
    draft = await mkdtemp(join(dirname(target), `.${basename(target)}.`));
    const result = await write(draft);
    await rmdir(target).catch(() => undefined); // only if empty; otherwise the next line fails
    await rename(draft, target);
    return result;
  } catch (error) {
    if (draft !== '') await rm(draft, { recursive: true, force: true }).catch(() => undefined);
    throw writeError(dir, error);
  }
}

/** An empty folder is vacant. */
async function requireVacant(dir: string): Promise<void> {
  try {
    const names = await readdir(dir);
    if (names.length > 0)
      throw new ReclmisError('OUTPUT_EXISTS', `${dir}: the folder is not empty (it holds ${names[0]})`);
  } catch (error) {
    if (error instanceof ReclmisError) throw error;
    const code = systemCode(error);
    if (code === 'ENOTDIR') throw new ReclmisError('OUTPUT_EXISTS', `${dir}: is a file`, { cause: error });
    if (code !== 'ENOENT')
      throw new ReclmisError('OUTPUT_UNWRITABLE', `${dir}: cannot be read (${oneLine(error)})`, {
        cause: error,
      });
  }
}
