/**
 * The training loop: paper section 4.2, docs/method.md 9. `step.ts` does a step; `session.ts` builds the
 * parts.
 *
 * Resume points are written before the first step, within epochs as configured, at each epoch's end and on
 * interruption. Resuming gives the same weights bit for bit (same machine, same number of threads): order and
 * augmentation follow from seed and epoch, draws from seed and step; the point holds the rest.
 */
import { existsSync } from 'node:fs';
import { defined, toReclmisError, type Vocabulary } from '@reclmis/core';
import { makeFolder } from '@reclmis/files';
import { memory, resetPeak, trimHeap } from '@reclmis/torch';
import { learnsFromNotes, readsNotes } from '../model/registry.js';
import { type Config, withAbsolutePaths } from '../config/config.js';
import { type NoteInfo, settleNote } from '../data/sides.js';
import { scoreCases } from '../evaluate/score-cases.js';
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
import { announcements } from './announce.js';
import { epochScores, Progress } from './progress.js';
import type { Parallel } from './parallel.js';
import { type ResumeState, saveResumePoint } from '../run/resume-point.js';
import { withRunLock } from '../run/run-lock.js';
import {
  firstInfo,
  notesOf,
  openSession,
  openTrainingData,
  type Session,
  startFrom,
  trainedIn,
  type TrainingData,
} from './session.js';
import { requireFiniteState, type StepLosses, trainStep } from './step.js';
import { openTeacher } from './teacher.js';

/** No notes or pictures. */
export interface StepReport {
  /** From 1. */
  readonly epoch: number;
  /** In the run, including this one. */
  readonly step: number;
  /** In the whole run, unless it ends early. */
  readonly steps: number;
  /** And this one's number, from 1. */
  readonly stepsPerEpoch: number;
  readonly stepOfEpoch: number;
  readonly losses: StepLosses;
  readonly lr: number;
  readonly ids: readonly string[];
  /** Including waiting for data. */
  readonly secondsPerImage: number;
}

export interface TrainListeners {
  /** Before the first step. */
  readonly onStart?: (session: Session) => void;
  readonly onStep?: (report: StepReport) => void;
  /** With the cases done, and all. */
  readonly onValidation?: (done: number, of: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** For the user, before the first step. */
  readonly onNotice?: (line: string) => void;
  /** Absent for one process. The caller ends them. */
  readonly parallel?: Parallel;
  /** After the current step: a resume point; status `interrupted`. */
  readonly signal?: AbortSignal;
}

export interface TrainOptions extends TrainListeners {
  /** Must be empty or absent. */
  readonly out: string;
}

export interface RunSummary extends RunInfo {
  readonly dir: string;
  readonly records: readonly EpochRecord[];
}

/**
 * Trains, and writes a run folder.
 * @throws OUTPUT_EXISTS, DATA_INVALID and other codes of the data, CONFIG_INVALID, DEVICE_MISSING,
 * PRECISION_UNSUPPORTED, and those of `initialise`: nothing was written. @throws LOSS_MISSING,
 * LOSS_NOT_FINITE, OUTPUT_UNWRITABLE, DISK_FULL: `run.json` says so if possible; earlier checkpoints stay
 * whole.
 */
export async function train(asked: Config, options: TrainOptions): Promise<RunSummary> {
  const { out, parallel = null } = options;
  if (leads(options)) refuseTaken(out, existsSync(runFiles(out).config) ? resumeRemedy(out) : undefined);
  const data = await openTrainingData(asked);
  const { config: settled, note } = await settleAll(asked, data, options);
  const config = told(settled, options);
  requireSameEverywhere(data, options);
  const teacher = await openTeacher(config, notesOf(data));
  const session = openSession(config, data, parallel, teacher, vocabularyOf(note, options));
  try {
    announce(session, options);
    const init = await startFrom(session, (line) => tell(options, line));
    const { tensorboard } = config.train;
    const progress = new Progress(out, firstInfo(session, new Date(), { note, init }), {
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
  `Continue the run there with reclmis train --resume ${run}, or choose another folder.`;
/** Resolves every `auto`; rank 0 does it for all. */
async function settleAll(
  asked: Config,
  { train: { cases } }: TrainingData,
  options: TrainListeners,
): Promise<{ readonly config: Config; readonly note?: NoteInfo }> {
  if (!leads(options)) return { config: asked };
  const config = withAbsolutePaths(settleNotes(asked, options));
  if (!readsNotes(config.model)) return { config };
  const settled = await settleNote(config, cases);
  for (const line of settled.lines) tell(options, line);
  return settled;
}

/** Does this process, alone or rank 0, write the run? */
export function leads({ parallel }: TrainListeners): boolean {
  return parallel?.leads ?? true;
}

/**
 * Rank 0's configuration, on this process's device: several processes of one machine take the CUDA devices of
 * their local ranks, whatever the configuration names.
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

/** Rank 0's vocabulary of the training notes. */
export function vocabularyOf(note: NoteInfo | undefined, { parallel }: TrainListeners): Vocabulary | null {
  const own = note?.vocabulary ?? null;
  return parallel ? parallel.told(own) : own;
}

/** @throws DISTRIBUTED_FAILED for other cases than rank 0's. */
export function requireSameEverywhere({ train, val }: TrainingData, { parallel }: TrainListeners): void {
  parallel?.requireSame('its version of RecLMIS', currentVersions().reclmis);
  parallel?.requireSame('the training data', train.fingerprint);
  parallel?.requireSame('the validation data', val.fingerprint);
}

export function announce(session: Session, options: TrainListeners): void {
  if (leads(options)) for (const line of announcements(session)) tell(options, line);
}

/** Resolves the note encoder, as the run records it. */
export function settleNotes(config: Config, options: Pick<TrainListeners, 'onNotice'> = {}): Config {
  if (!learnsFromNotes(config.model)) return { ...config, text: { ...config.text, encoder: 'words' } };
  const { text, notice } = chooseEncoder(config.text);
  tell(options, notice);
  return { ...config, text };
}

function tell({ onNotice }: Pick<TrainListeners, 'onNotice'>, line: string | null): void {
  if (line !== null) onNotice?.(line);
}

/** Trains, and records how it ended. @param running the unfinished epoch */
export async function runToEnd(
  session: Session,
  progress: Progress,
  running: EpochCourse | null,
  options: TrainListeners,
): Promise<RunSummary> {
  try {
    options.onStart?.(session);
    if (progress.step === 0) session.average?.begin(session.model);
    if (leads(options)) await remember(session, progress.dir, options);
    const saving = new Saving(session, progress, leads(options));
    if (progress.step === 0) saving.save(null); // fails early if the disk is full
    progress.end(await trainEpochs(session, progress, saving, running, options));
  } catch (error) {
    if (toReclmisError(error).code === 'DISTRIBUTED_FAILED') await options.parallel?.verdict();
    endFailed(progress, error);
    throw error;
  }
  return { ...progress.info, dir: progress.dir, records: progress.records };
}

async function remember(
  { config, data, model, rewordings, vocabulary }: Session,
  dir: string,
  { signal }: TrainListeners,
): Promise<void> {
  if (readReference(dir) !== null) return;
  const notes = data.train.cases.map(({ note }) => note);
  const reference = await measureReference(data.train.cases, {
    texts: rewordings?.tabledTextsOf(notes),
    size: config.model.imageSize,
    resize: config.data.resize,
    readsNotes: model.readsNotes,
    sides: sidesOf(config),
    vocabulary,
    group: config.data.group,
    signal,
  });
  if (reference) writeReference(dir, reference);
}

/** A full disk or deleted folder must not hide the error. */
function endFailed(progress: Progress, error: unknown): void {
  const { code, message } = toReclmisError(error);
  try {
    progress.end('failed', { code, message });
  } catch (second) {
    if (toReclmisError(second).code === 'INTERNAL') throw second;
  }
}

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
      ...defined({ gradients: course.gradients }),
      lr,
      secondsPerImage: course.secondsPerImage,
      waitShare: course.waitShare,
      validation,
      best,
      peakBytes: memory(session.engine.device).peakBytes,
      seconds: progress.seconds,
    };
    progress.completed(record);
    saving.save(null); // first: if the process ends here, resuming writes `best` from this point
    if (best) saving.saveBest();
    await progress.write();
    options.onEpoch?.(record);

    if (exhausted()) return 'exhausted';
    if (epoch < config.train.epochs && any(outOfTime(config, progress))) return 'out-of-time';
  }
  return 'finished';
}

/**
 * Trains on the epoch's remaining cases, up to the step during which the signal came.
 * @returns the last step's learning rate, and whether the signal came, in any process
 */
async function trainEpoch(
  session: Session,
  course: EpochCourse,
  progress: Progress,
  saving: Saving,
  { signal, onStep }: TrainListeners,
): Promise<{ lr: number; stopped: boolean }> {
  const { config, model, teacher, trainLoader, stepsPerEpoch, rate, ranks } = session;
  const first = (course.epoch - 1) * stepsPerEpoch;
  let before = performance.now();
  model.train();
  ranks?.pulse.beat(); // from here on, only its own data hold up this process
  for await (const batch of trainLoader.batches(course.epoch, progress.step - first)) {
    ranks?.pulse.rest();
    const lr = rate(progress.step);
    const taught = (await teacher?.probabilities(batch.images, batch.notes)) ?? null;
    const { losses, gradientNorm } = trainStep(session, batch, progress.step + 1, lr, taught);
    progress.step += 1;
    const count = batch.shard?.total ?? batch.count;
    course.add(losses, count);
    if (gradientNorm !== undefined) course.clipped(gradientNorm, config.train.clipNorm);
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
    await new Promise(setImmediate); // lets signals, timers and loader messages in
    const here = signal?.aborted === true;
    if (ranks?.any(here) ?? here) return { lr, stopped: true };
    ranks?.pulse.beat();
  }
  ranks?.pulse.rest();
  return { lr: rate(progress.step - 1), stopped: false };
}

/** Several processes share the cases by batch. */
async function validate(session: Session, { signal, onValidation }: TrainListeners): Promise<EpochScores> {
  const { ranks, kept, config } = session;
  const { cases } = session.data.val;
  if (ranks && !config.train.syncBatchNorm) ranks.shareModel(kept); // statistics differ between ranks; keep rank 0's
  const { rows } = await scoreCases(session.segmenter, session.valLoader.batches(0), {
    ...(signal && !ranks ? { signal } : {}),
    onProgress: (done) => onValidation?.(Math.min(done * (ranks?.size ?? 1), cases.length), cases.length),
  });
  if (!ranks) return epochScores(rows);
  const all = new Map(ranks.all(rows).flatMap((own) => own.map((row) => [row.id, row] as const)));
  return epochScores(cases.flatMap(({ id }) => all.get(id) ?? [])); // in one process's order, for identical sums
}

class Saving {
  private savedAt = performance.now();

  constructor(
    private readonly session: Session,
    private readonly progress: Progress,
    private readonly writes: boolean,
  ) {}

  get isDue(): boolean {
    if (!this.writes) return false;
    const { saveMinutes, saveSteps } = this.session.config.train;
    if (saveSteps > 0 && this.progress.step % saveSteps === 0) return true;
    return saveMinutes > 0 && performance.now() - this.savedAt >= saveMinutes * 60_000;
  }

  /** @throws LOSS_NOT_FINITE, OUTPUT_UNWRITABLE, DISK_FULL */
  save(running: EpochCourse | null): void {
    if (!this.writes) return;
    const { session, progress } = this;
    const { config, data, engine, model } = session;
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
    saveResumePoint(progress.dir, state, trainedIn(session), config.train.keep);
    trimHeap(); // rare enough; keeps a long run from growing
    this.savedAt = performance.now();
  }

  /** @throws OUTPUT_UNWRITABLE, DISK_FULL */
  saveBest(): void {
    if (this.writes)
      saveBest(this.progress.dir, checkpointInfo(this.session, this.progress), this.session.kept);
  }
}

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
 * If the process ended between two writes, the resume point's weights are the best.
 * @throws OUTPUT_UNWRITABLE, DISK_FULL
 */
export function mendBest(session: Session, progress: Progress): void {
  const { bestEpoch } = session.earlyStopping.current;
  const last = progress.records.at(-1);
  if (last?.epoch !== bestEpoch || progress.step !== last.step) return;
  if (bestInfo(progress.dir)?.step === last.step) return;
  new Saving(session, progress, true).saveBest();
}

/** All stay until the epoch is saved: launchers soon kill the others once one ends. */
function interrupted({ ranks }: Session, saving: Saving, course: EpochCourse): RunStatus {
  saving.save(course);
  ranks?.any(false);
  return 'interrupted';
}

function outOfTime({ train: { maxMinutes } }: Config, progress: Progress): boolean {
  return maxMinutes > 0 && progress.sessionSeconds >= maxMinutes * 60;
}
