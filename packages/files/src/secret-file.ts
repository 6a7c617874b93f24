/** Passwords and tokens in files: read each time they are needed, so a renewed one is used at once. */
import { stat } from 'node:fs/promises';
import { oneLine, ReclmisError } from '@reclmis/core';
import { readRegular } from './regular.js';

const MAX_BYTES = 64 * 1024;

/**
 * The secret in a file, without the line break at its end.
 * @param option what named the file, for messages @throws OPTION_INVALID if it cannot be read, or holds several lines
 */
export async function readSecret(option: string, path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readRegular(path, { limit: MAX_BYTES });
  } catch (error) {
    throw new ReclmisError('OPTION_INVALID', `${option} ${path}: cannot be read (${oneLine(error)})`, {
      cause: error,
      remedy: 'Give a file that this user can read.',
    });
  }
  const secret = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (secret !== '' && !/[\r\n]/.test(secret)) return secret;
  throw new ReclmisError('OPTION_INVALID', `${option} ${path}: expected one line, got none or several`);
}

/** May users other than owner and group read the file? Windows has no such bits. */
export async function isOpenToAll(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const mode = await stat(path).then(
    (stats) => stats.mode,
    () => 0,
  );
  return (mode & 0o004) !== 0;
}
