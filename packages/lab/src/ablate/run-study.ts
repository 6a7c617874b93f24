/**
 * Runs a study: trains what is absent, resumes what was begun, evaluates each run once on the test split.
 *
 * Checks all folders first, so that other settings show at once. A diverging training does not stop the
 * others. With several processes, rank 0 decides and evaluates.
 */
import { ReclmisError } from '@reclmis/core';
import type { Overrides } from '../config/config.js';
import { openDataset, readAs } from '@reclmis/data';
import { openFitted } from '../data/folds.js';
import { evaluateRun } from '../evaluate/evaluate.js';
import { runData, type RunData, type RunStatus } from '../run/run.js';
import { RESUMABLE_SETTINGS } from '../run/checkpoint.js';
import { resumeTraining } from '../train/resume.js';
import { leads, train, type TrainListeners } from '../train/train.js';
import { type Task, type TaskScore, type TaskState, viewTask, requireSameData, writeScore } from './tasks.js';

export type TaskWork = 'train' | 'resume' | 'evaluate' | 'nothing';

export interface StudyListeners extends TrainListeners {
  /** Called once, before anything is computed. */
  readonly onPlan?: (work: readonly TaskWork[]) => void;
  /** Only for unfinished tasks. */
  readonly onTask?: (task: Task, work: TaskWork, index: number) => void;
  readonly onTest?: (done: number, of: number) => void;
  readonly onScore?: (task: Task, score: TaskScore) => void;
  /** The next task follows. */
  readonly onFailure?: (task: Task, error: ReclmisError) => void;
}

export interface StudyOutcome {
  readonly interrupted: boolean;
  /** By an error or `train.maxMinutes`. */
  readonly unfinished: readonly Task[];
}

/**
 * @throws OUTPUT_EXISTS for other settings or data, RUN_INVALID, RUN_BUSY, codes of the data and of `train`
 */
export async function runStudy(
  tasks: readonly Task[],
  listeners: StudyListeners = {},
): Promise<StudyOutcome> {
  const planned = leads(listeners) ? await plan(tasks) : [];
  const work = listeners.parallel?.told(planned) ?? planned;
  listeners.onPlan?.(work);
  const unfinished: Task[] = [];
  for (const [index, task] of tasks.entries()) {
    const todo = work[index] ?? 'nothing';
    if (todo === 'nothing') continue;
    if (stopped(listeners)) return { interrupted: true, unfinished };
    listeners.onTask?.(task, todo, index);
    const status = todo === 'evaluate' ? 'finished' : await learn(task, todo, listeners);
    if (status === 'failed' || status === 'out-of-time') unfinished.push(task);
    else if (status === 'interrupted' || !(await test(task, listeners)))
      return { interrupted: true, unfinished };
  }
  return { interrupted: false, unfinished };
}

function stopped({ parallel, signal }: StudyListeners): boolean {
  const here = signal?.aborted === true;
  return parallel?.any(here) ?? here;
}

async function plan(tasks: readonly Task[]): Promise<TaskWork[]> {
  const data = new Cases();
  const work: TaskWork[] = [];
  for (const task of tasks) {
    const { state, info, score } = viewTask(task);
    if (info) requireSameData(task, info, await data.fittedBy(task));
    if (state === 'running')
      throw new ReclmisError('RUN_BUSY', `${task.dir}: another process is training this run`, {
        remedy: 'Wait for it or stop it; to split a study among machines, give each its own --part.',
      });
    const stale = score !== null && score.data.fingerprint !== (await data.testOf(task)).fingerprint;
    work.push(stale ? 'evaluate' : WORK[state]);
  }
  return work;
}

const WORK = {
  absent: 'train',
  begun: 'resume',
  failed: 'resume',
  trained: 'evaluate',
  done: 'nothing',
} as const satisfies Record<Exclude<TaskState, 'running'>, TaskWork>;

/** Opens each selection of cases once. */
class Cases {
  private readonly fitted = new Map<string, Record<'train' | 'val', RunData>>();
  private readonly tested = new Map<string, RunData>();

  async fittedBy({ config: { data } }: Task): Promise<Record<'train' | 'val', RunData>> {
    const { workers: _, ...deciding } = data;
    const key = JSON.stringify(deciding);
    const known = this.fitted.get(key);
    if (known) return known;
    const { train, val } = await openFitted(data);
    const opened = { train: runData(train), val: runData(val) };
    this.fitted.set(key, opened);
    return opened;
  }

  async testOf({ config: { data } }: Task): Promise<RunData> {
    const key = JSON.stringify([data.dir, readAs(data)]);
    const known = this.tested.get(key) ?? runData(await openDataset(data.dir, 'test', readAs(data)));
    this.tested.set(key, known);
    return known;
  }
}

/** A loss that is not finite ends only this training, unless several processes would have to agree on it. */
async function learn(task: Task, work: TaskWork, listeners: StudyListeners): Promise<RunStatus> {
  try {
    const { status } =
      work === 'train'
        ? await train(task.config, { out: task.dir, ...listeners })
        : await resumeTraining(task.dir, { overrides: ofThisMachine(task), ...listeners });
    return status;
  } catch (error) {
    const diverged = error instanceof ReclmisError && error.code === 'LOSS_NOT_FINITE';
    if (!diverged || listeners.parallel) throw error;
    listeners.onFailure?.(task, error);
    return 'failed';
  }
}

/** May have changed since the run began. */
function ofThisMachine({ config }: Task): Overrides {
  const value = (path: string): unknown =>
    path.split('.').reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], config);
  return Object.fromEntries(RESUMABLE_SETTINGS.map((path) => [path, value(path)]));
}

/**
 * Scores the best checkpoint on the test split. Rank 0 does it and reports to the others batch by batch,
 * since a collective does not wait forever.
 * @returns whether it finished
 */
async function test(task: Task, listeners: StudyListeners): Promise<boolean> {
  const { parallel, signal, onTest, onScore, onNotice } = listeners;
  if (parallel && !leads(listeners)) {
    let word = parallel.told<TestWord>('testing');
    while (word === 'testing') word = parallel.told<TestWord>('testing');
    return word === 'done';
  }
  const { data, device, train: settings } = task.config;
  const { cases } = await openDataset(data.dir, 'test', readAs(data));
  const evaluation = await evaluateRun(task.dir, {
    dataDir: data.dir,
    split: 'test',
    device,
    threads: settings.threads,
    ...(signal && { signal }),
    ...(onNotice && { onNotice }),
    onProgress: (done) => {
      onTest?.(done, cases.length);
      parallel?.told<TestWord>('testing');
    },
  });
  const whole = evaluation.rows.length === cases.length; // a signal during the last batch changes nothing
  if (whole) onScore?.(task, await writeScore(task, evaluation));
  parallel?.told<TestWord>(whole ? 'done' : 'stopped');
  return whole;
}

type TestWord = 'testing' | 'done' | 'stopped';
