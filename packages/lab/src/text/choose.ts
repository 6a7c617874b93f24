/** Chooses a new run's note encoder: the paper's CLIP tower if its weights are on this machine, else word features. */
import { ReclmisError } from '@reclmis/core';
import { findWeights } from '../weights/store.js';
import { ClipEncoder } from './clip-encoder.js';
import type { NoteEncoder } from './encoder.js';
import type { TextConfig } from './settings.js';
import { WordEncoder } from './words.js';

const PAPERS = 'clip-vit-b-32';

export interface EncoderChoice {
  /** No longer `auto`. */
  readonly text: TextConfig;
  /** Null if the user chose. */
  readonly notice: string | null;
}

export function chooseEncoder(text: TextConfig): EncoderChoice {
  if (text.encoder !== 'auto') return { text, notice: null };
  if (findWeights(PAPERS)) {
    return {
      text: { ...text, encoder: PAPERS },
      notice: `Notes are read with ${PAPERS}, whose weights are on this machine (use --text.encoder words to do without).`,
    };
  }
  return {
    text: { ...text, encoder: 'words' },
    notice:
      `Notes are read with the words encoder, as the weights of ${PAPERS} are not on this machine ` +
      `(run \`reclmis weights fetch ${PAPERS}\` to get them, or use --text.encoder words to silence this).`,
  };
}

/**
 * @param notes the training notes, for the words encoder's vocabulary
 * @throws NOTES_EMPTY, WEIGHTS_MISSING, WEIGHTS_CORRUPT, VOCABULARY_INVALID, CONFIG_INVALID
 */
export function buildEncoder(text: TextConfig, notes: Iterable<string>): NoteEncoder {
  const { encoder, contextLength, unknownWords } = chooseEncoder(text).text;
  if (encoder === 'words') return WordEncoder.fromNotes(notes, { contextLength, unknownWords });
  const weights = findWeights(encoder);
  if (!weights)
    throw new ReclmisError('WEIGHTS_MISSING', `text.encoder: ${encoder} is not on this machine`, {
      remedy: `Run \`reclmis weights fetch ${encoder}\`, or \`reclmis weights import FILE\` on a machine without a network.`,
    });
  return new ClipEncoder(weights, { contextLength });
}
