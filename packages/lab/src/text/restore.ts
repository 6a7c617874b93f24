/** From an encoder's stored description back to the encoder. A new kind of encoder adds its line here. */
import { ReclmisError } from '@reclmis/core';
import type { NoteEncoder, NoteEncoderDescription } from './encoder.js';
import { WordEncoder } from './words.js';

/** @param json what `NoteEncoder.describe` gave. @throws VOCABULARY_INVALID for anything else. */
export function restoreNoteEncoder(json: unknown): NoteEncoder {
  if (isDescription(json) && json.kind === 'words') return WordEncoder.restore(json);
  const kind = isDescription(json) ? `kind ${json.kind}` : typeof json;
  throw new ReclmisError(
    'VOCABULARY_INVALID',
    `note encoder: expected a description of kind words, got ${kind}`,
  );
}

function isDescription(json: unknown): json is NoteEncoderDescription {
  return typeof json === 'object' && json !== null && 'kind' in json && typeof json.kind === 'string';
}
