/**
 * Files that appear whole or not at all: written next to their place under a temporary name, then renamed. Every file of the project that replaces
 * another is written here, with or without waiting (`writeFileAtomic`, `writeFileAtomicSync`).
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeError } from '@reclmis/core';
import { makeFolder } from './files.js';

/** Most bytes that one write call is given; the kernel's own limit lies just below 2 GiB. */
const WRITE_CHUNK = 1 << 30;

export interface WriteOptions {
  /** Waits until the disk has the bytes and the name, for files that cost too much to lose with the machine's power. Default false. */
  readonly sync?: boolean;
  /** Permissions of the new file, before the process's mask. Default 0o666. */
  readonly mode?: number;
}

/** Adds bytes to a file, or writes them over others at a place that was written before. */
export type Write = (bytes: Uint8Array, position?: number) => void;

/** A hidden name next to `path` that no other process or call uses: `.NAME.PID.RANDOM.tmp`. */
export function temporaryName(path: string): string {
  const random = randomBytes(4).toString('hex'); // process ids repeat in containers and on shared disks
  return join(dirname(path), `.${basename(path)}.${process.pid}.${random}.tmp`);
}

/** The name of the file that was to take the place of a temporary one; null if the name is not temporary. */
export function finalName(temporary: string): string | null {
  return /^\.(.+)\.\d+\.[\da-f]+\.tmp$/.exec(temporary)?.[1] ?? null;
}

/**
 * Writes a file whole or not at all, and creates its folder if needed. Text may come in pieces, so that long files need not be in memory.
 *
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
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
      else for await (const piece of bytes) await file.writeFile(piece); // each goes on where the last ended
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    if (sync) await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw writeError(path, error);
  }
}

/**
 * The same without waiting, for code that must not be interrupted between two steps. Its folder must exist: a run that was deleted does not come back.
 *
 * @param content The bytes or text, or what writes them in pieces; an error that it throws passes unchanged.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
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
      // where no file can be, none is left; the first error is the one to report
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

/** Makes renames in a folder durable; systems that cannot open folders (Windows) do without. */
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

/** Creates a folder and tries a file in it, before work whose results are to go there. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function requireWritable(folder: string): Promise<void> {
  const file = temporaryName(join(folder, 'writable'));
  await writeFileAtomic(file, '');
  await rm(file, { force: true });
}
