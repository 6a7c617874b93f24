import { ReclmisError } from '@reclmis/core';

/** The coded error of `act`, thrown or rejected; rethrows any other. */
export async function failure(act: () => unknown): Promise<ReclmisError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('expected a ReclmisError');
}

/** The code that `act` throws at once; rethrows any other error. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ReclmisError) return error.code;
    throw error;
  }
  throw new Error('expected a ReclmisError');
}
