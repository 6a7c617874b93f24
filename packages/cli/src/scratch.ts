/** Folders for a command's own files. */
import { existsSync, renameSync, rmSync } from 'node:fs';
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
  const sweep = (): void => {
    // The process's threads may be writing still, which would keep the folder from ever being empty.
    if (!existsSync(folder)) return;
    const gone = `${folder}-gone`;
    renameSync(folder, gone);
    rmSync(gone, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('exit', sweep);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', sweep);
  }
}
