/**
 * Checkpoints: `checkpoints/best.safetensors`, and as `last` the newest resume point (`resume-point.ts`).
 *
 * A checkpoint holds the model's parameters and buffers, and as metadata the resolved configuration, the note
 * encoder's description, epoch, step and scores, and a SHA-256 of it all; the `.json` next to it is only for
 * people. Files are written whole or not at all.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { currentFormat, readFormat, ReclmisError, versionIn } from '@reclmis/core';
import { writeFileAtomicSync } from '@reclmis/files';
import {
  isSealed,
  type LossScalerState,
  type nn,
  type optim,
  readSafetensors,
  readSafetensorsHeader,
  type Tensor,
  verifySafetensors,
  writeSafetensors,
} from '@reclmis/torch';
import { type Config, resolveStored } from '../config/config.js';
import type { NoteEncoderDescription } from '../text/encoder.js';
import type { EarlyStoppingState } from './early-stopping.js';
import type { EpochScores } from './metrics-log.js';
import { resumePaths, weightsPrefix } from './resume-files.js';

export type CheckpointKind = 'best' | 'last';
export type Optimizer = optim.Adam | optim.AdamW;

const FORMAT = currentFormat('checkpoint');

/** May change on resuming; none changes what is computed. */
export const RESUMABLE_SETTINGS: readonly string[] = [
  'device',
  'data.dir',
  'data.workers',
  'train.threads',
  'train.maxMinutes',
  'train.saveMinutes',
  'train.saveSteps',
  'train.keep',
];
/** config.yaml may differ here too: paths that old versions left unresolved, and `reclmis sides`. */
const CHANGEABLE = new Set([...RESUMABLE_SETTINGS, 'data.trainStems', 'data.valStems', 'note.sides']);

export interface CheckpointInfo {
  readonly kind: CheckpointKind;
  readonly epoch: number;
  readonly step: number;
  /** After `epoch`, at threshold 0.5 and the model's size; null before the first. */
  readonly validation: EpochScores | null;
  readonly earlyStopping: EarlyStoppingState;
  /** Absent unless fp16. */
  readonly lossScaler?: LossScalerState;
  readonly config: Config;
  readonly encoder: NoteEncoderDescription;
}

/** The caller owns its tensors. */
export interface Checkpoint {
  readonly path: string;
  readonly tensors: Map<string, Tensor>;
  readonly info: CheckpointInfo;
  /** For the user. */
  readonly notice: string | null;
}

export function checkpointFolder(runDir: string): string {
  return join(runDir, 'checkpoints');
}

/** `last` is the newest resume point, or a file of that name in runs before 0.2. */
export function checkpointPath(runDir: string, kind: CheckpointKind): string {
  const named = join(checkpointFolder(runDir), `${kind}.safetensors`);
  return kind === 'best' ? named : (resumePaths(checkpointFolder(runDir))[0] ?? named);
}

/** Does not recreate a deleted folder. @throws OUTPUT_UNWRITABLE, DISK_FULL; the previous checkpoint stays */
export function saveBest(runDir: string, info: CheckpointInfo, model: nn.Module): void {
  const path = checkpointPath(runDir, 'best');
  const described = { ...info, kind: 'best' };
  writeSafetensors(
    path,
    model.stateDict(),
    { format: FORMAT, info: JSON.stringify(described) },
    { seal: true },
  );
  const text = `${JSON.stringify({ format: FORMAT, ...described }, null, 2)}\n`;
  writeFileAtomicSync(path.replace(/\.safetensors$/, '.json'), text, { sync: true });
}

/**
 * Reads a checkpoint, in the current scope.
 * @param config the run's, which must match @throws CHECKPOINT_MISSING, CHECKPOINT_CORRUPT,
 * CHECKPOINT_MISMATCH
 */
export function readCheckpoint(runDir: string, kind: CheckpointKind, config: Config): Checkpoint {
  const path = checkpointPath(runDir, kind);
  if (!existsSync(path)) throw new ReclmisError('CHECKPOINT_MISSING', `${path}: no such checkpoint`);
  const { metadata } = intact(() => readSafetensorsHeader(path));
  const { info, format } = parseInfo(path, metadata);
  requireSameSettings(path, info.config, config);
  const prefix = weightsPrefix(format, info.config);
  const { tensors } = intact(() => readSafetensors(path, { select: (name) => name.startsWith(prefix) }));
  const own = [...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor] as const);
  return { path, tensors: new Map(own), info, notice: sealNotice(path, metadata) };
}

/** A notice if an earlier version wrote no hash. */
export function sealNotice(path: string, metadata: Readonly<Record<string, string>>): string | null {
  if (isSealed(metadata)) return null;
  return `${path} has no hash, as it was written by an earlier version: damaged values would go unnoticed`;
}

/** The best checkpoint's metadata; null unless it is intact. */
export function bestInfo(runDir: string): CheckpointInfo | null {
  try {
    const path = checkpointPath(runDir, 'best');
    const { info } = parseInfo(path, readSafetensorsHeader(path).metadata);
    verifySafetensors(path);
    return info;
  } catch (error) {
    if (error instanceof ReclmisError) return null;
    throw error;
  }
}

/**
 * Refuses a checkpoint with other settings than config.yaml, which has no hash.
 * @throws CHECKPOINT_MISMATCH naming the setting with both values
 */
export function requireSameSettings(path: string, stored: Config, asked: Config): void {
  const difference = firstDifference(stored, asked, '');
  if (!difference) return;
  const { at } = difference;
  const trained = JSON.stringify(difference.stored);
  throw new ReclmisError(
    'CHECKPOINT_MISMATCH',
    `${path}: trained with ${at} ${trained}, config.yaml says ${JSON.stringify(difference.asked)}`,
    { remedy: `Set ${at} in config.yaml back to ${trained}.` },
  );
}

/** @throws CHECKPOINT_CORRUPT if `read` fails */
export function intact<R>(read: () => R): R {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ReclmisError && cause.code === 'SAFETENSORS_INVALID') {
      throw new ReclmisError('CHECKPOINT_CORRUPT', cause.message, { cause });
    }
    throw cause;
  }
}

/** @throws CHECKPOINT_CORRUPT */
export function parseInfo(
  path: string,
  metadata: Readonly<Record<string, string>>,
): { info: CheckpointInfo; format: string } {
  const { format, info: text } = metadata;
  const kind = versionIn('resume', format) === null ? 'checkpoint' : 'resume';
  readFormat(kind, format, { where: `${path}: metadata`, code: 'CHECKPOINT_CORRUPT' });
  if (format === undefined || text === undefined)
    throw new ReclmisError(
      'CHECKPOINT_CORRUPT',
      `${path}: expected a description of the run in its metadata`,
    );
  try {
    const info = JSON.parse(text) as CheckpointInfo;
    return { info: { ...info, config: resolveStored({ ...info.config }, path) }, format };
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('CHECKPOINT_CORRUPT', `${path}: its metadata cannot be read: ${what}`, { cause });
  }
}

interface Difference {
  readonly at: string;
  readonly stored: unknown;
  readonly asked: unknown;
}

/** The first forbidden difference. */
function firstDifference(stored: unknown, asked: unknown, at: string): Difference | null {
  if (typeof stored === 'object' && typeof asked === 'object' && stored !== null && asked !== null) {
    const [a, b] = [new Map(Object.entries(stored)), new Map(Object.entries(asked))];
    for (const key of new Set([...a.keys(), ...b.keys()])) {
      const difference = firstDifference(a.get(key), b.get(key), at === '' ? key : `${at}.${key}`);
      if (difference) return difference;
    }
    return null;
  }
  return stored === asked || CHANGEABLE.has(at) ? null : { at, stored, asked };
}
