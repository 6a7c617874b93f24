/** A folder of stored weights. */
import { statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { hashFile, isLitter, oneLine, readTextSync, writeFileAtomic } from '@reclmis/files';
import { TOWER_FILE } from './convert.js';
import {
  type FileHashes,
  fingerprintOf,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type ManifestParts,
  parseManifest,
  type WeightsManifest,
} from './manifest.js';
import { MERGES_FILE } from './vocabulary.js';

export interface StoredWeights {
  readonly id: string;
  /** Absolute path. */
  readonly dir: string;
  /** The text tower, safetensors. */
  readonly model: string;
  /** CLIP's merges, plain text. */
  readonly merges: string;
  readonly manifest: WeightsManifest;
}

const MAX_MANIFEST_BYTES = 1 << 20;

/**
 * Only compares file sizes with the manifest.
 * @param id expected; default: any. @throws WEIGHTS_CORRUPT
 */
export function readWeights(dir: string, id?: string): StoredWeights {
  const path = join(dir, MANIFEST_FILE);
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_MANIFEST_BYTES) throw corrupt(path, `${size} bytes are too many for a manifest`);
    text = readTextSync(path);
  } catch (error) {
    throw error instanceof ReclmisError ? error : corrupt(path, oneLine(error), error);
  }
  const parsed = parseManifest(text, path);
  if ('problem' in parsed) throw corrupt(path, parsed.problem);
  const { manifest } = parsed;
  if (id !== undefined && manifest.id !== id) throw corrupt(path, `expected id ${id}, got ${manifest.id}`);
  for (const name of [TOWER_FILE, MERGES_FILE]) {
    if (manifest.files[name] === undefined) throw corrupt(path, `expected an entry for ${name}, got none`);
  }
  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    const file = statSync(join(dir, name), { throwIfNoEntry: false });
    if (!file?.isFile()) throw corrupt(join(dir, name), 'the file is missing');
    if (file.size !== bytes) throw corrupt(join(dir, name), `expected ${bytes} bytes, got ${file.size}`);
  }
  return { id: manifest.id, dir, model: join(dir, TOWER_FILE), merges: join(dir, MERGES_FILE), manifest };
}

/** Writes the manifest, and syncs all to disk. @throws INTERNAL for a missing file; system errors pass */
export async function sealWeights(id: string, dir: string, parts: ManifestParts): Promise<void> {
  const files: FileHashes = {};
  for (const name of (await readdir(dir)).filter((entry) => !isLitter(entry)).sort()) {
    const path = join(dir, name);
    const handle = await open(path, 'r+');
    try {
      await handle.sync();
      files[name] = { bytes: (await handle.stat()).size, sha256: await hashFile(path) };
    } finally {
      await handle.close();
    }
  }
  const missing = [TOWER_FILE, MERGES_FILE].filter((name) => files[name] === undefined);
  if (missing.length > 0) throw new ReclmisError('INTERNAL', `${dir}: ${missing.join(', ')} was not written`);
  const { tower, source, vocabulary } = parts;
  const manifest: WeightsManifest = {
    format: MANIFEST_FORMAT,
    id,
    tower: { ...tower },
    source: { ...source },
    vocabulary: { ...vocabulary },
    files,
    fingerprint: fingerprintOf(files),
    createdAt: new Date().toISOString(),
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const checked = parseManifest(text);
  if ('problem' in checked) throw new ReclmisError('INTERNAL', `${id}: ${MANIFEST_FILE}: ${checked.problem}`);
  await writeFileAtomic(join(dir, MANIFEST_FILE), text, { sync: true });
}

export function corrupt(path: string, problem: string, cause?: unknown): ReclmisError {
  return new ReclmisError('WEIGHTS_CORRUPT', `${path}: ${problem}`, { cause });
}
