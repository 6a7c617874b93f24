/** What prediction needs of a model: a run folder (libtorch), an exported model (onnxruntime) or several. */
import type { HubOrigin } from '@reclmis/core';

export type { PlaneSegmenter } from '@reclmis/core';

/** The model that made the masks, for `run.json`. */
export interface ModelIdentity {
  /** Run folder, exported model, or several of either. */
  readonly kind: 'run' | 'model' | 'average';
  /** Name of the run's folder or the manifest; several joined by ` + `. */
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  /** Repository and commit, if it came from a hub. */
  readonly origin?: HubOrigin;
  /** Present if mirror images were segmented too. */
  readonly flips?: true;
  readonly members?: readonly ModelIdentity[];
}
