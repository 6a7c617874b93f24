/** The DICOM files that a command line names: files, and folders with all below. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileHead } from '@reclmis/clinical';
import { oneLine, ReclmisError } from '@reclmis/core';
import { openRegular, readRegular } from '@reclmis/files';

/** Bytes in which a file's head ends. */
const HEAD = 4096;
/** Most bytes of one file; buffers and requests end somewhere. */
const MAX_BYTES = 2 ** 30;

export interface DicomFiles {
  readonly paths: readonly string[];
  /** Other files in folders. */
  readonly skipped: number;
}

/** In the order given, folders in the order of names. @throws IMAGE_MISSING, IMAGE_UNREADABLE */
export async function dicomFiles(given: readonly string[]): Promise<DicomFiles> {
  const paths: string[] = [];
  let skipped = 0;
  for (const path of given) {
    const stats = await stat(path).catch((error: unknown) => {
      throw new ReclmisError('IMAGE_MISSING', `${path}: cannot be read (${oneLine(error)})`, {
        cause: error,
      });
    });
    if (!stats.isDirectory()) {
      paths.push(path);
      continue;
    }
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      if (await hasHead(file)) paths.push(file);
      else skipped += 1;
    }
  }
  if (paths.length === 0)
    throw new ReclmisError('IMAGE_MISSING', `no DICOM file among ${skipped} files`, {
      remedy: 'Name DICOM files, or folders that hold some.',
    });
  return { paths, skipped };
}

async function hasHead(path: string): Promise<boolean> {
  const file = await openRegular(path).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return readFileHead(buffer.subarray(0, bytesRead)) !== null;
  } finally {
    await file.close();
  }
}

/** One after the other. @throws IMAGE_UNREADABLE */
export async function* readAll(paths: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const path of paths) {
    const bytes = await readRegular(path, { limit: MAX_BYTES }).catch((error: unknown) => {
      throw new ReclmisError('IMAGE_UNREADABLE', `${path}: cannot be read (${oneLine(error)})`, {
        cause: error,
      });
    });
    if (readFileHead(bytes) === null)
      throw new ReclmisError('IMAGE_UNREADABLE', `${path}: is not a DICOM file with its head`, {
        remedy: 'Send DICOM files (PS3.10) as they were written.',
      });
    yield bytes;
  }
}
