/** The model, its options and the drawing of masks. */
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
export {
  RecLMIS,
  type AuxiliaryLosses,
  type GivenMasks,
  type Segmentation,
  type TrainingOutput,
} from './reclmis.js';
