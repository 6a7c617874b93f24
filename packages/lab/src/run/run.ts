/**
 * The run folder: everything that a training leaves behind, and all that is needed to use it
 * (docs/reference/run-folder.md). While a process trains into it, it holds a `.lock`.
 */
import { existsSync, lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ConfidenceCalibration,
  type NoteHabits,
  ReclmisError,
  type ResizeRule,
  type ResultChecks,
  type StatedSides,
  parseVocabulary,
  readFormat,
  statedGrammar,
  toReclmisError,
  VERSION,
} from '@reclmis/core';
import { finalName, isLitter, makeFolder, readTextSync, writeFileAtomicSync } from '@reclmis/files';
import { scope, version } from '@reclmis/torch';
import { buildModel } from '../model/registry.js';
import { type Config, configToYaml, readYaml, resolveStored } from '../config/config.js';
import type { FoldChoice } from '../data/folds.js';
import type { NoteInfo } from '../data/sides.js';
import type { Dataset } from '@reclmis/data';
import { type Engine, prepareEngine, settle } from '../engine/engine.js';
import { Segmenter } from '../engine/segmenter.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import type { Precision } from '../config/precisions.js';
import { precisionNotice } from '../engine/precision.js';
import { confidenceFor, UNCALIBRATED } from './confidence.js';
import { weightsHash } from './weights-hash.js';
import { readReference, resultChecks } from './reference.js';
import type { NoteEncoder } from '../text/encoder.js';
import { restoreNoteEncoder } from '../text/restore.js';
import { checkpointFolder, type CheckpointInfo, type CheckpointKind, readCheckpoint } from './checkpoint.js';
import { type EpochRecord, readEpochs } from './metrics-log.js';

/** `exhausted`: early stopping; `out-of-time`: train.maxMinutes; `imported`: trained elsewhere. */
export type RunStatus =
  'running' | 'finished' | 'exhausted' | 'out-of-time' | 'interrupted' | 'failed' | 'imported';

export interface RunData {
  readonly name: string;
  readonly cases: number;
  readonly fingerprint: string;
}

export interface FoldInfo extends FoldChoice {
  /** A case whose name tells no patient counts as one. */
  readonly patients: { readonly train: number; readonly val: number };
}

/** What a run started from: `model.init`. Keys are the model's, but `left` names the file's. */
export interface InitInfo {
  /** Without its folder. */
  readonly file: string;
  /** Hash of the file of weights. */
  readonly sha256: string;
  /** A family of published weights, e.g. `resnet50`, or `run:MODEL`. */
  readonly family: string;
  readonly taken: readonly string[];
  /** Tables of positions that were resized. */
  readonly interpolated: readonly string[];
  /** Tables of words, taken in part. */
  readonly partly?: readonly { readonly key: string; readonly rows: number; readonly of: number }[];
  /** Unused names in the file. */
  readonly left: readonly string[];
  /** Parameters that keep their drawn values. */
  readonly missing: readonly string[];
}

/** A run that taught: `train.teacher`. */
export interface TeacherInfo {
  /** Without its folder. */
  readonly run: string;
  /** `model.name`. */
  readonly model: string;
  /** Its best checkpoint's. */
  readonly epoch: number;
  /** Hash of that checkpoint's file. */
  readonly sha256: string;
}

/** `train.freeze` and `train.lrFactors`, as asked for. */
export interface TuningInfo {
  /** Parts without training, their batch statistics included. */
  readonly frozen: readonly string[];
  /** Scalars in them. */
  readonly frozenParameters: number;
  /** Factors of the learning rate, by part. */
  readonly lrFactors: Readonly<Record<string, number>>;
}

/** What `run.json` and results say of a run that was given no starting weights. */
export const FROM_SCRATCH = 'from scratch';

/** A run's first weights, for people: `from scratch`, `resnet50.pth (resnet50)`. */
export function startOf({ init, importedFrom }: Pick<RunInfo, 'init' | 'importedFrom'>): string {
  if (typeof init === 'object') return `${init.file} (${init.family})`;
  return importedFrom === undefined ? FROM_SCRATCH : `imported from ${importedFrom}`;
}

/** `run.json`. */
export interface RunInfo {
  readonly format: 'reclmis-run/1';
  readonly status: RunStatus;
  readonly error?: { readonly code: string; readonly message: string };
  readonly versions: {
    readonly reclmis: string;
    readonly node: string;
    readonly libtorch: string;
    readonly vectors: string;
  };
  readonly engine: Engine;
  readonly seed: number;
  /** Null in imported runs. */
  readonly data: { readonly train: RunData; readonly val: RunData } | null;
  readonly fold?: FoldInfo | undefined;
  /** Absent in imported runs, and in older ones, which are from scratch. */
  readonly init?: InitInfo | typeof FROM_SCRATCH | undefined;
  /** Absent without. */
  readonly teachers?: readonly TeacherInfo[] | undefined;
  /** The file that an imported run came from. */
  readonly importedFrom?: string;
  /** How images and masks came to the model's size; absent in older runs: `area`. */
  readonly resize?: ResizeRule | undefined;
  /** Parts trained otherwise than the rest; absent if all is trained alike. */
  readonly tuning?: TuningInfo | undefined;
  /** Scalars. */
  readonly trainableParameters: number;
  readonly encoderFingerprint: string;
  /** Absent in runs of older versions. */
  readonly note?: NoteInfo | undefined;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly resumedAt?: readonly string[];
  readonly seconds: number;
  readonly epochs: number;
  readonly steps: number;
  /** By per-image Dice; null before the first. */
  readonly best: { readonly epoch: number; readonly dice: number } | null;
}

export const runFiles = (dir: string): Record<'config' | 'info' | 'metrics' | 'progress', string> => ({
  config: join(dir, 'config.yaml'),
  info: join(dir, 'run.json'),
  metrics: join(dir, 'metrics.jsonl'),
  progress: join(dir, 'progress.png'),
});

/**
 * Refuses a path that is taken.
 * @param remedy replaces the code's own @throws OUTPUT_EXISTS for a file or a folder that is not empty
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

/** Entries but for what a training leaves that ended at once: temporary files, lock, empty `checkpoints/`. */
function entriesOf(dir: string): string[] {
  const checkpoints = checkpointFolder(dir);
  const hasNone = (folder: string): boolean =>
    lstatSync(folder).isDirectory() && readdirSync(folder).every(isTemporary);
  return readdirSync(dir).filter(
    (name) =>
      !isTemporary(name) && !isLitter(name) && !(join(dir, name) === checkpoints && hasNone(checkpoints)),
  );
}

/** Whether a training ended here before its configuration was written. */
export function isUnbegun(dir: string): boolean {
  return entriesOf(dir).length === 0;
}

/** Half-written files and the lock make no run. */
function isTemporary(name: string): boolean {
  return finalName(name) !== null || /^\.lock(?:\.guard)?$/.test(name);
}

/** Removes what killed processes left. The caller holds the run's lock. */
export function sweepTemporaries(dir: string): void {
  for (const folder of [dir, checkpointFolder(dir)]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (finalName(name) !== null) rmSync(join(folder, name), { force: true });
    }
  }
}

/** The caller holds the run's lock. @throws OUTPUT_EXISTS, OUTPUT_UNWRITABLE, DISK_FULL */
export async function createRun(dir: string, config: Config, info: RunInfo): Promise<void> {
  refuseTaken(dir);
  sweepTemporaries(dir);
  await makeFolder(checkpointFolder(dir));
  writeFileAtomicSync(runFiles(dir).config, configToYaml(config), { sync: true });
  writeRunInfo(dir, info);
}

/** Does not recreate a deleted folder. @throws OUTPUT_UNWRITABLE, DISK_FULL */
export function writeRunInfo(dir: string, info: RunInfo): void {
  const text = `${JSON.stringify(info, null, 2)}\n`;
  writeFileAtomicSync(runFiles(dir).info, text, { sync: true });
}

export function currentVersions(): RunInfo['versions'] {
  const { torch, capability } = version();
  return { reclmis: VERSION, node: process.versions.node, libtorch: torch, vectors: capability };
}

export function runData(dataset: Dataset): RunData {
  return { name: dataset.name, cases: dataset.cases.length, fingerprint: dataset.fingerprint };
}

/** A trained model. The caller disposes of it. */
export class LoadedModel extends Segmenter {
  constructor(
    model: SegmentationModel,
    encoder: NoteEncoder,
    engine: Engine,
    resize: ResizeRule,
    readonly checkpoint: CheckpointInfo,
    readonly checks: ResultChecks,
    /** Predicts the Dice of its masks; null if it is not calibrated. */
    readonly confidence: ConfidenceCalibration | null = null,
    private readonly fileNotices: readonly (string | null)[] = [],
  ) {
    super(model, encoder, engine, resize);
  }

  /** What to know before using the model. */
  get notices(): string[] {
    return [...this.fileNotices, precisionNotice(this.engine)].filter((line) => line !== null);
  }

  dispose(): void {
    this.model.dispose();
    this.encoder.dispose?.();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The machine may differ from the one that trained. */
export interface LoadOptions {
  /** Default `best`. */
  readonly checkpoint?: CheckpointKind;
  /** Default: the run's. */
  readonly device?: string;
  /** Default: the run's; 0: all cores. */
  readonly threads?: number;
  /** Default: the run's on its kind of device, else `fp32`. */
  readonly precision?: Precision;
  /** Read the calibration of predicted Dice. Default true. */
  readonly calibrated?: boolean;
}

export interface Run {
  readonly dir: string;
  readonly config: Config;
  readonly info: RunInfo;
  /** As trained. */
  readonly sides: StatedSides;
  /** What its training notes were like. */
  readonly habits: NoteHabits;
  /** @throws RUN_INVALID */
  epochs(): EpochRecord[];
  /**
   * In evaluation mode.
   * @throws CHECKPOINT_MISSING, CHECKPOINT_CORRUPT, CHECKPOINT_MISMATCH, DEVICE_MISSING,
   * PRECISION_UNSUPPORTED, WEIGHTS_MISSING, WEIGHTS_CORRUPT
   */
  loadModel(options?: LoadOptions): LoadedModel;
}

/** @throws RUN_MISSING, RUN_INVALID */
export function openRun(dir: string): Run {
  if (!existsSync(dir)) throw new ReclmisError('RUN_MISSING', `${dir}: no such run folder`);
  const files = runFiles(dir);
  for (const file of [files.config, files.info]) {
    if (!existsSync(file))
      throw new ReclmisError('RUN_INVALID', `${file}: missing, so ${dir} is not a run folder`);
  }
  const info = readInfo(files.info); // first: it says whether a newer version wrote the settings
  const config = readStoredConfig(files.config);
  const habits = habitsIn(info, sidesOf(config), files.info);
  return {
    dir,
    config,
    info,
    sides: sidesOf(config),
    habits,
    epochs: () => readEpochs(files.metrics),
    loadModel: (options) => loadModel(dir, config, habits, options),
  };
}

/** @throws RUN_INVALID if the vocabulary is damaged */
function habitsIn({ note }: RunInfo, sides: StatedSides, file: string): NoteHabits {
  const grammar = statedGrammar(note?.grammar);
  if (grammar !== 'vocabulary') return { sides, grammar };
  try {
    return { sides, grammar, vocabulary: parseVocabulary(note?.vocabulary) };
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${file}: note.vocabulary: ${toReclmisError(cause).message}`, {
      cause,
    });
  }
}

/** `unknown` in runs that do not state them. */
export function sidesOf({ note }: Pick<Config, 'note'>): StatedSides {
  return note.sides === 'auto' ? 'unknown' : note.sides;
}

function loadModel(dir: string, config: Config, habits: NoteHabits, options: LoadOptions = {}): LoadedModel {
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
      const checks = resultChecks(encoder, model.readsNotes, readReference(dir), habits);
      const { calibration, notice: fitted } =
        options.calibrated === false ? UNCALIBRATED : confidenceFor(dir, info, () => weightsHash(tensors));
      const { resize } = config.data;
      const notices = [notice, fitted];
      return new LoadedModel(model.eval(), encoder, engine, resize, info, checks, calibration, notices);
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

/** @throws RUN_INVALID */
export function readStoredConfig(file: string): Config {
  try {
    return resolveStored(readYaml(file), file);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('RUN_INVALID', what.startsWith(file) ? what : `${file}: ${what}`, { cause });
  }
}

/** @throws RUN_INVALID */
export function readInfo(file: string): RunInfo {
  let value: unknown;
  try {
    value = JSON.parse(readTextSync(file));
  } catch (cause) {
    throw new ReclmisError('RUN_INVALID', `${file}: not JSON`, { cause });
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  readFormat('run', format, { where: file, code: 'RUN_INVALID' });
  return value as RunInfo;
}
