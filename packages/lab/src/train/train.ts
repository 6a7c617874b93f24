/**
 * The training loop: paper section 4.2, docs/method.md 9.
 *
 * Epoch by epoch: train on every case, validate, note the figures, keep the checkpoints, decide whether to go on. A step's work is in
 * `step.ts`, the parts are put together in `session.ts`. Upstream's habit of carrying on without a loss that failed (docs/method.md 13) is
 * not repeated: such an error ends the run, and the checkpoints from before it stay.
 *
 * A resume point is written before the first step, within epochs as often as asked, at each epoch's end and on interruption. Whatever
 * ends the process, `resumeTraining` goes on from the newest and comes to the same weights, bit for bit, on the same machine with the same
 * number of threads: order and augmentation follow from seed and epoch, draws from seed and step, and all else is in the point.
 */
import { existsSync } from 'node:fs';
import { describeCutNotes, toReclmisError } from '@reclmis/core';
import { makeFolder } from '@reclmis/files';
import { memory, resetPeak, trimHeap } from '@reclmis/torch';
import { readsNotes } from '../model/registry.js';
import { type Config, withAbsolutePaths } from '../config/config.js';
import { type NoteInfo, settleSides } from '../data/sides.js';
import { scoreCases } from '../evaluate/score-cases.js';
import { precisionNotice } from '../engine/precision.js';
import { measureReference, readReference, writeReference } from '../run/reference.js';
import {
  createRun,
  currentVersions,
  refuseTaken,
  runFiles,
  type RunInfo,
  type RunStatus,
  sidesOf,
} from '../run/run.js';
import { chooseEncoder } from '../text/choose.js';
import { bestInfo, type CheckpointInfo, saveBest } from '../run/checkpoint.js';
import { EpochCourse } from '../run/epoch-course.js';
import type { EpochRecord, EpochScores } from '../run/metrics-log.js';
import { epochScores, Progress } from './progress.js';
import type { Parallel } from './parallel.js';
import { type ResumeState, saveResumePoint } from '../run/resume-point.js';
import { withRunLock } from '../run/run-lock.js';
import {
  firstInfo,
  foldNotice,
  openSession,
  openTrainingData,
  type Session,
  type TrainingData,
} from './session.js';
import { requireFiniteState, type StepLosses, trainStep } from './step.js';

/** What is told after each step. Holds ids, no notes and no pictures. */
export interface StepReport {
  /** From 1. */
  readonly epoch: number;
  /** Optimiser steps since the run began, this one included. */
  readonly step: number;
  /** Steps of the whole run, unless it ends early. */
  readonly steps: number;
  /** Steps of an epoch, and which of them this is, from 1. */
  readonly stepsPerEpoch: number;
  readonly stepOfEpoch: number;
  readonly losses: StepLosses;
  readonly lr: number;
  readonly ids: readonly string[];
  /** Time of this step per case, including waiting for data. */
  readonly secondsPerImage: number;
}

/** Who listens to a training, and what may end it. */
export interface TrainListeners {
  /** Called with the parts before the first step, e.g. to look at them or to start from other weights. */
  readonly onStart?: (session: Session) => void;
  readonly onStep?: (report: StepReport) => void;
  /** Called during validation with the number of cases done, of all. */
  readonly onValidation?: (done: number, of: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** Called with what the user should know before the first step: which note encoder was chosen, notes that are cut. */
  readonly onNotice?: (line: string) => void;
  /** The processes that train together, this one among them; not given: this one alone. The caller leaves them at the end. */
  readonly parallel?: Parallel;
  /** Ends the run cleanly after the step in progress: a resume point is written, status `interrupted`. */
  readonly signal?: AbortSignal;
}

/** Where to write, and who listens. */
export interface TrainOptions extends TrainListeners {
  /** The run folder; must be empty or absent. */
  readonly out: string;
}

/** How a run ended. */
export interface RunSummary extends RunInfo {
  readonly dir: string;
  readonly records: readonly EpochRecord[];
}

/**
 * Trains and leaves a run folder.
 * @throws OUTPUT_EXISTS, DATA_INVALID and other codes of the data, CONFIG_INVALID, DEVICE_MISSING, PRECISION_UNSUPPORTED: then nothing was written.
 * @throws LOSS_MISSING, LOSS_NOT_FINITE, OUTPUT_UNWRITABLE, DISK_FULL: then `run.json` says so as far as it can be written, and the
 *   checkpoints from before stay whole.
 */
export async function train(asked: Config, options: TrainOptions): Promise<RunSummary> {
  const { out, parallel = null } = options;
  if (leads(options)) refuseTaken(out, existsSync(runFiles(out).config) ? resumeRemedy(out) : undefined);
  const data = await openTrainingData(asked);
  const { config: settled, note } = await settleAll(asked, data, options);
  const config = told(settled, options);
  requireSameEverywhere(data, options);
  const session = openSession(config, data, parallel);
  try {
    announce(session, options);
    const { tensorboard } = config.train;
    const progress = new Progress(out, firstInfo(session, new Date(), note), {
      writes: leads(options),
      tensorboard,
    });
    if (!leads(options)) return await runToEnd(session, progress, null, options);
    await makeFolder(out);
    return await withRunLock(out, options, async () => {
      await createRun(out, config, progress.info);
      return runToEnd(session, progress, null, options);
    });
  } finally {
    await session.close();
  }
}

const resumeRemedy = (run: string): string =>
  `Go on with the run there: reclmis train --resume ${run}. Or choose another folder.`;
/** The configuration with all that `auto` comes down to; other processes are told rank 0's. */
async function settleAll(
  asked: Config,
  { train: { cases } }: TrainingData,
  options: TrainListeners,
): Promise<{ readonly config: Config; readonly note?: NoteInfo }> {
  if (!leads(options)) return { config: asked };
  const config = withAbsolutePaths(settleNotes(asked, options));
  if (!readsNotes(config.model)) return { config };
  const settled = await settleSides(config, cases);
  for (const line of settled.lines) tell(options, line);
  return settled;
}

/** Whether this process writes the run: the only one, or rank 0. */
export function leads({ parallel }: TrainListeners): boolean {
  return parallel?.leads ?? true;
}

/**
 * Rank 0's configuration, on this process's device. Where several processes share a machine, each has the CUDA device of its local rank, also where the
 * configuration names one: that of a run which is gone on with names rank 0's.
 */
export function told(
  config: Config,
  { parallel }: { readonly parallel?: Pick<Parallel, 'told' | 'localRank' | 'localSize'> },
): Config {
  if (!parallel) return config;
  const all = parallel.told(config);
  const { localRank, localSize } = parallel;
  const own = all.device === 'cuda' || (all.device.startsWith('cuda:') && localSize > 1);
  return own ? { ...all, device: `cuda:${localRank}` } : all;
}

/** @throws DISTRIBUTED_FAILED where a process has other cases than rank 0. */
export function requireSameEverywhere({ train, val }: TrainingData, { parallel }: TrainListeners): void {
  parallel?.requireSame('its version of RecLMIS', currentVersions().reclmis);
  parallel?.requireSame('the training data', train.fingerprint);
  parallel?.requireSame('the validation data', val.fingerprint);
}

/** Tells what the user should know before the first step. */
export function announce(session: Session, options: TrainListeners): void {
  if (!leads(options)) return;
  tell(options, precisionNotice(session.engine));
  tell(options, foldNotice(session));
  if (!session.model.readsNotes) return;
  const { train, val } = session.data;
  const notes = [...train.cases, ...val.cases].map(({ note }) => note);
  tell(options, describeCutNotes(session.encoder, notes));
}

/** The configuration with the note encoder that it comes down to, which the run records. */
export function settleNotes(config: Config, options: Pick<TrainListeners, 'onNotice'> = {}): Config {
  if (!readsNotes(config.model)) return { ...config, text: { ...config.text, encoder: 'words' } }; // reads no note
  const { text, notice } = chooseEncoder(config.text);
  tell(options, notice);
  return { ...config, text };
}

function tell({ onNotice }: Pick<TrainListeners, 'onNotice'>, line: string | null): void {
  if (line !== null) onNotice?.(line);
}

/**
 * Trains from where the session and the progress stand, and writes how it ended.
 * @param running the epoch that was in progress; null between two epochs.
 */
export async function runToEnd(
  session: Session,
  progress: Progress,
  running: EpochCourse | null,
  options: TrainListeners,
): Promise<RunSummary> {
  try {
    options.onStart?.(session);
    if (leads(options)) await remember(session, progress.dir, options);
    const saving = new Saving(session, progress, leads(options));
    if (progress.step === 0) saving.save(null); // shows at once whether the disk takes it
    progress.end(await trainEpochs(session, progress, saving, running, options));
  } catch (error) {
    if (toReclmisError(error).code === 'DISTRIBUTED_FAILED') await options.parallel?.verdict();
    endFailed(progress, error);
    throw error;
  }
  return { ...progress.info, dir: progress.dir, records: progress.records };
}

/** Measures what the run is to remember of its data, once. */
async function remember(
  { config, data, model }: Session,
  dir: string,
  { signal }: TrainListeners,
): Promise<void> {
  if (readReference(dir) !== null) return;
  const reference = await measureReference(data.train.cases, {
    size: config.model.imageSize,
    readsNotes: model.readsNotes,
    sides: sidesOf(config),
    group: config.data.group,
    signal,
  });
  if (reference) writeReference(dir, reference);
}

/** Writes that the run failed, where that can still be written: a full disk or a deleted folder is the error to report, not this one. */
function endFailed(progress: Progress, error: unknown): void {
  const { code, message } = toReclmisError(error);
  try {
    progress.end('failed', { code, message });
  } catch (second) {
    if (toReclmisError(second).code === 'INTERNAL') throw second;
  }
}

/** The loop. */
async function trainEpochs(
  session: Session,
  progress: Progress,
  saving: Saving,
  running: EpochCourse | null,
  options: TrainListeners,
): Promise<RunStatus> {
  const { config, earlyStopping } = session;
  const { ranks } = session;
  const any = (here: boolean): boolean => ranks?.any(here) ?? here;
  const exhausted = (): boolean => earlyStopping.exhausted;
  if (exhausted()) return 'exhausted'; // resumed after its end
  for (let epoch = progress.records.length + 1; epoch <= config.train.epochs; epoch++) {
    resetPeak(session.engine.device);
    const course = running?.epoch === epoch ? running : EpochCourse.begin(epoch);
    const { lr, stopped } = await trainEpoch(session, course, progress, saving, options);
    if (stopped) return interrupted(session, saving, course);

    const validation = await validate(session, options);
    if (any(options.signal?.aborted === true)) return interrupted(session, saving, course);

    const best = earlyStopping.update(epoch, validation.dice);
    const record: EpochRecord = {
      epoch,
      step: progress.step,
      losses: course.losses,
      lr,
      secondsPerImage: course.secondsPerImage,
      waitShare: course.waitShare,
      validation,
      best,
      peakBytes: memory(session.engine.device).peakBytes,
      seconds: progress.seconds,
    };
    progress.completed(record);
    saving.save(null); // first: should the process end here, the resumed run writes `best` from this point
    if (best) saving.saveBest();
    await progress.write();
    options.onEpoch?.(record);

    if (exhausted()) return 'exhausted';
    if (epoch < config.train.epochs && any(outOfTime(config, progress))) return 'out-of-time';
  }
  return 'finished';
}

/**
 * Every training case once, or those that the epoch still lacks. Stops after the step during which the signal came.
 * @returns the learning rate of the last step, and whether the signal came, to any process.
 */
async function trainEpoch(
  session: Session,
  course: EpochCourse,
  progress: Progress,
  saving: Saving,
  { signal, onStep }: TrainListeners,
): Promise<{ lr: number; stopped: boolean }> {
  const { config, model, trainLoader, stepsPerEpoch, rate, ranks } = session;
  const first = (course.epoch - 1) * stepsPerEpoch;
  let before = performance.now();
  model.train();
  ranks?.pulse.beat(); // from here this process depends on its own data alone
  for await (const batch of trainLoader.batches(course.epoch, progress.step - first)) {
    ranks?.pulse.rest(); // a step waits for the other processes
    const lr = rate(progress.step);
    const losses = trainStep(session, batch, progress.step + 1, lr);
    progress.step += 1;
    const count = batch.shard?.total ?? batch.count;
    course.add(losses, count);
    course.waitedMs += batch.waitMs;
    const now = performance.now();
    course.spentMs += now - before;
    onStep?.({
      epoch: course.epoch,
      step: progress.step,
      steps: config.train.epochs * stepsPerEpoch,
      stepsPerEpoch,
      stepOfEpoch: progress.step - first,
      losses,
      lr,
      ids: batch.ids,
      secondsPerImage: (now - before) / 1000 / count,
    });
    if (saving.isDue) saving.save(course);
    before = performance.now();
    await new Promise(setImmediate); // lets signals, timers and the loader's messages in between two steps
    const here = signal?.aborted === true;
    if (ranks?.any(here) ?? here) return { lr, stopped: true };
    ranks?.pulse.beat();
  }
  ranks?.pulse.rest();
  return { lr: rate(progress.step - 1), stopped: false };
}

/** Scores the validation cases in evaluation mode; several processes share them batch by batch. */
async function validate(session: Session, { signal, onValidation }: TrainListeners): Promise<EpochScores> {
  const { ranks, model, config } = session;
  const { cases } = session.data.val;
  if (ranks && !config.train.syncBatchNorm) ranks.shareModel(model); // statistics differ, and those of rank 0 are kept
  const { rows } = await scoreCases(session.segmenter, session.valLoader.batches(0), {
    ...(signal && !ranks ? { signal } : {}), // all go on together or not at all
    onProgress: (done) => onValidation?.(Math.min(done * (ranks?.size ?? 1), cases.length), cases.length),
  });
  if (!ranks) return epochScores(rows);
  const all = new Map(ranks.all(rows).flatMap((own) => own.map((row) => [row.id, row] as const)));
  return epochScores(cases.flatMap(({ id }) => all.get(id) ?? [])); // in the order of one process, so that sums are the same
}

/** Writes a run's checkpoints, and knows when the next resume point is due. */
class Saving {
  private savedAt = performance.now();

  constructor(
    private readonly session: Session,
    private readonly progress: Progress,
    private readonly writes: boolean,
  ) {}

  /** Whether a resume point within the epoch is due after this step. */
  get isDue(): boolean {
    if (!this.writes) return false;
    const { saveMinutes, saveSteps } = this.session.config.train;
    if (saveSteps > 0 && this.progress.step % saveSteps === 0) return true;
    return saveMinutes > 0 && performance.now() - this.savedAt >= saveMinutes * 60_000;
  }

  /**
   * Writes a resume point. @param running the epoch in progress, if any.
   * @throws LOSS_NOT_FINITE, OUTPUT_UNWRITABLE, DISK_FULL
   */
  save(running: EpochCourse | null): void {
    if (!this.writes) return;
    const { session, progress } = this;
    const { config, data, engine, model, optimizer } = session;
    requireFiniteState(model, progress.step);
    const state: ResumeState = {
      ...checkpointInfo(session, progress),
      kind: 'last',
      records: progress.records,
      running: running?.state ?? null,
      seconds: progress.seconds,
      data: { train: data.train.fingerprint, val: data.val.fingerprint },
      engine,
      versions: currentVersions(),
    };
    saveResumePoint(progress.dir, state, model, optimizer, config.train.keep);
    trimHeap(); // seldom enough, and a long run does not grow
    this.savedAt = performance.now();
  }

  /** Writes the model as the best so far. @throws OUTPUT_UNWRITABLE, DISK_FULL */
  saveBest(): void {
    if (this.writes)
      saveBest(this.progress.dir, checkpointInfo(this.session, this.progress), this.session.model);
  }
}

/** What every checkpoint of this moment says. */
function checkpointInfo(session: Session, progress: Progress): CheckpointInfo {
  const { config, encoder, scaler, earlyStopping } = session;
  return {
    kind: 'best',
    epoch: progress.records.length,
    step: progress.step,
    validation: progress.records.at(-1)?.validation ?? null,
    earlyStopping: earlyStopping.current,
    ...(scaler ? { lossScaler: scaler.state } : {}),
    config,
    encoder: encoder.describe(),
  };
}

/**
 * Brings `best` up to a resume point: where the process ended between the writing of the two, the point's own weights are the best.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export function mendBest(session: Session, progress: Progress): void {
  const { bestEpoch } = session.earlyStopping.current;
  const last = progress.records.at(-1);
  if (last?.epoch !== bestEpoch || progress.step !== last.step) return;
  if (bestInfo(progress.dir)?.step === last.step) return;
  new Saving(session, progress, true).saveBest();
}

/** Keeps what the unfinished epoch has learnt. No process leaves before it is on the disk: launchers give the others little time once one has ended. */
function interrupted({ ranks }: Session, saving: Saving, course: EpochCourse): RunStatus {
  saving.save(course);
  ranks?.any(false);
  return 'interrupted';
}

function outOfTime({ train: { maxMinutes } }: Config, progress: Progress): boolean {
  return maxMinutes > 0 && progress.sessionSeconds >= maxMinutes * 60;
}
