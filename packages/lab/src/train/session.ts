import { defined, ReclmisError, type Vocabulary } from '@reclmis/core';
import { distributed, manualSeed, optim } from '@reclmis/torch';
import { buildModel } from '../model/registry.js';
import type { Config, TrainConfig } from '../config/config.js';
import {
  assertUsable,
  groupCases,
  grouping,
  Loader,
  type LoaderShard,
  NoteRewordings,
  type Dataset,
} from '@reclmis/data';
import { openFitted } from '../data/folds.js';
import { type Engine, prepareEngine, settle } from '../engine/engine.js';
import { Segmenter } from '../engine/segmenter.js';
import { initialise } from '../init/init.js';
import { lossScalerFor } from '../engine/precision.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import {
  currentVersions,
  type FoldInfo,
  FROM_SCRATCH,
  runData,
  type RunInfo,
  type TuningInfo,
} from '../run/run.js';
import type { Optimizer } from '../run/checkpoint.js';
import { EarlyStopping } from '../run/early-stopping.js';
import type { Trained } from '../run/resume-point.js';
import { FURTHER_LOSSES, type LossName, requiredLosses } from '../model/losses.js';
import { type Tuning, tune } from './parts.js';
import { learningRate } from './schedule.js';
import { buildEncoder } from '../text/choose.js';
import type { NoteEncoder } from '../text/encoder.js';
import type { Parallel } from './parallel.js';
import type { StepParallel, StepParts } from './step.js';
import type { Teacher } from './teacher.js';
import { WeightAverage } from './weight-average.js';

/** `val` chooses the best epoch. */
export interface TrainingData {
  readonly train: Dataset;
  readonly val: Dataset;
}

/**
 * Opens and checks the data.
 * @throws CONFIG_INVALID without a folder; DATA_FOLDER_MISSING, DATA_INVALID, STEM_UNKNOWN and other codes of
 * the data.
 */
export async function openTrainingData({ data }: Config): Promise<TrainingData> {
  const opened = await openFitted(data);
  await assertUsable(opened.train);
  await assertUsable(opened.val);
  return opened;
}

/** A run in progress, built from its configuration. */
export interface Session extends StepParts {
  readonly config: Config;
  readonly data: TrainingData;
  /** The model to validate and to keep: the average of the weights, if there is one. */
  readonly kept: SegmentationModel;
  /** Asks `kept`. */
  readonly segmenter: Segmenter;
  /** Null without. */
  readonly teacher: Teacher | null;
  /** Null if notes stay as they are. */
  readonly rewordings: NoteRewordings | null;
  /** In whose sentences the notes are; null: none was stated. */
  readonly vocabulary: Vocabulary | null;
  readonly trainLoader: Loader;
  readonly valLoader: Loader;
  readonly earlyStopping: EarlyStopping;
  readonly stepsPerEpoch: number;
  /** Null if all of the model is trained alike. */
  readonly tuning: TuningInfo | null;
  /** Null for one process alone. */
  readonly ranks: Parallel | null;
  /** Learning rate of step 0, 1, ... */
  readonly rate: optim.Schedule;
  close(): Promise<void>;
}

/**
 * The same configuration, data and teacher give the same weights.
 * @param teacher the session's to dispose of; without, `train.teacher` is ignored
 * @param vocabulary in whose sentences the notes are, if any
 * @throws CONFIG_INVALID, DEVICE_MISSING, PRECISION_UNSUPPORTED, NOTES_EMPTY, WEIGHTS_MISSING,
 * WEIGHTS_CORRUPT
 */
export function openSession(
  config: Config,
  data: TrainingData,
  parallel: Parallel | null = null,
  teacher: Teacher | null = null,
  vocabulary: Vocabulary | null = null,
): Session {
  const engine = prepareEngine(config);
  const stepsPerEpoch = Math.ceil(data.train.cases.length / config.train.batchSize);
  const rate = learningRate(config.train, stepsPerEpoch);
  const notes = notesOf(data);
  const rewordings = NoteRewordings.of(config.augment, config.seed);
  const mended = config.text.unknownWords === 'nearest' ? 'misspelt' : undefined; // no words of their own
  const encoder = buildEncoder(config.text, [...notes, ...(rewordings?.textsOf(notes, mended) ?? [])]);
  manualSeed(config.seed);
  const model = buildModel(config.model, encoder);
  requireWords(model, config);
  requireSizes(model, config);
  settle(model, engine);
  const average = buildAverage(config, encoder, engine);
  const kept = average?.model ?? model;
  const tuning = tune(model, config.model.name, config.train);
  const optimizer = buildOptimizer(config.train, tuning);
  const { imageSize: size } = config.model;
  const { resize } = config.data;
  const common = {
    size,
    resize,
    batchSize: config.train.batchSize,
    workers: config.data.workers,
    seed: config.seed,
  };
  const augment = config.augment.mode === 'none' && rewordings === null ? null : config.augment;
  const shard = (by: 'case' | 'batch'): LoaderShard | undefined =>
    parallel ? { rank: parallel.rank, size: parallel.size, by } : undefined;
  const trainLoader = new Loader({
    ...common,
    cases: data.train.cases,
    shuffle: true,
    augment,
    vocabulary,
    shard: shard('case'),
  });
  const valLoader = new Loader({ ...common, cases: data.val.cases, shard: shard('batch') });
  parallel?.shareModel(model);
  const reducer = parallel && reducerOf(parallel, model);
  return {
    config,
    data,
    engine,
    model,
    encoder,
    optimizer,
    scaler: lossScalerFor(engine),
    kept,
    segmenter: new Segmenter(kept, encoder, engine, resize),
    required: requiredLosses(model.auxiliary, furtherLosses(config, teacher)),
    teacher,
    temperature: config.train.teacherTemperature,
    sizes: config.train.sizes,
    weights: config.train.lossWeights,
    seed: config.seed,
    accumulate: config.train.accumulate,
    clipNorm: config.train.clipNorm,
    average,
    cclScope: config.train.cclScope,
    parallel: parallel && reducer && stepParallel(parallel, reducer, config.train),
    ranks: parallel,
    tuning: tuning.info,
    rewordings,
    vocabulary,
    trainLoader,
    valLoader,
    earlyStopping: new EarlyStopping(config.train.patience),
    stepsPerEpoch,
    rate,
    async close() {
      reducer?.dispose();
      optimizer.dispose();
      teacher?.dispose();
      average?.dispose();
      model.dispose();
      encoder.dispose?.();
      await Promise.all([trainLoader.close(), valLoader.close()]);
    },
  };
}

/** @throws CONFIG_INVALID for rewordings of notes whose grammar a loss needs */
function requireWords({ auxiliary }: SegmentationModel, { augment, model }: Config): void {
  if (augment.notes === 0 || !auxiliary.some((loss) => loss === 'count' || loss === 'size')) return;
  throw new ReclmisError(
    'CONFIG_INVALID',
    `augment.notes: expected 0 with ${model.name}, which learns numbers and sizes from notes in LViT’s words, got ${augment.notes}`,
    { remedy: 'Leave out augment.notes, or train a model that reads notes.' },
  );
}

/** @throws CONFIG_INVALID for sizes that the model cannot be trained at */
function requireSizes(
  { sizeStep, title }: SegmentationModel,
  { model: { imageSize }, train: { sizes } }: Config,
): void {
  if (sizes.length === 0) return;
  if (sizeStep === null)
    throw new ReclmisError(
      'CONFIG_INVALID',
      `train.sizes: expected none with ${title}, which is built for images of one size, got ${sizes.join(', ')}`,
      { remedy: 'Leave out train.sizes, or train RecLMIS, U-Net or nnU-Net.' },
    );
  // Bilinear without antialiasing, so not below half.
  const wrong = sizes.find((size) => size % sizeStep !== 0 || 2 * size < imageSize || size > 2 * imageSize);
  if (wrong === undefined) return;
  throw new ReclmisError(
    'CONFIG_INVALID',
    `train.sizes: expected multiples of ${sizeStep} from half to twice model.imageSize (${imageSize}), got ${wrong}`,
  );
}

function reducerOf({ group }: Parallel, model: SegmentationModel): distributed.Reducer {
  const trained = model.parameters().filter(({ requiresGrad }) => requiresGrad);
  return new distributed.Reducer(group, trained, { someUnused: model.leavesUnused });
}

function stepParallel(
  { rank, size, group, control }: Parallel,
  reducer: distributed.Reducer,
  { syncBatchNorm }: TrainConfig,
): StepParallel {
  return { rank, size, group, control, reducer, syncBatchNorm };
}

function furtherLosses({ train: { lossWeights } }: Config, teacher: Teacher | null): LossName[] {
  return FURTHER_LOSSES.filter((name) => (name === 'distil' ? teacher !== null : lossWeights[name] > 0));
}

/** Holds drawn weights until it begins (`runToEnd`) or is restored. */
function buildAverage(
  { train: { ema }, model: settings }: Config,
  encoder: NoteEncoder,
  engine: Engine,
): WeightAverage | null {
  if (ema === 0) return null;
  const model = buildModel(settings, encoder).requiresGrad(false);
  settle(model, engine);
  return new WeightAverage(model, ema);
}

function buildOptimizer(train: TrainConfig, { trained, factors }: Tuning): Optimizer {
  const { lr, betas, weightDecay, decayAll } = train;
  const flat = [...trained].flatMap(([key, { shape }]) => (shape.length <= 1 ? [key] : []));
  const options = { lr, betas, weightDecay, factors, undecayed: new Set(decayAll ? [] : flat) };
  return train.optimizer === 'adamw' ? new optim.AdamW(trained, options) : new optim.Adam(trained, options);
}

/**
 * Fills the fresh model with the configured starting weights, which rank 0 reads for all.
 * @returns for `run.json`, in rank 0 @throws the codes of `initialise`
 */
export async function startFrom(
  { config, model, encoder, ranks }: Session,
  tell: (line: string) => void,
): Promise<RunInfo['init']> {
  const { init, name } = config.model;
  if (init === '') return FROM_SCRATCH;
  const leads = ranks?.leads ?? true;
  const started = leads ? await initialise(init, { name, state: model.stateDict(), encoder }) : null;
  ranks?.shareModel(model);
  for (const line of started?.lines ?? []) tell(line);
  return started?.info;
}

/** The training cases' notes. */
export function notesOf({ train }: TrainingData): string[] {
  return train.cases.map(({ note }) => note);
}

/** What resume points hold of a session. */
export function trainedIn({ model, optimizer, average }: Session): Trained {
  return { model, optimizer, average: average?.model ?? null };
}

/** The first `run.json` of a session. */
export function firstInfo(
  session: Session,
  startedAt: Date,
  { note, init }: Pick<RunInfo, 'note' | 'init'>,
): RunInfo {
  const { config, data, engine, encoder, model } = session;
  return {
    format: 'reclmis-run/1',
    status: 'running',
    versions: currentVersions(),
    engine,
    seed: config.seed,
    data: { train: runData(data.train), val: runData(data.val) },
    ...(config.data.folds === 0 ? {} : { fold: foldInfo(config, data) }),
    resize: config.data.resize,
    trainableParameters: model.parameterCount({ trainable: true }),
    encoderFingerprint: encoder.fingerprint,
    ...(session.tuning === null ? {} : { tuning: session.tuning }),
    ...defined({ note, init, teachers: session.teacher?.infos }),
    startedAt: startedAt.toISOString(),
    seconds: 0,
    epochs: 0,
    steps: 0,
    best: null,
  };
}

function foldInfo({ data: { folds, fold, foldSeed, group } }: Config, data: TrainingData): FoldInfo {
  const patients = (split: 'train' | 'val'): number => groupCases(data[split].cases, grouping(group)).size;
  return { fold, folds, foldSeed, group, patients: { train: patients('train'), val: patients('val') } };
}

/** A line about the fold, or null. */
export function foldNotice({ config, data }: Session): string | null {
  const fold = config.data.folds === 0 ? null : foldInfo(config, data);
  return (
    fold &&
    `Fold ${fold.fold} of ${fold.folds}: ${fold.patients.train} patients for training, ${fold.patients.val} others for validation ` +
      `(a case whose name does not identify a patient counts as one).`
  );
}
