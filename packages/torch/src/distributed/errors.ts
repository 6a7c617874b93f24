/** What c10d throws, as a coded error. */
import { ReclmisError } from '@reclmis/core';

/**
 * Runs a call into c10d. Its message may hold addresses, no data.
 * @throws DISTRIBUTED_FAILED saying what was done.
 */
export function distributedError<R>(what: string, work: () => R): R {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof ReclmisError) throw cause;
    const line = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
    throw new ReclmisError('DISTRIBUTED_FAILED', `${what}: ${line}`, { cause });
  }
}
