/** A run folder has one writer: the lock that a training holds on it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { machineTag } from '../weights/home.js';
import { withLock } from '../weights/lock.js';

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
