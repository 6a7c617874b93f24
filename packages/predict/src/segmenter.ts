/**
 * What prediction needs of a model, whichever engine runs it: the trained network of a run folder (libtorch) or an exported model
 * (onnxruntime), alone or several of them.
 */
export type { PlaneSegmenter } from '@reclmis/core';

/** Which model made the masks; goes into `run.json`. */
export interface ModelIdentity {
  /** `run`: a run folder on libtorch; `model`: an exported model on onnxruntime; `average`: several of either. */
  readonly kind: 'run' | 'model' | 'average';
  /** Name of the run's folder, or what the model's manifest says; of several, joined by ` + `. */
  readonly name: string;
  /** The files that decide its masks; of several, all of them. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  /** Present where each image's mirror image was segmented too. */
  readonly flips?: true;
  /** Those that were averaged. */
  readonly members?: readonly ModelIdentity[];
}
