/** Protects the output folder: images are never replaced, no partial files remain. */
import { readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { finalName, systemCode, writeError } from '@reclmis/files';
import type { PredictionCase } from './cases.js';
import { type Part, recordNames } from './part.js';

/** `a_mask.png` may be an image where the mask of `a.png` would go. @throws OUTPUT_EXISTS */
export async function refuseOverwriting(
  cases: readonly PredictionCase[],
  out: string,
  suffixes: readonly string[],
): Promise<void> {
  const folder = await realpath(out).catch(() => null);
  if (folder === null) return; // nothing there yet
  const folders = new Map<string, string>(); // named folder -> real folder
  const resolved = async (dir: string): Promise<string> => {
    const known = folders.get(dir) ?? (await realpath(dir).catch(() => dir));
    folders.set(dir, known);
    return known;
  };
  const inputs = new Map<string, string>();
  for (const { imagePath } of cases) {
    const real = await realpath(imagePath).catch(() => imagePath);
    const named = join(await resolved(dirname(imagePath)), basename(imagePath)); // differs for a link to an image
    for (const path of [real, named]) {
      if (suffixes.some((suffix) => path.endsWith(suffix))) inputs.set(path, imagePath);
    }
  }
  if (inputs.size === 0) return;
  for (const { id } of cases) {
    for (const suffix of suffixes) {
      const path = join(folder, `${id}${suffix}`);
      const input = inputs.get(join(await resolved(dirname(path)), basename(path)));
      if (input !== undefined)
        throw new ReclmisError('OUTPUT_EXISTS', `${input}: would be overwritten by a result for ${id}`);
    }
  }
}

/**
 * Removes what a killed process left half-written, not what other parts write now.
 * @param ending of files of whole series, whose names this part alone writes
 */
export async function sweep(
  out: string,
  cases: Iterable<PredictionCase>,
  suffixes: readonly string[],
  part: Part | null,
  ending: RegExp,
): Promise<void> {
  const records = Object.values(recordNames(part));
  const ids = new Set<string>();
  const folders = new Set(['.']);
  for (const { id } of cases) {
    ids.add(id);
    folders.add(dirname(id));
  }
  for (const folder of folders) {
    const names = await readdir(join(out, folder)).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return [];
      throw writeError(join(out, folder), error);
    });
    for (const name of names) {
      const file = finalName(name);
      if (file === null) continue;
      const suffix = suffixes.find((end) => file.endsWith(end));
      const own = folder === '.' && records.includes(file);
      if (own || (part === null && ending.test(file))) await rm(join(out, folder, name), { force: true });
      if (suffix === undefined) continue;
      const id = relative('.', join(folder, file.slice(0, -suffix.length)))
        .split(sep)
        .join('/');
      if (ids.has(id)) await rm(join(out, folder, name), { force: true });
    }
  }
}
