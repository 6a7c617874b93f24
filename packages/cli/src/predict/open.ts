/** The model that `reclmis predict` is given: an exported model's folder or a run folder, told apart by what lies in it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST_FILE, ReclmisError } from '@reclmis/core';
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

/** Looks at a folder. @throws RUN_MISSING, RUN_INVALID, MODEL_MISSING, MODEL_INVALID */
export async function openModel(dir: string): Promise<ModelSource> {
  if (existsSync(join(dir, MANIFEST_FILE))) {
    const { openExported } = await import('./open-exported.js');
    return openExported(dir);
  }
  if (existsSync(dir) && !existsSync(join(dir, 'config.yaml'))) {
    throw new ReclmisError(
      'MODEL_MISSING',
      `${dir}: expected manifest.json (of an exported model) or config.yaml (of a run), found neither`,
      { remedy: 'Name a folder of `reclmis export` or of `reclmis train`.' },
    );
  }
  const { openRunFolder } = await import('./open-run.js');
  return openRunFolder(dir);
}
