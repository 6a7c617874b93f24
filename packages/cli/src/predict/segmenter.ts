/**
 * What prediction needs of a model, whichever engine runs it: the trained network of a run folder (libtorch) or an exported model
 * (onnxruntime), alone or several of them.
 */
import type { PlaneSegmenter, ResultChecks, StatedSides } from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';

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

/** How and where to compute. */
export interface EngineChoice {
  /** Checkpoint of a run; default `best`. Exported models have none. */
  readonly checkpoint?: CheckpointKind;
  readonly device?: string;
  readonly threads?: number;
  /** Precision in which a run computes; an exported model has its own. */
  readonly precision?: Precision;
}

/** A model on an engine. */
export interface LoadedSource {
  readonly segmenter: PlaneSegmenter;
  readonly model: ModelIdentity;
  /** What decides its figures, for `run.json`. */
  readonly versions: Readonly<Record<string, string | number>>;
  readonly engine: object;
  /** What is said of its results. */
  readonly checks: ResultChecks;
  /** What the user should know of the model and its engine, a line each. */
  notices(): string[];
  dispose(): Promise<void>;
}

/** A model that was looked at and not loaded yet. */
export interface ModelSource {
  readonly kind: ModelIdentity['kind'];
  readonly readsNotes: boolean;
  /** Whose left and right its training notes meant. */
  readonly sides: StatedSides;
  load(choice: EngineChoice): Promise<LoadedSource>;
}
