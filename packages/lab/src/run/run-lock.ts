/** The lock that gives a run folder one writer. */
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { isLocked, type LockHolder, withLock, writeError } from '@reclmis/files';

const LOCK = '.lock';

/**
 * Runs `work` under the run's lock. A dead process's lock is taken over; another machine's counts until
 * untouched for five minutes.
 * @throws RUN_BUSY if another process trains into the run; OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function withRunLock<R>(
  dir: string,
  { onNotice, signal }: { readonly onNotice?: (line: string) => void; readonly signal?: AbortSignal },
  work: () => Promise<R>,
): Promise<R> {
  const onWait = ({ here, pid }: LockHolder): void => {
    if (here) throw new ReclmisError('RUN_BUSY', `${dir}: process ${pid ?? 'unknown'} is training this run`);
    onNotice?.(
      `${dir} is locked by another machine; waiting until the lock is released or idle for five minutes`,
    );
  };
  return withLock(join(dir, LOCK), { signal, onWait, errorOf }, work);
}

function errorOf(path: string, error: unknown): ReclmisError {
  const coded = writeError(path, error);
  if (coded.code !== 'OUTPUT_UNWRITABLE' || coded === error) return coded;
  return new ReclmisError(coded.code, coded.message, {
    cause: error,
    remedy: 'Make the run folder writable; training keeps its lock and checkpoints there.',
  });
}

/** The process lives or, on another machine, touched the lock lately. */
export function isHeld(dir: string): boolean {
  return isLocked(join(dir, LOCK));
}
