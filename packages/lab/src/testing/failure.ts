/** For tests: the coded error that something ends with. */
import { ReclmisError } from '@reclmis/core';

/** The coded error that `act` throws or is rejected with; any other error is thrown on, and none is one. */
export async function failure(act: () => unknown): Promise<ReclmisError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('expected a ReclmisError');
}

/** The code of the coded error that `act` throws at once; any other error is thrown on, and none is one. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  throw new Error('expected a ReclmisError');
}
