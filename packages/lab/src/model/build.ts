/** From a configuration to its model. A new kind of model adds its line to each function here. */
import type { Config, ModelConfig } from '../config/config.js';
import { LViT } from './lvit.js';
import { optionsFromConfig } from './options.js';
import { RecLMIS } from './reclmis.js';
import type { SegmentationModel } from './segmentation-model.js';
import { UNet } from './unet.js';
import type { NoteEncoder } from '../text/encoder.js';

/** A model with new weights, drawn from libtorch's generator. @throws CONFIG_INVALID for settings that do not go together. */
export function buildModel(config: Config, encoder: NoteEncoder): SegmentationModel {
  const { name, baseWidth, imageSize, dropout } = config.model;
  const { width: textWidth, contextLength } = encoder;
  switch (name) {
    case 'reclmis':
      return new RecLMIS(optionsFromConfig(config.model, encoder));
    case 'unet':
      return new UNet({ baseWidth, imageSize, textWidth });
    case 'lvit':
      return new LViT({ baseWidth, imageSize, textWidth, contextLength, dropout });
  }
}

/** Whether the model of a configuration reads notes. RecLMIS without conditioned interaction reads none. */
export function readsNotes({ name, components }: Pick<ModelConfig, 'name' | 'components'>): boolean {
  return name === 'reclmis' ? components.ci : name === 'lvit';
}
