/** Files that grow in place; never through a link, which would change another file. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ReclmisError, systemCode, writeError } from '@reclmis/core';

/** Windows lacks both. Without O_NONBLOCK, opening a pipe would wait. */
const NO_LINK =
  ((constants.O_NOFOLLOW as number | undefined) ?? 0) | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/** Flags of `open` to append to an existing file. */
export const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | NO_LINK;

const REMEDY = 'Remove it, or choose another folder; nothing is ever written through a link.';

/**
 * Creates the file if missing.
 * @throws OUTPUT_UNWRITABLE for links, hard links and anything but regular files; DISK_FULL
 */
export async function openToAppend(path: string): Promise<FileHandle> {
  return openOwn(path, APPEND_FLAGS | constants.O_CREAT);
}

/** Opens such a file for reading; null if there is none. @throws as `openToAppend` */
export async function openGrown(path: string): Promise<FileHandle | null> {
  try {
    return await openOwn(path, constants.O_RDONLY | NO_LINK);
  } catch (error) {
    if (error instanceof ReclmisError && systemCode(error.cause) === 'ENOENT') return null;
    throw error;
  }
}

async function openOwn(path: string, flags: number): Promise<FileHandle> {
  const refuse = (what: string, cause?: unknown): ReclmisError =>
    new ReclmisError('OUTPUT_UNWRITABLE', `${path}: ${what}, expected a regular file with a single name`, {
      cause,
      remedy: REMEDY,
    });
  const file = await open(path, flags, 0o666).catch((error: unknown) => {
    if (systemCode(error) === 'ELOOP') throw refuse('is a symbolic link', error);
    if (systemCode(error) === 'ENXIO') throw refuse('is a named pipe or a socket', error);
    throw writeError(path, error);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw refuse('is not a regular file');
    if (stats.nlink > 1) throw refuse(`has ${stats.nlink} names (hard links)`);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}
