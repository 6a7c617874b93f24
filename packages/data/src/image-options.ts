/** Which picture of a case's file is meant, and in which window. */
import { basename } from 'node:path';
import { defined, ReclmisError } from '@reclmis/core';
import { openSource, type ReadOptions } from '@reclmis/files';
import type { Case } from './types.js';

/** For the readers of packages/files. */
export const imageOptions = ({ frame, window }: Pick<Case, 'frame' | 'window'>): ReadOptions =>
  defined({ frame, window });

/** Tells the pictures of one file apart. */
export const pathWithFrame = ({ imagePath, frame }: Pick<Case, 'imagePath' | 'frame'>): string =>
  frame === undefined ? imagePath : `${imagePath}#${frame}`;

/**
 * Reads something of a case's image; a slice that is not there is a fault of its row.
 * @throws SLICE_MISSING, and as `read`
 */
export async function readOf<T>(one: Case, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { frame, row, imagePath } = one;
    if (frame === undefined || !(error instanceof ReclmisError) || error.code !== 'OPTION_INVALID')
      throw error;
    const { frames = 1 } = (await openSource(imagePath)) ?? {};
    if (frame < frames) throw error;
    throw new ReclmisError(
      'SLICE_MISSING',
      `${row ?? one.id}: names slice ${frame + 1} of ${basename(imagePath)}, which has ${frames}`,
    );
  }
}
