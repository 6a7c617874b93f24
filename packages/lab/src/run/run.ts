/**
 * The run folder: everything that a training leaves behind, and all that is needed to use it.
 *
 *     config.yaml              the resolved configuration, every setting with its value
 *     run.json                 versions, device, threads, data fingerprints, seed, duration, status
 *     reference.json           words and figures of the training data, for warnings (`reference.ts`)
 *     metrics.jsonl            one line per epoch (`train/metrics-log.ts`)
 *     progress.png             the same as a picture
 *     tensorboard/             the same as TensorBoard's event files, one per session (`watch/tensorboard.ts`)
 *     checkpoints/             the best weights and resume points (`train/checkpoint.ts`, `train/resume-point.ts`)
 *     .lock                    while a process trains into it
 */
import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ReclmisError, type ResultChecks, type StatedSides, VERSION } from '@reclmis/core';
import { finalName, isLitter, makeFolder, readTextSync, writeFileAtomicSync } from '@reclmis/files';
import { scope, version } from '@reclmis/torch';
import { buildModel } from '../model/registry.js';
import { type Config, configToYaml, loadConfig } from '../config/config.js';
import type { FoldChoice } from '../data/folds.js';
import type { NoteInfo } from '../data/sides.js';
import type { Dataset } from '../data/types.js';
import { type Engine, prepareEngine, settle } from '../engine/engine.js';
import { Segmenter } from '../engine/segmenter.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { Precision } from '../config/precisions.js';
import { precisionNotice } from '../engine/precision.js';
import { readReference, resultChecks } from './reference.js';
import type { NoteEncoder } from '../text/encoder.js';
import { restoreNoteEncoder } from '../text/restore.js';
import { checkpointFolder, type CheckpointInfo, type CheckpointKind, readCheckpoint } from './checkpoint.js';
import { type EpochRecord, readEpochs } from './metrics-log.js';

/** How a run stands or ended. `exhausted`: early stopping; `out-of-time`: train.maxMinutes; `interrupted`: by the user; `imported`: trained elsewhere. */
export type RunStatus =
  'running' | 'finished' | 'exhausted' | 'out-of-time' | 'interrupted' | 'failed' | 'imported';

/** What a run was trained or validated on. */
export interface RunData {
  readonly name: string;
  readonly cases: number;
  /** Fingerprint of the selected cases, by `Dataset.fingerprint`. */
  readonly fingerprint: string;
}

/** Which part of a cross-validation a run is. */
export interface FoldInfo extends FoldChoice {
  /** Patients on either side, none on both; a name that says nothing of a patient counts as one. */
  readonly patients: { readonly train: number; readonly val: number };
}

/** `run.json`. */
export interface RunInfo {
  readonly format: 'reclmis-run/1';
  readonly status: RunStatus;
  /** Why a failed run failed. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly versions: {
    readonly reclmis: string;
    readonly node: string;
    readonly libtorch: string;
    readonly vectors: string;
  };
  readonly engine: Engine;
  readonly seed: number;
  /** Null where the run was imported and the data are not known. */
  readonly data: { readonly train: RunData; readonly val: RunData } | null;
  /** The fold, in a cross-validation. */
  readonly fold?: FoldInfo | undefined;
  /** The file that an imported run came from. */
  readonly importedFrom?: string;
  /** Scalars that training changes. */
  readonly trainableParameters: number;
  /** Fingerprint of the note encoder. */
  readonly encoderFingerprint: string;
  /** Absent in runs of older versions. */
  readonly note?: NoteInfo | undefined;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When it was resumed, each time; absent where it never was. */
  readonly resumedAt?: readonly string[];
  /** So far. */
  readonly seconds: number;
  readonly epochs: number;
  readonly steps: number;
  /** The best epoch by validation Dice, mean over images; null before the first. */
  readonly best: { readonly epoch: number; readonly dice: number } | null;
}

/** Where a run keeps what. */
export const runFiles = (dir: string): Record<'config' | 'info' | 'metrics' | 'progress', string> => ({
  config: join(dir, 'config.yaml'),
  info: join(dir, 'run.json'),
  metrics: join(dir, 'metrics.jsonl'),
  progress: join(dir, 'progress.png'),
});

/**
 * Refuses a place that is taken, without touching it.
 * @param remedy instead of the code's own, where the caller has an option for it.
 * @throws OUTPUT_EXISTS for a file or a folder that is not empty.
 */
export function refuseTaken(dir: string, remedy?: string): void {
  if (!existsSync(dir)) return;
  if (!statSync(dir).isDirectory())
    throw new ReclmisError('OUTPUT_EXISTS', `${dir}: expected a folder, found a file`);
  const count = entriesOf(dir).length;
  if (count > 0)
    throw new ReclmisError(
      'OUTPUT_EXISTS',
      `${dir}: expected an empty folder, found ${count} ${count === 1 ? 'entry' : 'entries'}`,
      remedy === undefined ? {} : { remedy },
    );
}

/** What a folder holds besides what a training leaves that ended before it wrote anything: temporary files, the lock, an empty folder of checkpoints. */
function entriesOf(dir: string): string[] {
  const checkpoints = checkpointFolder(dir);
  const hasNone = (folder: string): boolean =>
    lstatSync(folder).isDirectory() && readdirSync(folder).every(isTemporary);
  return readdirSync(dir).filter(
    (name) =>
      !isTemporary(name) && !isLitter(name) && !(join(dir, name) === checkpoints && hasNone(checkpoints)),
  );
}

/** Whether a folder holds nothing but what a training leaves that ended before it wrote its configuration. */
export function isUnbegun(dir: string): boolean {
  return entriesOf(dir).length === 0;
}

/** Whether a name is that of a file whose writing was cut off, or of the lock: they do not make a folder a run. */
function isTemporary(name: string): boolean {
  return finalName(name) !== null || /^\.lock(?:\.guard)?$/.test(name);
}

/** Removes what killed processes left half-written. To be called while nobody else writes into the run. */
export function sweepTemporaries(dir: string): void {
  for (const folder of [dir, checkpointFolder(dir)]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (finalName(name) !== null) rmSync(join(folder, name), { force: true });
    }
  }
}

/**
 * Makes the folder with its configuration and first `run.json`. To be called while nobody else writes into it.
 * @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function createRun(dir: string, config: Config, info: RunInfo): Promise<void> {
  refuseTaken(dir);
  sweepTemporaries(dir);
  await makeFolder(checkpointFolder(dir));
  writeFileAtomicSync(runFiles(dir).config, configToYaml(config), { sync: true });
  writeRunInfo(dir, info);
}

/** Replaces `run.json`; a folder that was deleted does not come back. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export function writeRunInfo(dir: string, info: RunInfo): void {
  const text = `${JSON.stringify(info, null, 2)}\n`;
  writeFileAtomicSync(runFiles(dir).info, text, { sync: true });
}

/** The versions that decide a run's figures. */
export function currentVersions(): RunInfo['versions'] {
  const { torch, capability } = version();
  return { reclmis: VERSION, node: process.versions.node, libtorch: torch, vectors: capability };
}

/** How a data set is remembered. */
export function runData(dataset: Dataset): RunData {
  return { name: dataset.name, cases: dataset.cases.length, fingerprint: dataset.fingerprint };
}

/** A trained model, ready to segment. The caller disposes of it. */
export class LoadedModel extends Segmenter {
  constructor(
    model: SegmentationModel,
    encoder: NoteEncoder,
    engine: Engine,
    /** What the checkpoint says about itself. */
    readonly checkpoint: CheckpointInfo,
    /** What is said of its results. */
    readonly checks: ResultChecks,
    private readonly fileNotice: string | null = null,
  ) {
    super(model, encoder, engine);
  }

  /** What the user should know before the model is used, a line each: of its file, and of the engine. */
  get notices(): string[] {
    return [this.fileNotice, precisionNotice(this.engine)].filter((line) => line !== null);
  }

  dispose(): void {
    this.model.dispose();
    this.encoder.dispose?.();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Choices of whoever uses a run, which may be on another machine than the one that trained it. */
export interface LoadOptions {
  /** Default `best`. */
  readonly checkpoint?: CheckpointKind;
  /** Default: the configuration's. */
  readonly device?: string;
  /** Default: the configuration's; 0: all cores. */
  readonly threads?: number;
  /** Default: the configuration's on the kind of device that it names, `fp32` elsewhere. */
  readonly precision?: Precision;
}

/** A run folder that was read. */
export interface Run {
  readonly dir: string;
  readonly config: Config;
  readonly info: RunInfo;
  /** Whose left and right the notes mean that it was trained with. */
  readonly sides: StatedSides;
  /** The epochs so far. @throws RUN_INVALID */
  epochs(): EpochRecord[];
  /** The model of a checkpoint, in evaluation mode. @throws CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH, DEVICE_MISSING, PRECISION_UNSUPPORTED, WEIGHTS_MISSING, WEIGHTS_CORRUPT */
  loadModel(options?: LoadOptions): LoadedModel;
}

/**
 * Opens a run folder.
 * @throws RUN_MISSING, RUN_INVALID
 */
export function openRun(dir: string): Run {
  if (!existsSync(dir)) throw new ReclmisError('RUN_MISSING', `${dir}: no such run folder`);
  const files = runFiles(dir);
  for (const file of [files.config, files.info]) {
    if (!existsSync(file))
      throw new ReclmisError('RUN_INVALID', `${file}: missing, so ${dir} is not a run folder`);
  }
  const config = readStoredConfig(files.config);
  const info = readInfo(files.info);
  return {
    dir,
    config,
    info,
    sides: sidesOf(config),
    epochs: () => readEpochs(files.metrics),
    loadModel: (options) => loadModel(dir, config, options),
  };
}

/** What a run's stored configuration says of its notes; in those of versions before it was stated, nothing. */
export function sidesOf({ note }: Pick<Config, 'note'>): StatedSides {
  return note.sides === 'auto' ? 'unknown' : note.sides;
}

function loadModel(dir: string, config: Config, options: LoadOptions = {}): LoadedModel {
  const { checkpoint: kind = 'best', device = config.device, threads = config.train.threads } = options;
  const sameKind = device.startsWith('cuda') === config.device.startsWith('cuda');
  const precision = options.precision ?? (sameKind ? config.train.precision : 'fp32');
  const engine = prepareEngine({ device, train: { ...config.train, threads, precision } });
  return scope(() => {
    const { tensors, info, path, notice } = readCheckpoint(dir, kind, config);
    const encoder = restoreEncoder(info, path, dir);
    const model = buildModel(config.model, encoder);
    try {
      model.loadStateDict(tensors);
      settle(model, engine);
      const checks = resultChecks(encoder, model.readsNotes, readReference(dir), sidesOf(config));
      return new LoadedModel(model.eval(), encoder, engine, info, checks, notice);
    } catch (error) {
      model.dispose();
      if (error instanceof ReclmisError && error.code === 'CHECKPOINT_MISMATCH') {
        throw new ReclmisError('CHECKPOINT_MISMATCH', `${path}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  });
}

function restoreEncoder(info: CheckpointInfo, path: string, dir: string): NoteEncoder {
  try {
    return restoreNoteEncoder(info.encoder, dir);
  } catch (cause) {
    if (cause instanceof ReclmisError && cause.code.startsWith('WEIGHTS_')) throw cause;
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('CHECKPOINT_CORRUPT', `${path}: ${what}`, { cause });
  }
}

/** The configuration of a run folder. @throws RUN_INVALID */
export function readStoredConfig(file: string): Config {
  try {
    return loadConfig(file);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('RUN_INVALID', what.startsWith(file) ? what : `${file}: ${what}`, { cause });
  }
}

/** `run.json`. @throws RUN_INVALID */
export function readInfo(file: string): RunInfo {
  let value: unknown;
  try {
    value = JSON.parse(readTextSync(file));
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${file}: not JSON`, { cause });
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (format !== 'reclmis-run/1') {
    throw new ReclmisError('RUN_INVALID', `${file}: expected format reclmis-run/1, got ${String(format)}`);
  }
  return value as RunInfo;
}
