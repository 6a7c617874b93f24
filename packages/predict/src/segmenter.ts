/**
 * What prediction needs of a model, whether a run folder (libtorch), an exported model (onnxruntime) or
 * several.
 */
export type { PlaneSegmenter } from '@reclmis/core';

/** The model that made the masks, for `run.json`. */
export interface ModelIdentity {
  /** `run`: a run folder on libtorch; `model`: an exported model; `average`: several of either. */
  readonly kind: 'run' | 'model' | 'average';
  /** Name of the run's folder or of the manifest; of several, joined by ` + `. */
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  /** Present if mirror images were segmented too. */
  readonly flips?: true;
  readonly members?: readonly ModelIdentity[];
}
