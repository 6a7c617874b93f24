/**
 * Resume points: `checkpoints/resume-STEP.safetensors`, all that a run needs to go on as if nothing had
 * happened.
 *
 * One file, so that no two can disagree, holds the tensors of model, optimiser and averaged weights and, as metadata:
 * epoch and step (which determine schedule, loader and draws), the unfinished epoch's sums, early stopping,
 * fp16's scale, records so far, configuration, data, a SHA-256. The newest `train.keep` stay, in case the
 * newest is damaged.
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
import {
  AVERAGE_PREFIX,
  MODEL_PREFIX,
  OPTIMIZER_PREFIX,
  RESUME_FORMAT,
  resumePath,
  resumePaths,
} from './resume-files.js';

/** A resume point without tensors. */
export interface ResumeState extends CheckpointInfo {
  readonly kind: 'last';
  readonly records: readonly EpochRecord[];
  /** Null between epochs. */
  readonly running: EpochCourseState | null;
  readonly seconds: number;
  /** Fingerprints. */
  readonly data: { readonly train: string; readonly val: string };
  readonly engine: Engine;
  readonly versions: RunInfo['versions'];
}

export interface ResumePoint {
  readonly path: string;
  readonly state: ResumeState;
  /** For the user. */
  readonly notice: string | null;
}

/** Whose tensors a point holds. */
export interface Trained {
  readonly model: nn.Module;
  readonly optimizer: Optimizer;
  /** The averaged weights' model; null without `train.ema`. */
  readonly average: nn.Module | null;
}

/** Removes all but the newest `keep`. @throws OUTPUT_UNWRITABLE, DISK_FULL; earlier points then stay */
export function saveResumePoint(
  runDir: string,
  state: ResumeState,
  { model, optimizer, average }: Trained,
  keep: number,
): void {
  const folder = checkpointFolder(runDir);
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of model.stateDict()) tensors.set(MODEL_PREFIX + key, tensor);
  for (const [key, tensor] of optimizer.stateDict()) tensors.set(OPTIMIZER_PREFIX + key, tensor);
  for (const [key, tensor] of average?.stateDict() ?? []) tensors.set(AVERAGE_PREFIX + key, tensor);
  const path = resumePath(folder, state.step);
  writeSafetensors(path, tensors, { format: RESUME_FORMAT, info: JSON.stringify(state) }, { seal: true });
  // A later step's point belongs to an abandoned course.
  const paths = resumePaths(folder);
  const later = paths.indexOf(path);
  for (const old of [...paths.slice(0, later), ...paths.slice(later + keep)]) rmSync(old, { force: true });
}

/**
 * The newest intact resume point.
 * @param onDamaged called for each newer, damaged one @param verify check the hash; else read only the header
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

/** @throws CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH */
export function loadResumePoint({ path }: ResumePoint, { model, optimizer, average }: Trained): void {
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
    average?.loadStateDict(part(AVERAGE_PREFIX));
  });
}
