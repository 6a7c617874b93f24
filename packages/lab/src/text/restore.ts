/** Rebuilds an encoder from its description. Add new kinds here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { findWeights } from '../weights/store.js';
import { readWeights, type StoredWeights } from '../weights/stored.js';
import { ClipEncoder, isClipDescription } from './clip-encoder.js';
import type { NoteEncoder, NoteEncoderDescription } from './encoder.js';
import { WordEncoder } from './words.js';

/** In imported runs. */
export const RUN_WEIGHTS = 'text';

/**
 * @param json from `NoteEncoder.describe`.
 * @param runDir may contain the weights @throws VOCABULARY_INVALID for anything else; WEIGHTS_MISSING if this
 * machine lacks these very weights
 */
export function restoreNoteEncoder(json: unknown, runDir?: string): NoteEncoder {
  if (isDescription(json) && json.kind === 'words') return WordEncoder.restore(json);
  if (isDescription(json) && isClipDescription(json)) {
    return new ClipEncoder(weightsOf(json.id, json.weights, runDir), json);
  }
  const kind = isDescription(json) ? `kind ${json.kind}` : typeof json;
  throw new ReclmisError(
    'VOCABULARY_INVALID',
    `note encoder: expected a description of kind words or clip, got ${kind}`,
  );
}

/** The training's own weights, from the run or the cache. */
function weightsOf(id: string, fingerprint: string, runDir?: string): StoredWeights {
  const own = runDir === undefined ? null : join(runDir, RUN_WEIGHTS);
  const found = own !== null && existsSync(own) ? readWeights(own) : findWeights(id);
  if (!found) {
    throw new ReclmisError('WEIGHTS_MISSING', `the run reads notes with ${id}, which is not on this machine`);
  }
  if (found.manifest.fingerprint !== fingerprint) {
    throw new ReclmisError(
      'WEIGHTS_MISSING',
      `the run reads notes with ${id} of fingerprint ${start(fingerprint)}, this machine has ${start(found.manifest.fingerprint)}`,
      { remedy: 'Import the weights that the run was trained with: `reclmis weights import FILE`.' },
    );
  }
  return found;
}

function start(fingerprint: string): string {
  return fingerprint.slice(0, 12);
}

function isDescription(json: unknown): json is NoteEncoderDescription {
  return typeof json === 'object' && json !== null && 'kind' in json && typeof json.kind === 'string';
}
