/**
 * The store of text-encoder weights: folders `weights/ID/` in the cache, filled under a name with a leading
 * dot, then renamed.
 */
import { type Dirent, existsSync, readdirSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { cacheError, cacheHome, hashFile, isFull, isLitter, oneLine, syncFolder } from '@reclmis/files';
import { TOWER_FILE } from './convert.js';
import { assertWeightsId, weightsFolder } from './home.js';
import type { ManifestParts } from './manifest.js';
import { attempt, hiddenName, isAbsent, recover, sweep } from './staging.js';
import { corrupt, readWeights, sealWeights, type StoredWeights } from './stored.js';
import { MERGES_FILE } from './vocabulary.js';

export { readWeights, type StoredWeights } from './stored.js';
export type { ManifestParts, TowerOptions, WeightsManifest } from './manifest.js';

export type WeightsEntry =
  | { readonly id: string; readonly dir: string; readonly weights: StoredWeights; readonly error: null }
  | { readonly id: string; readonly dir: string; readonly weights: null; readonly error: ReclmisError };

export interface InstallOptions {
  /** Default false. */
  readonly force?: boolean | undefined;
  /** Default `cacheHome()`. */
  readonly home?: string | undefined;
}

/** Sorted by id, including damaged ones. @throws WEIGHTS_CORRUPT if the store is unreadable */
export function listWeights(home: string = cacheHome()): WeightsEntry[] {
  const folder = weightsFolder(home);
  recover(folder);
  let names: Dirent[];
  try {
    names = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw corrupt(folder, oneLine(error), error);
  }
  return names
    .filter((entry) => entry.isDirectory() && !isLitter(entry.name))
    .map(({ name: id }) => ({ id, dir: join(folder, id) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((entry) => {
      try {
        return { ...entry, weights: readWeights(entry.dir, entry.id), error: null };
      } catch (error) {
        if (error instanceof ReclmisError) return { ...entry, weights: null, error };
        throw error;
      }
    });
}

/**
 * Null if there are none. Reads the manifest and compares file sizes.
 * @throws WEIGHTS_CORRUPT; OPTION_INVALID for a bad id
 */
export function findWeights(id: string, home: string = cacheHome()): StoredWeights | null {
  assertWeightsId(id);
  const dir = join(weightsFolder(home), id);
  if (!existsSync(dir)) recover(weightsFolder(home));
  return existsSync(dir) ? readWeights(dir, id) : null;
}

/** @throws WEIGHTS_MISSING, WEIGHTS_CORRUPT, OPTION_INVALID */
export function requireWeights(id: string, home: string = cacheHome()): StoredWeights {
  const weights = findWeights(id, home);
  if (weights) return weights;
  throw new ReclmisError('WEIGHTS_MISSING', `${id}: no weights with this id in ${weightsFolder(home)}`);
}

/** Rehashes an id's files. @throws WEIGHTS_MISSING, WEIGHTS_CORRUPT naming the file, OPTION_INVALID */
export async function verifyWeights(id: string, home: string = cacheHome()): Promise<StoredWeights> {
  const weights = requireWeights(id, home);
  for (const [name, { sha256 }] of Object.entries(weights.manifest.files)) {
    const path = join(weights.dir, name);
    const actual = await hashFile(path).catch((error: unknown) => {
      throw corrupt(path, oneLine(error), error);
    });
    if (actual !== sha256) throw corrupt(path, `expected SHA-256 ${sha256}, got ${actual}`);
  }
  return weights;
}

/** @throws OUTPUT_EXISTS, OPTION_INVALID */
export async function refuseStored(
  id: string,
  { force = false, home = cacheHome() }: InstallOptions = {},
): Promise<void> {
  assertWeightsId(id);
  const dir = join(weightsFolder(home), id);
  if (force || !(await isThere(dir))) return;
  throw taken(dir);
}

/**
 * Puts weights into the store. `fill` writes `model.safetensors` and `merges.txt` into a folder and describes
 * them. `force` replaces weights of the same id once the new ones are complete. A failure leaves everything
 * as it was.
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL, OPTION_INVALID; what `fill` throws passes unchanged
 */
export async function installWeights(
  id: string,
  fill: (staging: string) => Promise<ManifestParts>,
  { force = false, home = cacheHome() }: InstallOptions = {},
): Promise<StoredWeights> {
  await refuseStored(id, { force, home });
  const folder = weightsFolder(home);
  const dir = join(folder, id);
  const staging = hiddenName(folder, id, 'staging');
  await attempt(folder, () => mkdir(folder, { recursive: true }));
  await sweep(folder);
  await attempt(staging, () => mkdir(staging));
  try {
    const parts = await fill(staging);
    await attempt(staging, () => sealWeights(id, staging, parts));
    const { manifest } = readWeights(staging, id); // here no other process exchanges it
    await attempt(dir, () => exchange(id, folder, staging, force));
    return { id, dir, model: join(dir, TOWER_FILE), merges: join(dir, MERGES_FILE), manifest };
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw isFull(error) ? cacheError(staging, error) : error;
  }
}

/**
 * Renames the staging folder to its place. With `force`, the old folder steps aside first, and back on
 * failure. Two processes cannot both win: it never renames onto a folder that holds something.
 */
async function exchange(id: string, folder: string, staging: string, force: boolean): Promise<void> {
  const dir = join(folder, id);
  const aside = hiddenName(folder, id, 'old');
  for (let tries = 1; ; tries++) {
    const replaced = force && (await moved(dir, aside));
    try {
      await rename(staging, dir);
    } catch (error) {
      if (replaced) await rename(aside, dir).catch(() => undefined); // another process put its own there
      if (!(await isThere(dir))) throw error; // the old folder stays aside until `recover`
      await rm(aside, { recursive: true, force: true });
      if (!force || tries === 5) throw taken(dir);
      continue;
    }
    await syncFolder(folder);
    await rm(aside, { recursive: true, force: true });
    return;
  }
}

/** Whether there was anything to rename. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

function taken(dir: string): ReclmisError {
  return new ReclmisError('OUTPUT_EXISTS', `${dir}: already contains weights`, {
    remedy: 'Use them, choose another id with --id, or replace them with --force.',
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw cacheError(path, error);
  }
}
