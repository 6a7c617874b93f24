/** File helpers: whole files or none, and file-system errors as coded errors. */
import type { Stats } from 'node:fs';
import { mkdir, open, readlink, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';

let serial = 0;

/** The `code` of a Node error (`ENOENT`, `ENOSPC`), or the empty string. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** One line about an error of unknown kind, for messages. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, '; ').trim();
}

/** What a failed write is called: DISK_FULL or OUTPUT_UNWRITABLE; an error that has a code already stays as it is. */
export function writeError(path: string, error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ReclmisError('DISK_FULL', `${path}: the disk is full`, { cause: error });
  }
  return new ReclmisError('OUTPUT_UNWRITABLE', `${path}: cannot be written (${oneLine(error)})`, {
    cause: error,
  });
}

/** Creates a folder with its parents. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** As `mkdir` with `recursive`, which never ends in Node where a file system answers ENOENT though the parent is there, as /proc does. */
async function makeFolders(path: string): Promise<void> {
  const made = (error: unknown): boolean => systemCode(error) === 'EEXIST';
  try {
    await mkdir(path);
  } catch (error) {
    if (made(error) && (await follow(path)).isDirectory()) return;
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdir(path).catch((second: unknown) => {
      if (!made(second)) throw second; // else another process was first
    });
  }
}

/** `stat`, with an error that names a link which leads nowhere. @throws OUTPUT_UNWRITABLE */
async function follow(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    const target = await readlink(path).catch(() => null);
    if (target === null) throw error;
    const why = systemCode(error) === 'ELOOP' ? 'which points back to itself' : 'which does not exist';
    throw new ReclmisError('OUTPUT_UNWRITABLE', `${path}: is a link to ${target}, ${why}`, {
      cause: error,
      remedy: 'Create the link’s target, remove the link, or choose another folder.',
    });
  }
}

/** Creates a folder and tries a file in it, before work whose results are to go there. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function requireWritable(folder: string): Promise<void> {
  const file = join(folder, `.${process.pid}.tmp`);
  await writeFileAtomic(file, '');
  await rm(file, { force: true });
}

/**
 * Writes a file whole or not at all: into a temporary file of the same folder (which is created if needed), then renamed. Text may come in
 * pieces, so that long files need not be in memory.
 * @param options `sync` waits until the disk has the bytes, for files that cost too much to lose with the machine's power.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string | Iterable<string> | AsyncIterable<string>,
  { sync = false }: { readonly sync?: boolean } = {},
): Promise<void> {
  await makeFolder(dirname(path));
  serial += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${serial}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      if (typeof bytes === 'string' || bytes instanceof Uint8Array) await file.writeFile(bytes);
      else for await (const piece of bytes) await file.writeFile(piece); // each goes on where the last ended
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to report
    throw writeError(path, error);
  }
}

/**
 * Runs `work` over the items, at most `limit` at a time; results in the items' order. The first rejection ends it: what is under way
 * is waited for, nothing new begins, and then the whole is rejected.
 */
export async function mapLimit<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next;
      next += 1;
      try {
        results[index] = await work(items[index] as T, index);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
