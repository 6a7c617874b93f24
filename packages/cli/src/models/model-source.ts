/** A model that a command was given, before and after it is loaded, whichever engine runs it. */
import type { PlaneSegmenter, ResultChecks, StatedSides } from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import type { ModelIdentity } from '@reclmis/predict';

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
