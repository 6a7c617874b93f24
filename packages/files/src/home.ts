/**
 * The cache: `RECLMIS_HOME`, or the platform's cache folder (XDG base directory specification, Apple's file
 * system guide, Windows' known folders).
 */
import { homedir } from 'node:os';
import { posix, resolve, win32 } from 'node:path';
import { type ReclmisError, writeError } from '@reclmis/core';

/** As `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Absolute; it may not exist yet. */
export function cacheHome(env: Environment = process.env, platform: string = process.platform): string {
  const own = env['RECLMIS_HOME'];
  if (own) return resolve(own);
  if (platform === 'win32') {
    const user = env['USERPROFILE'] || homedir();
    return win32.join(env['LOCALAPPDATA'] || win32.join(user, 'AppData', 'Local'), 'reclmis', 'Cache');
  }
  const user = env['HOME'] || homedir();
  if (platform === 'darwin') return posix.join(user, 'Library', 'Caches', 'reclmis');
  const cache = env['XDG_CACHE_HOME'];
  // The specification says to ignore relative paths.
  return posix.join(cache && posix.isAbsolute(cache) ? cache : posix.join(user, '.cache'), 'reclmis');
}

/** A failed write to the cache as DISK_FULL or OUTPUT_UNWRITABLE; coded errors pass unchanged. */
export function cacheError(path: string, error: unknown): ReclmisError {
  return writeError(path, error, {
    full: 'Free some space, or set RECLMIS_HOME to a folder on another disk, and run the command again.',
    unwritable: 'Make the cache writable, or set RECLMIS_HOME to a writable folder.',
  });
}
