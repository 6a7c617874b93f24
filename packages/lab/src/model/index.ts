export { sortCheckpoint, isUnusedKey, type SortedCheckpoint } from './checkpoint-keys.js';
export {
  NOTE_FREE,
  PAPER,
  UPSTREAM,
  UPSTREAM_SMALL_DATA,
  optionsFromConfig,
  type Components,
  type Conditions,
  type RecLMISOptions,
  type Targets,
} from './options.js';
export { drawMask, maskCount, type MaskStrategy } from './masking.js';
export { RecLMIS, type GivenMasks, type TrainingOutput } from './reclmis.js';
export { UNet } from './unet.js';
export { LViT, type LViTOptions } from './lvit.js';
export {
  SegmentationModel,
  type AuxiliaryLoss,
  type AuxiliaryLosses,
  type ModelOptions,
  type NoteInput,
  type Segmentation,
  type TrainingSegmentation,
} from './segmentation-model.js';
