/** One writer per folder, for commands with several result files. */
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { makeFolder } from './files.js';
import { isLocked, withLock } from './lock.js';

export interface FolderLock {
  readonly name?: string;
  /** Locks that prevent this one while held. */
  readonly excluded?: () => Promise<readonly string[]>;
  /** Ends waiting for another machine's process. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` as the folder's only writer. Creates the folder, and removes it if the work fails before
 * writing.
 * @throws RUN_BUSY, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withFolderLock<R>(
  dir: string,
  { name = '.lock', excluded, signal }: FolderLock,
  work: () => Promise<R>,
): Promise<R> {
  const busy = (who: string): ReclmisError =>
    new ReclmisError('RUN_BUSY', `${dir}: ${who} is writing its results there`, {
      remedy: 'Wait for it, stop it, or choose another folder with -o.',
    });
  const made = !existsSync(dir);
  await makeFolder(dir);
  const onWait = ({ here, pid }: { readonly here: boolean; readonly pid: number | null }): void => {
    if (here) throw busy(`process ${pid ?? 'unknown'}`);
  };
  const whole = withLock(join(dir, name), { signal, onWait }, async () => {
    // Checked under our own lock: of two that begin at once, at least one sees the other.
    const held = (await excluded?.())?.find((other) => other !== name && isLocked(join(dir, other)));
    if (held !== undefined) throw busy('another process');
    return work();
  });
  return whole.catch(async (error: unknown) => {
    if (made) await rmdir(dir).catch(() => undefined); // not empty if something was written
    throw error;
  });
}
