/** `reclmis weights import`: puts a copy of a published file into the store. */
import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { openTensorSource, type TensorSource } from '@reclmis/torch';
import { proposeId, refuseOtherActivation, writeTower } from './convert.js';
import { cacheHome, hashFile } from '@reclmis/files';
import type { ManifestParts } from './manifest.js';
import { installWeights, listWeights } from './store.js';
import type { StoredWeights } from './stored.js';
import { findTower } from './tower-keys.js';
import { importVocabulary, vocabularyCandidates } from './vocabulary.js';

export interface ImportOptions {
  /** Default: by the tower's size, e.g. `clip-vit-b-32`. */
  readonly id?: string | undefined;
  /** Default: by a published name next to the file, then that of other stored weights. */
  readonly vocabulary?: string | undefined;
  readonly force?: boolean | undefined;
  /** Default `cacheHome()`. */
  readonly home?: string | undefined;
  /** Recorded. Default its own. */
  readonly name?: string | undefined;
}

/**
 * Puts a file's text tower into the store, or nothing.
 * @throws WEIGHTS_UNSUPPORTED, WEIGHTS_MISSING, ARCHIVE_INVALID, ARCHIVE_REFUSED, SAFETENSORS_INVALID,
 * VOCABULARY_MISSING, VOCABULARY_INVALID, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function importWeights(file: string, options: ImportOptions = {}): Promise<StoredWeights> {
  refuseOtherActivation(file);
  const source = openTensorSource(file);
  try {
    const id = options.id ?? proposeId(findTower(source));
    const vocabulary = options.vocabulary ?? findVocabulary(file, options.home);
    return await installWeights(id, (staging) => fillWeights(source, vocabulary, staging, options), options);
  } finally {
    source.close();
  }
}

/** `exact`: see `writeTower`. */
export async function fillWeights(
  source: TensorSource,
  vocabulary: string,
  folder: string,
  {
    name = basename(source.path),
    exact = false,
  }: { readonly name?: string | undefined; readonly exact?: boolean } = {},
): Promise<ManifestParts> {
  const words = await importVocabulary(vocabulary, folder); // the small one first
  const { tower } = writeTower(source, folder, { exact });
  const { size: bytes } = statSync(source.path);
  return { tower, vocabulary: words, source: { name, sha256: await hashFile(source.path), bytes } };
}

/** Next to the file, or from stored weights: all CLIP models share one. @throws VOCABULARY_MISSING */
export function findVocabulary(file: string, home: string = cacheHome()): string {
  const beside = vocabularyCandidates(file).find((candidate) => existsSync(candidate));
  if (beside !== undefined) return beside;
  for (const { weights } of listWeights(home)) if (weights) return weights.merges;
  throw new ReclmisError(
    'VOCABULARY_MISSING',
    `${file}: expected ${vocabularyCandidates('').slice(0, 2).join(' or ')} next to it, found neither`,
  );
}
