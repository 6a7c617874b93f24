/**
 * A command's role among a run's processes: alone, one of several, or their launcher (`--nproc`, Kubeflow
 * Trainer): docs/guide/scale.md.
 */
import { availableParallelism } from 'node:os';
import {
  type Config,
  holdLifeline,
  launchWorkers,
  type Overrides,
  Parallel,
  planLaunch,
  RESUMABLE_SETTINGS,
  threadsOfWorker,
  threadsPerWorker,
  type WorkerPlan,
} from '@reclmis/lab';
import { devices } from '@reclmis/torch';
import { type Command, Option } from 'commander';
import { passSignals } from './interrupt.js';
import { numberOf } from './output.js';

/** A number, or one per CUDA device. */
export type ProcessCount = number | 'auto';

export function withProcesses(command: Command): Command {
  const read = numberOf('--nproc', { min: 1 });
  return command.addOption(
    new Option(
      '--nproc <n>',
      'number of processes on this machine that train together, sharing every batch; auto: one per CUDA device',
    ).argParser((text: string): ProcessCount => (text === 'auto' ? text : read(text))),
  );
}

/** A process's view of those that share a run. */
export interface Processes {
  /** True in the one that speaks for all. */
  readonly leads: boolean;
  /** With this process's share of the cores, unless a number is set. */
  config(asked: Config): Config;
  /** As `config`, for settings that override a run's. */
  overrides(asked: Overrides): Overrides;
  /** Works with the others; alone with null. */
  together<R>(device: string, work: (parallel: Parallel | null) => Promise<R>): Promise<R>;
}

/**
 * A launcher starts the others and waits for them.
 * @returns its exit status; in others, their view of each other. @throws LAUNCH_INVALID, RANK_LOST
 */
export async function settleProcesses(asked: ProcessCount | undefined): Promise<Processes | number> {
  holdLifeline(process.env);
  const cores = availableParallelism();
  const gpus = (): number => devices().length - 1;
  const machine = {
    cores,
    get gpus(): number {
      return gpus(); // loads libtorch, so only if needed
    },
  };
  // For a worker, its launcher has counted.
  const started = planLaunch(process.env, machine);
  const nproc = asked !== 'auto' ? asked : started.kind === 'alone' ? Math.max(1, gpus()) : undefined;
  const plan = nproc === undefined ? started : planLaunch(process.env, Object.assign(machine, { nproc }));
  if (plan.kind === 'alone') return ALONE;
  if (plan.kind === 'worker') return worker(plan, threadsOfWorker(process.env, plan, cores));
  return launchWorkers({
    plan,
    command: process.execPath,
    args: [...process.execArgv, ...process.argv.slice(1)],
    env: process.env,
    threads: threadsPerWorker(cores, plan.localSize),
    signals: passSignals,
  });
}

/**
 * The signal that interrupted a run, in any process: a scheduler may take back a machine other than rank 0's.
 * A scheduler's signal overrides Ctrl-C. All processes must call it.
 */
export function stopReason(asked: AbortSignal, parallel: Parallel | null): unknown {
  const here: unknown = asked.aborted ? asked.reason : null;
  const all = parallel?.all(here) ?? [here];
  return all.find((by) => by === 'SIGTERM' || by === 'SIGUSR1') ?? all.find((by) => by !== null);
}

const ALONE: Processes = {
  leads: true,
  config: (asked) => asked,
  overrides: (asked) => asked,
  together: (_device, work) => work(null),
};

function worker(plan: WorkerPlan, threads: number): Processes {
  return {
    leads: plan.rank === 0,
    config: (asked) => (asked.train.threads === 0 ? { ...asked, train: { ...asked.train, threads } } : asked),
    overrides: (asked) =>
      RESUMABLE_SETTINGS.includes('train.threads') ? { 'train.threads': threads, ...asked } : asked,
    together: async (device, work) => {
      const parallel = await Parallel.join(plan, device);
      const result = await work(parallel);
      await parallel.leave(); // not after errors, which others must notice
      return result;
    },
  };
}
