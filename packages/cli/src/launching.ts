/**
 * What a command is among the processes of a run: alone, one of several that something else started, or the one that starts them
 * (`--nproc`, Kubeflow Trainer). docs/guide/scale.md says how to start a run under each launcher.
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

/** How many processes of this machine: a number, or one per CUDA device. */
export type ProcessCount = number | 'auto';

/** Adds `--nproc`. */
export function withProcesses(command: Command): Command {
  const read = numberOf('--nproc', { min: 1 });
  return command.addOption(
    new Option(
      '--nproc <n>',
      'number of processes on this machine that train together, sharing every batch; auto: one per CUDA device',
    ).argParser((text: string): ProcessCount => (text === 'auto' ? text : read(text))),
  );
}

/** The processes that share a run, seen from one of them. */
export interface Processes {
  /** Whether this one speaks for all. */
  readonly leads: boolean;
  /** The settings of a process: its share of the machine's cores where they do not say. */
  config(asked: Config): Config;
  /** The same for settings that go over a run's own. */
  overrides(asked: Overrides): Overrides;
  /** Does the work with the others; alone with null. */
  together<R>(device: string, work: (parallel: Parallel | null) => Promise<R>): Promise<R>;
}

/**
 * Finds out what this process is. The one that starts others does so here and waits for their end.
 * @returns the exit status of that one; the others' view of each other in all others.
 * @throws LAUNCH_INVALID, RANK_LOST
 */
export async function settleProcesses(asked: ProcessCount | undefined): Promise<Processes | number> {
  holdLifeline(process.env);
  const cores = availableParallelism();
  const gpus = (): number => devices().length - 1;
  const machine = {
    cores,
    get gpus(): number {
      return gpus(); // loads libtorch: only where a launcher's variables ask for it
    },
  };
  // Of a worker `auto` asks nothing: its launcher has counted.
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
 * Which signal asked a run to stop that was interrupted: that of any process, since a scheduler may take back a machine that is not rank 0's. A
 * scheduler's goes before Ctrl-C. To be called by all processes.
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
      await parallel.leave(); // not after an error: then the others must notice
      return result;
    },
  };
}
