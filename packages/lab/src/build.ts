/** From a configuration to its model. A new kind of model adds its line here. */
import type { Config } from './config.js';
import { optionsFromConfig } from './model/options.js';
import { RecLMIS } from './model/reclmis.js';
import type { NoteEncoder } from './text/encoder.js';

/** A model with new weights, drawn from libtorch's generator. @throws CONFIG_INVALID for settings that do not go together. */
export function buildModel(config: Config, encoder: NoteEncoder): RecLMIS {
  return new RecLMIS(optionsFromConfig(config.model, encoder));
}
