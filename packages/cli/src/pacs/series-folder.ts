/** A series of a PACS as a folder of files, whole or not at all. */
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FoundInstance, Pacs } from '@reclmis/clinical';
import { ReclmisError, systemCode, writeError } from '@reclmis/core';
import { makeFolder, temporaryName, writeFileAtomic } from '@reclmis/files';

export interface FetchedSeries {
  readonly files: number;
  readonly bytes: number;
}

/** `0001.dcm` in the order of instance numbers: neither names nor identifiers of patients become file names. */
function fileNames(instances: readonly FoundInstance[]): Map<string, string> {
  const order = [...instances].sort(
    (a, b) => (a.number ?? Infinity) - (b.number ?? Infinity) || (a.instance < b.instance ? -1 : 1) || 0,
  );
  const digits = Math.max(4, String(order.length).length);
  return new Map(order.map(({ instance }, i) => [instance, `${String(i + 1).padStart(digits, '0')}.dcm`]));
}

/** @throws OUTPUT_EXISTS unless the folder is absent or empty */
export async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    if (systemCode(error) === 'ENOTDIR') throw new ReclmisError('OUTPUT_EXISTS', `${folder}: is a file`);
    throw writeError(folder, error);
  });
  if (names.length > 0) throw new ReclmisError('OUTPUT_EXISTS', `${folder}: is not empty`);
}

/**
 * Fetches into a hidden folder next to `folder`, which is then renamed.
 * @param onFile files done, of all @throws PACS_*, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function fetchSeries(
  pacs: Pacs,
  { study, series }: { readonly study: string; readonly series: string },
  folder: string,
  onFile?: (done: number, total: number) => void,
): Promise<FetchedSeries> {
  await requireEmpty(folder);
  await makeFolder(dirname(folder));
  const temporary = temporaryName(folder);
  let names = new Map<string, string>();
  let [files, bytes] = [0, 0];
  try {
    await mkdir(temporary, { mode: 0o700 });
    for await (const one of pacs.retrieveSeries(study, series, (found) => (names = fileNames(found)))) {
      const name = names.get(one.instance);
      if (name === undefined) throw new ReclmisError('INTERNAL', 'an instance that was not announced');
      await writeFileAtomic(join(temporary, name), one.bytes, { mode: 0o600 });
      files += 1;
      bytes += one.bytes.length;
      onFile?.(files, names.size);
    }
    await rmdir(folder).catch(() => undefined); // absent, or empty
    await rename(temporary, folder);
    return { files, bytes };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw writeErrorOf(folder, error);
  }
}

function writeErrorOf(folder: string, error: unknown): unknown {
  return systemCode(error) === '' ? error : writeError(folder, error);
}
