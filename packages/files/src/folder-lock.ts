/** One writer a folder, for commands whose results lie in several files: of two at once, the files of one would lie among those of the other. */
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { makeFolder } from './files.js';
import { isLocked, withLock } from './lock.js';

export interface FolderLock {
  /** Name of the lock in the folder. */
  readonly name?: string;
  /** Names of locks under which others may not write while this one is held. */
  readonly excluded?: () => Promise<readonly string[]>;
  /** Ends the waiting for a process of another machine. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` while nobody else writes into the folder, which is made if needed, and taken away again where the work fails before it writes anything.
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
    // Looked at while holding one's own: of two that begin at once, at least one sees the other.
    const held = (await excluded?.())?.find((other) => other !== name && isLocked(join(dir, other)));
    if (held !== undefined) throw busy('another process');
    return work();
  });
  return whole.catch(async (error: unknown) => {
    if (made) await rmdir(dir).catch(() => undefined); // not empty: something was written
    throw error;
  });
}
