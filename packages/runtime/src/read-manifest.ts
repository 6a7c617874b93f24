/** Reads a model's manifest from where its files are. */
import { MANIFEST_FILE, type ModelManifest, parseManifest, ReclmisError } from '@reclmis/core';
import type { Source } from './seams.js';

/** Far above any manifest with a training set's vocabulary. */
const MANIFEST_BYTES = 16 * 2 ** 20;

/** @throws MODEL_MISSING, MODEL_INVALID */
export async function readManifest(source: Source): Promise<ModelManifest> {
  const where = `${source.where}: ${MANIFEST_FILE}`;
  const bytes = await source.read(MANIFEST_FILE, MANIFEST_BYTES);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ReclmisError('MODEL_INVALID', `${where}: is not JSON`, { cause });
  }
  return parseManifest(json, where);
}
