/** A run folder has one writer: the lock that a training holds on it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { isAlive, machineTag } from '../weights/home.js';
import { STALE_MS, withLock } from '../weights/lock.js';

/**
 * Runs `work` while holding the run's lock. A lock that a process left which no longer runs on this machine is taken over at once. One of
 * another machine that shares the disk cannot be asked: it is waited for until it has not been touched for five minutes.
 * @throws RUN_BUSY where another process of this machine trains into the run; OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withRunLock<R>(
  dir: string,
  { onNotice, signal }: { readonly onNotice?: (line: string) => void; readonly signal?: AbortSignal },
  work: () => Promise<R>,
): Promise<R> {
  const path = join(dir, '.lock');
  const onWait = (): void => {
    const [machine, pid] = existsSync(path) ? readFileSync(path, 'utf8').split(' ') : [];
    if (machine === machineTag()) {
      throw new ReclmisError('RUN_BUSY', `${dir}: process ${pid ?? 'unknown'} trains into this run`);
    }
    onNotice?.(`${dir} is held from another machine; waiting until it is released or five minutes idle`);
  };
  return withLock(path, { signal, onWait }, work);
}

/** Whether a process seems to train into the run: its lock is there, and its holder lives or, on another machine, has touched it of late. */
export function isHeld(dir: string): boolean {
  const path = join(dir, '.lock');
  if (!existsSync(path)) return false;
  try {
    const [machine, pid] = readFileSync(path, 'utf8').split(' ');
    if (machine === machineTag()) return isAlive(Number(pid));
    return Date.now() - statSync(path).mtimeMs < STALE_MS;
  } catch {
    return false; // released meanwhile
  }
}
