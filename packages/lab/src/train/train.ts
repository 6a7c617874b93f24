/**
 * The training loop: paper section 4.2, METHOD.md 7.
 *
 * Epoch by epoch: train on every case, validate, note the figures, keep the checkpoints, decide whether to go on. A step's work is in
 * `step.ts`, the parts are put together in `session.ts`. Upstream's habit of carrying on without a loss that failed (METHOD.md 11) is
 * not repeated: such an error ends the run, and the checkpoints of the epochs before it stay.
 */
import { toReclmisError } from '@reclmis/core';
import { memory, resetPeak } from '@reclmis/torch';
import type { Config } from '../config.js';
import { scoreCases } from '../evaluate/score-cases.js';
import { precisionNotice } from '../precision.js';
import { createRun, refuseTaken, type RunInfo, type RunStatus } from '../run.js';
import { chooseEncoder, describeCutNotes } from '../text/choose.js';
import { saveCheckpoint } from './checkpoint.js';
import type { EpochRecord, EpochScores } from './metrics-log.js';
import { epochScores, MeanLosses, Progress } from './progress.js';
import { firstInfo, openSession, openTrainingData, seedEpoch, type Session } from './session.js';
import { requireFiniteState, type StepLosses, trainStep } from './step.js';

/** What is told after each step. Holds ids, no notes and no pictures. */
export interface StepReport {
  /** From 1. */
  readonly epoch: number;
  /** Optimiser steps since the run began, this one included. */
  readonly step: number;
  /** Of the whole run, if nothing ends it early. */
  readonly steps: number;
  /** Steps of an epoch, and which of them this is, from 1. */
  readonly stepsPerEpoch: number;
  readonly stepOfEpoch: number;
  readonly losses: StepLosses;
  readonly lr: number;
  readonly ids: readonly string[];
  /** Of this step per case, waiting for its data included. */
  readonly secondsPerImage: number;
}

/** Where to write, and who listens. */
export interface TrainOptions {
  /** The run folder; must be empty or absent. */
  readonly out: string;
  /** Called with the parts before the first step, e.g. to look at them or to start from other weights. */
  readonly onStart?: (session: Session) => void;
  readonly onStep?: (report: StepReport) => void;
  /** Called during validation with the number of cases done, of all. */
  readonly onValidation?: (done: number, of: number) => void;
  readonly onEpoch?: (record: EpochRecord) => void;
  /** Called with what the user should know before the first step: which note encoder was chosen, notes that are cut. */
  readonly onNotice?: (line: string) => void;
  /** Ends the run cleanly: `last` is saved, status `interrupted`. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export interface RunSummary extends RunInfo {
  readonly dir: string;
  readonly records: readonly EpochRecord[];
}

/**
 * Trains and leaves a run folder.
 * @throws OUTPUT_EXISTS, DATA_INVALID and other codes of the data, CONFIG_INVALID, DEVICE_MISSING, PRECISION_UNSUPPORTED: then nothing was written.
 * @throws LOSS_MISSING, LOSS_NOT_FINITE, OUTPUT_UNWRITABLE, DISK_FULL: then `run.json` says so, and earlier checkpoints stay whole.
 */
export async function train(asked: Config, options: TrainOptions): Promise<RunSummary> {
  refuseTaken(options.out);
  const data = await openTrainingData(asked);
  const config = settle(asked, options);
  const session = openSession(config, data);
  try {
    tell(options, precisionNotice(session.engine));
    if (session.model.readsNotes) {
      const notes = [...data.train.cases, ...data.val.cases].map(({ note }) => note);
      tell(options, describeCutNotes(session.encoder, notes));
    }
    const progress = new Progress(options.out, firstInfo(session, new Date()));
    await createRun(options.out, config, progress.info);
    try {
      options.onStart?.(session);
      await progress.end(await trainEpochs(session, progress, options));
    } catch (error) {
      const { code, message } = toReclmisError(error);
      await progress.end('failed', { code, message });
      throw error;
    }
    return { ...progress.info, dir: options.out, records: progress.records };
  } finally {
    await session.close();
  }
}

/** The configuration with the note encoder that it comes down to, which the run records. */
function settle(config: Config, options: TrainOptions): Config {
  if (!config.model.components.ci) return { ...config, text: { ...config.text, encoder: 'words' } }; // reads no note
  const { text, notice } = chooseEncoder(config.text);
  tell(options, notice);
  return { ...config, text };
}

function tell({ onNotice }: TrainOptions, line: string | null): void {
  if (line !== null) onNotice?.(line);
}

/** The loop. */
async function trainEpochs(session: Session, progress: Progress, options: TrainOptions): Promise<RunStatus> {
  const { config, earlyStopping } = session;
  for (let epoch = 1; epoch <= config.train.epochs; epoch++) {
    resetPeak();
    const trained = await trainEpoch(session, epoch, progress, options);
    if (options.signal?.aborted) return await interrupt(session, progress);
    requireFiniteState(session.model, progress.step);

    const validation = await validate(session, options);
    if (options.signal?.aborted) return await interrupt(session, progress);

    const best = earlyStopping.update(epoch, validation.dice);
    const record = {
      epoch,
      ...trained,
      validation,
      best,
      peakBytes: memory().peakBytes,
      seconds: progress.seconds,
    };
    progress.completed(record);
    if (best) await save(session, progress, 'best');
    await save(session, progress, 'last');
    await progress.write();
    options.onEpoch?.(record);

    if (earlyStopping.exhausted) return 'exhausted';
    if (outOfTime(config, progress) && epoch < config.train.epochs) return 'out-of-time';
  }
  return 'finished';
}

type TrainedEpoch = Pick<EpochRecord, 'step' | 'losses' | 'lr' | 'secondsPerImage' | 'waitShare'>;

/** Every training case once. Stops after the step during which the signal came. */
async function trainEpoch(
  session: Session,
  epoch: number,
  progress: Progress,
  options: TrainOptions,
): Promise<TrainedEpoch> {
  const { config, model, trainLoader, stepsPerEpoch, rate } = session;
  const mean = new MeanLosses();
  const begun = performance.now();
  let before = begun;
  let waited = 0;
  let lr = rate(progress.step);
  seedEpoch(config, epoch);
  model.train();
  for await (const batch of trainLoader.batches(epoch)) {
    lr = rate(progress.step);
    const losses = trainStep(session, batch, progress.step + 1, lr);
    progress.step += 1;
    mean.add(losses, batch.count);
    waited += batch.waitMs;
    const now = performance.now();
    options.onStep?.({
      epoch,
      step: progress.step,
      steps: config.train.epochs * stepsPerEpoch,
      stepsPerEpoch,
      stepOfEpoch: progress.step - (epoch - 1) * stepsPerEpoch,
      losses,
      lr,
      ids: batch.ids,
      secondsPerImage: (now - before) / 1000 / batch.count,
    });
    before = now;
    await new Promise(setImmediate); // lets signals, timers and the loader's messages in between two steps
    if (options.signal?.aborted) break;
  }
  const spent = performance.now() - begun;
  return {
    step: progress.step,
    losses: mean.losses,
    lr,
    secondsPerImage: spent / 1000 / mean.count,
    waitShare: Math.min(1, waited / spent),
  };
}

/** Scores the validation cases in evaluation mode. */
async function validate(session: Session, { signal, onValidation }: TrainOptions): Promise<EpochScores> {
  const of = session.data.val.cases.length;
  const { rows } = await scoreCases(session.segmenter, session.valLoader.batches(0), {
    ...(signal ? { signal } : {}),
    onProgress: (done) => onValidation?.(done, of),
  });
  return epochScores(rows);
}

async function save(session: Session, progress: Progress, kind: 'best' | 'last'): Promise<void> {
  const { config, encoder, model, optimizer, scaler, earlyStopping } = session;
  const info = {
    kind,
    epoch: progress.info.epochs,
    step: progress.step,
    validation: progress.records.at(-1)?.validation ?? null,
    earlyStopping: earlyStopping.current,
    ...(scaler ? { lossScaler: scaler.state } : {}),
    config,
    encoder: encoder.describe(),
  };
  await saveCheckpoint(progress.dir, info, model, kind === 'last' ? optimizer : undefined);
}

/** Keeps what the unfinished epoch has learnt. */
async function interrupt(session: Session, progress: Progress): Promise<RunStatus> {
  requireFiniteState(session.model, progress.step);
  await save(session, progress, 'last');
  return 'interrupted';
}

function outOfTime({ train: { maxMinutes } }: Config, progress: Progress): boolean {
  return maxMinutes > 0 && progress.seconds >= maxMinutes * 60;
}
