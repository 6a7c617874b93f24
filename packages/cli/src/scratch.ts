/** Folders for a command's own files. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeError } from '@reclmis/core';

/**
 * Lends a folder that only this user can read. It is gone when `work` ends, and also when Ctrl-C ends the process.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withScratch<T>(prefix: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), prefix)).catch((error: unknown) => {
    throw writeError(tmpdir(), error);
  });
  const sweep = (): void => rmSync(folder, { recursive: true, force: true });
  process.on('exit', sweep);
  try {
    return await work(folder);
  } finally {
    process.off('exit', sweep);
    await rm(folder, { recursive: true, force: true });
  }
}
