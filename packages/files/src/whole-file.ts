/** Writes files all or nothing, under a temporary name that is then renamed. Nothing else replaces files. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeError } from '@reclmis/core';
import { makeFolder } from './files.js';

/** Most bytes of one write; the kernel's limit is just below 2 GiB. */
const WRITE_CHUNK = 1 << 30;

export interface WriteOptions {
  /** Waits for the disk, for files too costly to lose in a power cut. Default false. */
  readonly sync?: boolean;
  /** Before the process's mask. Default 0o666. */
  readonly mode?: number;
}

/** Appends bytes, or overwrites at a position. */
export type Write = (bytes: Uint8Array, position?: number) => void;

/** Hidden, next to `path`: `.NAME.PID.RANDOM.tmp`. */
export function temporaryName(path: string): string {
  const random = randomBytes(4).toString('hex'); // process ids repeat in containers and on shared disks
  return join(dirname(path), `.${basename(path)}.${process.pid}.${random}.tmp`);
}

/** What a temporary name stands for, or null. */
export function finalName(temporary: string): string | null {
  return /^\.(.+)\.\d+\.[\da-f]+\.tmp$/.exec(temporary)?.[1] ?? null;
}

/** Creates the folder. Text in pieces need not fit in memory. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string | Iterable<string> | AsyncIterable<string>,
  { sync = false, mode }: WriteOptions = {},
): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      if (typeof bytes === 'string' || bytes instanceof Uint8Array) await file.writeFile(bytes);
      else for await (const piece of bytes) await file.writeFile(piece);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    if (sync) await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is reported
    throw writeError(path, error);
  }
}

/**
 * Synchronous, for code that must not be interrupted. The folder must exist: a deleted run does not come
 * back.
 * @param content bytes or text, or a function that writes pieces; its errors pass unchanged. @throws
 * OUTPUT_UNWRITABLE, DISK_FULL
 */
export function writeFileAtomicSync(
  path: string,
  content: Uint8Array | string | ((write: Write) => void),
  { sync = false, mode }: WriteOptions = {},
): void {
  const attempt = <R>(work: () => R): R => {
    try {
      return work();
    } catch (error) {
      throw writeError(path, error);
    }
  };
  const temporary = temporaryName(path);
  try {
    const fd = attempt(() => openSync(temporary, 'wx', mode));
    const write: Write = (bytes, position) => attempt(() => writeFully(fd, bytes, position));
    try {
      if (typeof content === 'function') content(write);
      else write(typeof content === 'string' ? Buffer.from(content) : content);
      if (sync) attempt(() => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
    attempt(() => renameSync(temporary, path));
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // the first error is reported
    }
    throw error;
  }
  if (sync) attempt(() => syncFolderSync(dirname(path)));
}

function writeFully(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    const at = position === undefined ? null : position + done;
    done += writeSync(fd, bytes, done, Math.min(bytes.length - done, WRITE_CHUNK), at);
  }
}

/** Makes renames durable, except where folders cannot be opened (Windows). */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function syncFolderSync(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates the folder and tries a file in it, before long work. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function requireWritable(folder: string): Promise<void> {
  const file = temporaryName(join(folder, 'writable'));
  await writeFileAtomic(file, '');
  await rm(file, { force: true });
}
