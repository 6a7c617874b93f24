/**
 * Checkpoints: `checkpoints/best.safetensors` and `checkpoints/last.safetensors`, each with a `.json` that shows its metadata.
 *
 * A checkpoint holds the model's parameters and buffers under their keys, and in the file's metadata all that is needed to use them:
 * the resolved configuration, the note encoder's description (with its vocabulary), epoch, step and scores. What the file itself
 * says counts; the `.json` beside it is for readers. `last` has a companion, `last.optimizer.safetensors`, with the optimiser's
 * moments and step counts: with the step (the schedule's only state) and early stopping's state, that is what a run needs to go on.
 *
 * Every file is written beside its place and renamed, so a crash leaves the previous checkpoint whole. `last` and its companion are
 * two files: both state their step, and `readOptimizer` refuses a pair of different steps.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  type LossScalerState,
  type nn,
  type optim,
  readSafetensors,
  scope,
  type Tensor,
  writeSafetensors,
} from '@reclmis/torch';
import { type Config, resolveConfig } from '../config.js';
import { makeFolder, writeFileAtomic } from '../data/files.js';
import type { NoteEncoderDescription } from '../text/encoder.js';
import type { EarlyStoppingState } from './early-stopping.js';
import type { EpochScores } from './metrics-log.js';

export type CheckpointKind = 'best' | 'last';
export type Optimizer = optim.Adam | optim.AdamW;

const FORMAT = 'reclmis-checkpoint/1';

/** What a checkpoint says about itself. */
export interface CheckpointInfo {
  readonly kind: CheckpointKind;
  /** Epochs that were completed. */
  readonly epoch: number;
  /** Optimiser steps that were done; past `epoch` whole epochs where the run was interrupted within one. */
  readonly step: number;
  /** The validation's scores after `epoch`, at threshold 0.5 and the model's size; null before the first. */
  readonly validation: EpochScores | null;
  readonly earlyStopping: EarlyStoppingState;
  /** Of fp16's gradients; absent in the other precisions. */
  readonly lossScaler?: LossScalerState;
  readonly config: Config;
  readonly encoder: NoteEncoderDescription;
}

/** A checkpoint that was read: its tensors, which the caller owns, and what it says about itself. */
export interface Checkpoint {
  readonly path: string;
  readonly tensors: Map<string, Tensor>;
  readonly info: CheckpointInfo;
}

/** Where a run keeps a checkpoint. */
export function checkpointPath(runDir: string, kind: CheckpointKind): string {
  return join(runDir, 'checkpoints', `${kind}.safetensors`);
}

function optimizerPath(runDir: string): string {
  return join(runDir, 'checkpoints', 'last.optimizer.safetensors');
}

/**
 * Writes the model's state and, where given, the optimiser's.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL; the previous checkpoint is then as it was.
 */
export async function saveCheckpoint(
  runDir: string,
  info: CheckpointInfo,
  model: nn.Module,
  optimizer?: Optimizer,
): Promise<void> {
  const path = checkpointPath(runDir, info.kind);
  await makeFolder(join(runDir, 'checkpoints'));
  if (optimizer) {
    writeSafetensors(optimizerPath(runDir), optimizer.stateDict(), {
      format: FORMAT,
      step: String(info.step),
    });
  }
  writeSafetensors(path, model.stateDict(), { format: FORMAT, info: JSON.stringify(info) });
  await writeFileAtomic(
    path.replace(/\.safetensors$/, '.json'),
    `${JSON.stringify({ format: FORMAT, ...info }, null, 2)}\n`,
  );
}

/**
 * Reads a checkpoint; its tensors belong to the current scope.
 * @param config The run's configuration, which the checkpoint must have been trained with, as far as model and text go.
 * @throws CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH
 */
export function readCheckpoint(runDir: string, kind: CheckpointKind, config: Config): Checkpoint {
  const path = checkpointPath(runDir, kind);
  if (!existsSync(path)) throw new ReclmisError('CHECKPOINT_MISSING', `${path}: no such checkpoint`);
  const { tensors, metadata } = readIntact(path);
  const info = parseInfo(path, metadata);
  for (const section of ['model', 'text'] as const) {
    const difference = firstDifference(info.config[section], config[section], section);
    if (difference) {
      const { at, stored, asked } = difference;
      throw new ReclmisError(
        'CHECKPOINT_MISMATCH',
        `${path}: trained with ${at} ${JSON.stringify(stored)}, config.yaml says ${JSON.stringify(asked)}`,
      );
    }
  }
  return { path, tensors, info };
}

/**
 * Gives the optimiser the state that was saved with `last`.
 * @throws CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH (another step than `last`'s, other parameters)
 */
export function readOptimizer(runDir: string, info: CheckpointInfo, optimizer: Optimizer): void {
  const path = optimizerPath(runDir);
  if (!existsSync(path)) throw new ReclmisError('CHECKPOINT_MISSING', `${path}: no optimiser state`);
  scope(() => {
    const { tensors, metadata } = readIntact(path);
    if (metadata['step'] !== String(info.step)) {
      throw new ReclmisError(
        'CHECKPOINT_MISMATCH',
        `${path}: belongs to step ${metadata['step'] ?? 'unknown'}, the checkpoint to step ${info.step}`,
      );
    }
    optimizer.loadStateDict(tensors);
  });
}

function readIntact(path: string): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(path);
  } catch (cause) {
    if (cause instanceof ReclmisError && cause.code === 'SAFETENSORS_INVALID') {
      throw new ReclmisError('CHECKPOINT_CORRUPT', cause.message, { cause });
    }
    throw cause;
  }
}

function parseInfo(path: string, metadata: Readonly<Record<string, string>>): CheckpointInfo {
  const { format, info: text } = metadata;
  if (format !== FORMAT || text === undefined) {
    throw new ReclmisError(
      'CHECKPOINT_CORRUPT',
      `${path}: expected format ${FORMAT} in its metadata, got ${format ?? 'none'}`,
    );
  }
  try {
    const info = JSON.parse(text) as CheckpointInfo;
    return { ...info, config: resolveConfig(info.config, {}, path) };
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('CHECKPOINT_CORRUPT', `${path}: its metadata does not read: ${what}`, { cause });
  }
}

interface Difference {
  readonly at: string;
  readonly stored: unknown;
  readonly asked: unknown;
}

/** The first setting by which two resolved sections differ. */
function firstDifference(stored: unknown, asked: unknown, at: string): Difference | null {
  if (typeof stored === 'object' && typeof asked === 'object' && stored !== null && asked !== null) {
    const [a, b] = [Object.entries(stored), new Map(Object.entries(asked))];
    for (const [key, value] of a) {
      const difference = firstDifference(value, b.get(key), `${at}.${key}`);
      if (difference) return difference;
    }
    return null;
  }
  return stored === asked ? null : { at, stored, asked };
}
