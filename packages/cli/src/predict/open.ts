/** The model that `reclmis predict` is given, told by what lies in the folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { CheckpointKind, Precision } from '@reclmis/lab';
import type { ModelIdentity, PlaneSegmenter } from './segmenter.js';

/** How and where to compute. */
export interface EngineChoice {
  /** Of a run. Default `best`. */
  readonly checkpoint?: CheckpointKind;
  readonly device?: string;
  readonly threads?: number;
  /** Of a run; an exported model has its own. */
  readonly precision?: Precision;
}

/** A model on an engine. */
export interface LoadedSource {
  readonly segmenter: PlaneSegmenter;
  readonly model: ModelIdentity;
  /** What decides its figures, for `run.json`. */
  readonly versions: Readonly<Record<string, string | number>>;
  readonly engine: object;
  /** What the user should know of these notes and this engine, a line each. */
  notices(notes: Iterable<string>): string[];
  dispose(): Promise<void>;
}

/** A model that was looked at and not loaded yet. */
export interface ModelSource {
  readonly kind: ModelIdentity['kind'];
  readonly readsNotes: boolean;
  load(choice: EngineChoice): Promise<LoadedSource>;
}

/** Looks at a folder. @throws RUN_MISSING, RUN_INVALID, MODEL_MISSING */
export async function openModel(dir: string): Promise<ModelSource> {
  if (existsSync(dir) && !existsSync(join(dir, 'config.yaml'))) {
    throw new ReclmisError('MODEL_MISSING', `${dir}: expected a run folder, which holds config.yaml`, {
      remedy: 'Name a folder of `reclmis train`.',
    });
  }
  const { openRunFolder } = await import('./open-run.js');
  return openRunFolder(dir);
}
