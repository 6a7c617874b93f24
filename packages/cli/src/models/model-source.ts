/** A command's model before and after loading, on either engine. */
import type {
  ConfidenceCalibration,
  NoteHabits,
  PlaneSegmenter,
  ResultChecks,
  WindowChoice,
} from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import type { ModelIdentity } from '@reclmis/predict';

export interface EngineChoice {
  /** Runs only; default `best`. */
  readonly checkpoint?: CheckpointKind;
  readonly device?: string;
  readonly threads?: number;
  /** Runs only; exported models have their own. */
  readonly precision?: Precision;
  /** Each image has a single note, so nothing that was seen of it is kept for another. */
  readonly oneNote?: boolean;
}

export interface LoadedSource {
  readonly segmenter: PlaneSegmenter;
  readonly model: ModelIdentity;
  /** For `run.json`: what determines the figures. */
  readonly versions: Readonly<Record<string, string | number>>;
  readonly engine: { readonly device: string } & Readonly<Record<string, unknown>>;
  readonly checks: ResultChecks;
  /** Predicts the Dice of its masks; null if it is not calibrated. */
  readonly confidence: ConfidenceCalibration | null;
  /** What to know about the model and its engine. */
  notices(): string[];
  dispose(): Promise<void>;
}

/** A model that was opened but not loaded. */
export interface ModelSource {
  /** The grey level window in which it saw DICOM and NIfTI in training; undefined: each file's own. */
  readonly window: WindowChoice | undefined;
  readonly kind: ModelIdentity['kind'];
  readonly readsNotes: boolean;
  /** What its training notes were like. */
  readonly habits: NoteHabits;
  load(choice: EngineChoice): Promise<LoadedSource>;
}
