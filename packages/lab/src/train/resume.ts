/**
 * Resumes a run: `reclmis train --resume RUN`. All state comes from the newest readable resume point. A
 * session may change where and how long to compute, not what.
 */
import { existsSync, statSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { type Config, type Overrides, resolveConfig, withAbsolutePaths } from '../config/config.js';
import {
  currentVersions,
  isUnbegun,
  readInfo,
  readStoredConfig,
  runFiles,
  type RunInfo,
  sweepTemporaries,
} from '../run/run.js';
import { checkpointPath, requireSameSettings, RESUMABLE_SETTINGS } from '../run/checkpoint.js';
import { EpochCourse } from '../run/epoch-course.js';
import { Progress } from './progress.js';
import { findResumePoint, loadResumePoint, type ResumePoint } from '../run/resume-point.js';
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
import { openTeacher, requireSameTeachers } from './teacher.js';
import {
  announce,
  leads,
  mendBest,
  requireSameEverywhere,
  type RunSummary,
  runToEnd,
  told,
  vocabularyOf,
  type TrainListeners,
} from './train.js';

export interface ResumeOptions extends TrainListeners {
  /** Among `RESUMABLE_SETTINGS`. */
  readonly overrides?: Overrides;
}

/**
 * Whatever ended the run; does nothing if it is complete.
 * @throws RUN_MISSING, RUN_INVALID, RUN_BUSY; OPTION_INVALID for a fixed setting; CHECKPOINT_MISMATCH for
 * other data or another encoder; CHECKPOINT_CORRUPT; and the codes of `train`.
 */
export async function resumeTraining(dir: string, options: ResumeOptions = {}): Promise<RunSummary> {
  const overrides = changeable(options.overrides ?? {});
  if (!leads(options)) return goOn(dir, tell(null, options), overrides, options);
  const files = runFiles(dir);
  if (!existsSync(dir)) throw new ReclmisError('RUN_MISSING', `${dir}: no such run folder`);
  if (!existsSync(files.config)) refuseWithoutConfig(dir, files.config);
  return withRunLock(dir, options, () => goOn(dir, tell(lookUp(dir, options), options), overrides, options));
}

/** Tells a training that ended before writing from an unrelated folder. @throws RUN_INVALID */
function refuseWithoutConfig(dir: string, file: string): never {
  if (statSync(dir).isDirectory() && isUnbegun(dir))
    throw new ReclmisError('RUN_INVALID', `${dir}: training ended before it wrote its configuration`, {
      remedy: `Nothing is lost: run the original command again with -o ${dir}.`,
    });
  throw new ReclmisError('RUN_INVALID', `${file}: missing, so ${dir} is not a run folder`);
}

/** The newest resume point's device. @returns null if unknown; `resumeTraining` then reports why. */
export function deviceOfRun(dir: string): string | null {
  try {
    const point = findResumePoint(dir, () => undefined, { verify: false });
    return point?.state.config.device ?? readStoredConfig(runFiles(dir).config).device;
  } catch (error) {
    if (error instanceof ReclmisError) return null;
    throw error;
  }
}

interface Found {
  readonly stored: Config;
  readonly before: RunInfo | null;
  readonly point: ResumePoint | null;
}

/** Called by the writing process while it holds the run's lock. */
function lookUp(dir: string, options: ResumeOptions): Found {
  sweepTemporaries(dir);
  const files = runFiles(dir);
  const stored = readStoredConfig(files.config);
  const damaged: string[] = [];
  const point = findResumePoint(dir, (path, { message }) => {
    damaged.push(path);
    options.onNotice?.(`${message}; continuing from an earlier point`);
  });
  if (point?.notice != null) options.onNotice?.(point.notice);
  const before = existsSync(files.info) ? readInfo(files.info) : null;
  if (!point) requireUnbegun(dir, before, damaged);
  else requireSameSettings(point.path, point.state.config, stored);
  return { stored, before, point };
}

function tell(found: Found | null, { parallel }: ResumeOptions): Found {
  const all = parallel ? parallel.told(found) : found;
  if (!all) throw new ReclmisError('INTERNAL', 'rank 0 sent nothing about the run');
  return all;
}

async function goOn(
  dir: string,
  { stored, before, point }: Found,
  overrides: Overrides,
  options: ResumeOptions,
): Promise<RunSummary> {
  const { parallel = null } = options;
  const { note } = stored; // `reclmis sides` may have changed it since the point
  const begun = { ...(point?.state.config ?? stored), note };
  const settings = resolveConfig(begun, overrides, runFiles(dir).config);
  const config = told(withAbsolutePaths(settings), options); // relative in runs of earlier versions
  const data = await openTrainingData(config);
  requireSameEverywhere(data, options);
  if (point) requireSameData(point, data);
  const teacher = await openTeacher(config, notesOf(data));
  requireSameTeachers(teacher, before?.teachers);
  const vocabulary = vocabularyOf(before?.note, options);
  const session = openSession(config, data, parallel, teacher, vocabulary);
  try {
    announce(session, options);
    const init = point ? before?.init : await startFrom(session, (line) => options.onNotice?.(line)); // a point has the weights
    const info = resumedInfo(session, before, init, new Date());
    const common = { writes: leads(options), tensorboard: config.train.tensorboard };
    if (!point) {
      if (leads(options)) options.onNotice?.(`${dir} has no resume point yet; the run starts over`);
      return await runToEnd(session, new Progress(dir, info, common), null, options);
    }
    const { state } = point;
    requireSameEncoder(point, session, before);
    if (leads(options)) {
      for (const line of differences(state, session)) options.onNotice?.(line);
      loadResumePoint(point, trainedIn(session));
    }
    parallel?.shareModel(session.model);
    if (session.average) parallel?.shareModel(session.average.model);
    parallel?.shareOptimizer(session.model, session.optimizer);
    session.earlyStopping.restore(state.earlyStopping);
    if (state.lossScaler) session.scaler?.restore(state.lossScaler);
    const progress = new Progress(dir, withCourse(info, point), { ...common, earlier: state });
    if (leads(options)) mendBest(session, progress);
    await progress.write();
    return await runToEnd(session, progress, state.running && EpochCourse.resume(state.running), options);
  } finally {
    await session.close();
  }
}

/** @throws OPTION_INVALID naming the first fixed setting */
function changeable(overrides: Overrides): Overrides {
  const fixed = Object.entries(overrides).find(
    ([path, value]) => value !== undefined && !RESUMABLE_SETTINGS.includes(path),
  );
  if (!fixed) return overrides;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--resume: ${fixed[0]} is fixed for the whole run; you can change only ${RESUMABLE_SETTINGS.join(', ')}`,
    { remedy: 'Resume without it, or start a new run with it.' },
  );
}

/** Allows a fresh start without a resume point only if no epoch is logged and no weights are saved. */
function requireUnbegun(dir: string, info: RunInfo | null, damaged: readonly string[]): void {
  if (damaged.length > 0)
    throw new ReclmisError(
      'CHECKPOINT_CORRUPT',
      `${damaged.join(', ')}: ${damaged.length === 1 ? 'the only resume point is' : 'all resume points are'} damaged`,
      {
        remedy:
          'Restore an intact copy, or train again into another folder; best.safetensors is still usable.',
      },
    );
  const empty = !existsSync(checkpointPath(dir, 'best')) && !existsSync(checkpointPath(dir, 'last'));
  if (
    info &&
    (info.status === 'imported' || (info.epochs > 0 && !(empty && !existsSync(runFiles(dir).metrics))))
  ) {
    throw new ReclmisError('CHECKPOINT_MISSING', `${dir}: holds no resume point`, {
      remedy:
        info.status === 'imported'
          ? 'Imported runs cannot be resumed; train a new run.'
          : 'Its resume points were removed, or it was written by a version without them; train again into another folder.',
    });
  }
}

function requireSameData({ path, state }: ResumePoint, data: TrainingData): void {
  for (const split of ['train', 'val'] as const) {
    const found = data[split].fingerprint;
    if (found === state.data[split]) continue;
    throw new ReclmisError(
      'CHECKPOINT_MISMATCH',
      `${path}: the ${split} cases of ${data[split].name} are not those of the run (fingerprint ${found.slice(0, 12)}, expected ${state.data[split].slice(0, 12)})`,
      { remedy: 'Restore the data folder as it was; if it has moved, give it with --data.' },
    );
  }
}

function requireSameEncoder({ path }: ResumePoint, { encoder, model }: Session, info: RunInfo | null): void {
  if (!info || !model.learnsFromNotes || info.encoderFingerprint === encoder.fingerprint) return;
  throw new ReclmisError(
    'CHECKPOINT_MISMATCH',
    `${path}: the note encoder is not that of the run (fingerprint ${encoder.fingerprint.slice(0, 12)}, expected ${info.encoderFingerprint.slice(0, 12)})`,
    { remedy: 'Restore the encoder’s original weights.' },
  );
}

/** Why the rest cannot be bit-identical. */
function differences({ engine, versions }: ResumePoint['state'], session: Session): string[] {
  const now = { ...session.engine, ...currentVersions() };
  const then = { ...engine, ...versions };
  const names = ['device', 'threads', 'memoryFormat', 'convolutions', 'libtorch', 'vectors'] as const;
  return names
    .filter((name) => now[name] !== then[name])
    .map(
      (name) => `${name} was ${then[name]} and is ${now[name]}: the last digits of the weights may differ`,
    );
}

function resumedInfo(session: Session, before: RunInfo | null, init: RunInfo['init'], now: Date): RunInfo {
  const first = firstInfo(session, now, { note: before?.note, init });
  if (!before) return first;
  const { startedAt, resumedAt = [] } = before;
  return { ...first, startedAt, resumedAt: [...resumedAt, now.toISOString()] };
}

function withCourse(info: RunInfo, { state }: ResumePoint): RunInfo {
  const { bestEpoch, bestScore } = state.earlyStopping;
  return {
    ...info,
    epochs: state.records.length,
    steps: state.step,
    seconds: state.seconds,
    best: bestEpoch > 0 ? { epoch: bestEpoch, dice: bestScore } : null,
  };
}
