/** From a configuration to its parts. A new kind of model or note encoder adds its line here. */
import type { Config, TextConfig } from './config.js';
import { optionsFromConfig } from './model/options.js';
import { RecLMIS } from './model/reclmis.js';
import type { NoteEncoder } from './text/encoder.js';
import { WordEncoder } from './text/words.js';

/**
 * The note encoder of a new run.
 * @param notes the training notes, from which it takes its vocabulary.
 * @throws NOTES_EMPTY
 */
export function buildEncoder(text: TextConfig, notes: Iterable<string>): NoteEncoder {
  return WordEncoder.fromNotes(notes, { contextLength: text.contextLength }); // text.encoder has this one choice so far
}

/** A model with new weights, drawn from libtorch's generator. @throws CONFIG_INVALID for settings that do not go together. */
export function buildModel(config: Config, encoder: NoteEncoder): RecLMIS {
  return new RecLMIS(optionsFromConfig(config.model, encoder.width));
}
