/** Turns c10d's errors into coded ones. */
import { ReclmisError } from '@reclmis/core';

/**
 * Runs a call into c10d, whose messages may hold addresses but no data.
 * @throws DISTRIBUTED_FAILED naming the operation.
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
