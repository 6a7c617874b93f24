/**
 * Resume points: `checkpoints/resume-STEP.safetensors`, all that a run needs to go on as if nothing had happened.
 *
 * One file holds the model's and the optimiser's tensors and, in its metadata, everything else: epoch and step (from which follow the
 * schedule, the loader's position and the seeds of all draws), the sums of the epoch in progress, early stopping, fp16's scale, the records
 * so far, the configuration, and what the data were. So no two files can contradict each other. A SHA-256 in the metadata covers all of it.
 * Points rotate: the newest `train.keep` stay, and where the newest does not read, or is not what was written, the one before it serves.
 */
import { rmSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import {
  type nn,
  readSafetensors,
  readSafetensorsHeader,
  scope,
  type Tensor,
  verifySafetensors,
  writeSafetensors,
} from '@reclmis/torch';
import type { Engine } from '../engine/engine.js';
import type { RunInfo } from './run.js';
import {
  checkpointFolder,
  type CheckpointInfo,
  intact,
  type Optimizer,
  parseInfo,
  sealNotice,
} from './checkpoint.js';
import type { EpochCourseState } from './epoch-course.js';
import type { EpochRecord } from './metrics-log.js';
import { MODEL_PREFIX, OPTIMIZER_PREFIX, RESUME_FORMAT, resumePath, resumePaths } from './resume-files.js';

/** What a resume point says besides its tensors. */
export interface ResumeState extends CheckpointInfo {
  readonly kind: 'last';
  /** The completed epochs. */
  readonly records: readonly EpochRecord[];
  /** The epoch that was in progress; null between two epochs. */
  readonly running: EpochCourseState | null;
  /** The run's time so far. */
  readonly seconds: number;
  /** Fingerprints of what was trained and validated on. */
  readonly data: { readonly train: string; readonly val: string };
  readonly engine: Engine;
  readonly versions: RunInfo['versions'];
}

/** A resume point that was found. */
export interface ResumePoint {
  readonly path: string;
  readonly state: ResumeState;
  /** What the user should know of the file; null where there is nothing. */
  readonly notice: string | null;
}

/**
 * Writes a resume point and removes those beyond the newest `keep`.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL; the points before it are then as they were.
 */
export function saveResumePoint(
  runDir: string,
  state: ResumeState,
  model: nn.Module,
  optimizer: Optimizer,
  keep: number,
): void {
  const folder = checkpointFolder(runDir);
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of model.stateDict()) tensors.set(MODEL_PREFIX + key, tensor);
  for (const [key, tensor] of optimizer.stateDict()) tensors.set(OPTIMIZER_PREFIX + key, tensor);
  const path = resumePath(folder, state.step);
  writeSafetensors(path, tensors, { format: RESUME_FORMAT, info: JSON.stringify(state) }, { seal: true });
  // A point of a later step is of a course that was given up: its successor would be taken for older than it.
  const paths = resumePaths(folder);
  const later = paths.indexOf(path);
  for (const old of [...paths.slice(0, later), ...paths.slice(later + keep)]) rmSync(old, { force: true });
}

/**
 * The newest resume point that reads and is what was written; null where there is none.
 * @param onDamaged told of each newer one that is damaged.
 * @param verify compare the hash of the whole file; without, its header alone is read.
 */
export function findResumePoint(
  runDir: string,
  onDamaged: (path: string, error: ReclmisError) => void,
  { verify = true }: { readonly verify?: boolean } = {},
): ResumePoint | null {
  for (const path of resumePaths(checkpointFolder(runDir))) {
    try {
      const { metadata } = intact(() => readSafetensorsHeader(path));
      const state = parseInfo(path, metadata).info as ResumeState;
      if (verify) intact(() => verifySafetensors(path));
      return { path, state, notice: sealNotice(path, metadata) };
    } catch (error) {
      if (!(error instanceof ReclmisError) || error.code !== 'CHECKPOINT_CORRUPT') throw error;
      onDamaged(path, error);
    }
  }
  return null;
}

/**
 * Gives the model and the optimiser the tensors of a resume point.
 * @throws CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH
 */
export function loadResumePoint({ path }: ResumePoint, model: nn.Module, optimizer: Optimizer): void {
  scope(() => {
    const { tensors } = intact(() => readSafetensors(path));
    const part = (prefix: string): Map<string, Tensor> =>
      new Map(
        [...tensors].flatMap(([key, tensor]) =>
          key.startsWith(prefix) ? [[key.slice(prefix.length), tensor] as const] : [],
        ),
      );
    model.loadStateDict(part(MODEL_PREFIX));
    optimizer.loadStateDict(part(OPTIMIZER_PREFIX));
  });
}
