/** Which note encoder a new run reads with: the paper's CLIP tower where its weights are on this machine, else word features. */
import { ReclmisError } from '@reclmis/core';
import { findWeights } from '../weights/store.js';
import { ClipEncoder } from './clip-encoder.js';
import type { NoteEncoder } from './encoder.js';
import type { TextConfig } from './settings.js';
import { WordEncoder } from './words.js';

/** The weights that `auto` looks for: the paper's. */
const PAPERS = 'clip-vit-b-32';

/** A settled choice, and what the user should know about it. */
export interface EncoderChoice {
  /** With `encoder` settled: no longer `auto`. */
  readonly text: TextConfig;
  /** One line, or null where the user has chosen. */
  readonly notice: string | null;
}

/** Settles `text.encoder: auto`. Anything else stays. */
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
 * The note encoder of a new run.
 * @param notes the training notes, from which the words encoder takes its vocabulary.
 * @throws NOTES_EMPTY, WEIGHTS_MISSING, WEIGHTS_CORRUPT, VOCABULARY_INVALID, CONFIG_INVALID
 */
export function buildEncoder(text: TextConfig, notes: Iterable<string>): NoteEncoder {
  const { encoder, contextLength } = chooseEncoder(text).text;
  if (encoder === 'words') return WordEncoder.fromNotes(notes, { contextLength });
  const weights = findWeights(encoder);
  if (!weights)
    throw new ReclmisError('WEIGHTS_MISSING', `text.encoder: ${encoder} is not on this machine`, {
      remedy: `Run \`reclmis weights fetch ${encoder}\`, or \`reclmis weights import FILE\` on a machine without a network.`,
    });
  return new ClipEncoder(weights, { contextLength });
}
