import type { Stats } from 'node:fs';
import { mkdir, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ReclmisError, systemCode, writeError } from '@reclmis/core';

/** Creates a folder with its parents. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeFolders(path);
  } catch (error) {
    throw writeError(path, error);
  }
}

/** Node's recursive `mkdir` never ends on ENOENT for an existing parent, as /proc answers. */
async function makeFolders(path: string): Promise<void> {
  const made = (error: unknown): boolean => systemCode(error) === 'EEXIST';
  try {
    await mkdir(path);
  } catch (error) {
    if (made(error) && (await follow(path)).isDirectory()) return;
    if (systemCode(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolders(dirname(path));
    await mkdir(path).catch((second: unknown) => {
      if (!made(second)) throw second; // or another process was first
    });
  }
}

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

/**
 * Runs `work` over the items, at most `limit` at a time; results in order. After a rejection nothing new
 * begins; it rejects once the running ones have ended.
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
