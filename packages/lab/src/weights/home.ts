/**
 * Where fetched weights are kept: `RECLMIS_HOME`, or the cache folder that the platform's convention names (the XDG base directory
 * specification, Apple's file system guide, Windows' known folders). Weights lie in `weights/ID/`, half downloads in `downloads/ID/`.
 */
import { homedir } from 'node:os';
import { join, posix, resolve, win32 } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { oneLine, systemCode } from '@reclmis/files';

/** Environment variables, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The cache folder of RecLMIS, absolute; it need not exist yet. */
export function weightsHome(env: Environment = process.env, platform: string = process.platform): string {
  const own = env['RECLMIS_HOME'];
  if (own) return resolve(own);
  if (platform === 'win32') {
    const user = env['USERPROFILE'] || homedir();
    return win32.join(env['LOCALAPPDATA'] || win32.join(user, 'AppData', 'Local'), 'reclmis', 'Cache');
  }
  const user = env['HOME'] || homedir();
  if (platform === 'darwin') return posix.join(user, 'Library', 'Caches', 'reclmis');
  const cache = env['XDG_CACHE_HOME'];
  // The specification asks to ignore relative paths.
  return posix.join(cache && posix.isAbsolute(cache) ? cache : posix.join(user, '.cache'), 'reclmis');
}

/** The folder of all stored weights. */
export function weightsFolder(home: string): string {
  return join(home, 'weights');
}

/** The folder of half and finished downloads of one id. */
export function downloadFolder(home: string, id: string): string {
  return join(home, 'downloads', id);
}

/** Ids are names of folders: lower-case letters, digits, dots, dashes and underscores. @throws OPTION_INVALID */
export function assertWeightsId(id: string): void {
  if (/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id)) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${JSON.stringify(id)} is no id of weights; expected 1 to 64 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit`,
    { remedy: 'Choose an id such as clip-vit-b-32.' },
  );
}

/** A failed write to the cache as a coded error (DISK_FULL or OUTPUT_UNWRITABLE); coded errors pass unchanged. */
export function cacheError(path: string, error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ReclmisError('DISK_FULL', `${path}: the disk is full`, {
      cause: error,
      remedy: 'Free some space, or set RECLMIS_HOME to a folder on another disk, and run the command again.',
    });
  }
  return new ReclmisError('OUTPUT_UNWRITABLE', `${path}: cannot be written (${oneLine(error)})`, {
    cause: error,
    remedy: 'Make the cache writable, or set RECLMIS_HOME to a folder that can be written.',
  });
}
