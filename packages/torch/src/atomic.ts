/** Files that appear whole or not at all: written beside their place under another name, synced, then renamed. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';

/** Error codes of the system that mean that no room is left. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);
/** Most bytes that one write call is given; the kernel's own limit lies just below 2 GiB. */
const WRITE_CHUNK = 1 << 30;

/** Adds bytes to a file, or writes them over others at a place that was written before. */
export type Write = (bytes: Uint8Array, position?: number) => void;

/**
 * Writes the pieces that `fill` gives to `path`. If anything fails, `path` is as it was and nothing else remains.
 *
 * @throws ReclmisError DISK_FULL or OUTPUT_UNWRITABLE; what `fill` itself throws passes unchanged.
 */
export function writeAtomically(path: string, fill: (write: Write) => void): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const fd = attempt(path, () => openSync(temporary, 'wx'));
    try {
      fill((bytes, position) => attempt(path, () => writeFully(fd, bytes, position)));
      attempt(path, () => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
    attempt(path, () => renameSync(temporary, path));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // where no file can be, none is left; the first error is the one to report
    }
    throw error;
  }
  attempt(path, () => syncFolder(folder));
}

function writeFully(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    const at = position === undefined ? null : position + done;
    done += writeSync(fd, bytes, done, Math.min(bytes.length - done, WRITE_CHUNK), at);
  }
}

/** Makes the rename itself durable; systems that cannot open folders (Windows) do without. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function attempt<R>(path: string, work: () => R): R {
  try {
    return work();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    if (FULL.has(code)) throw new ReclmisError('DISK_FULL', `${path}: the disk is full (${code})`, { cause });
    throw new ReclmisError('OUTPUT_UNWRITABLE', `${path}: cannot be written (${code})`, { cause });
  }
}
