/** `reclmis train`: trains a model and leaves a run folder. */
import { basename, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { deviceOfRun, type Overrides, type Parallel, type RunSummary } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { warnOfData } from '../data-warning.js';
import { EpochHook } from '../epoch-hook.js';
import { interruptSignal } from '../interrupt.js';
import { type Processes, settleProcesses, stopReason, withProcesses } from '../launching.js';
import { configFrom, overridesFrom, withSettings } from '../settings.js';
import { duration, percent } from '../table.js';
import { resumeWithProgress, trainWithProgress } from '../training.js';

interface TrainFlags extends OutputOptions, Readonly<Record<string, unknown>> {
  readonly out?: string;
  readonly resume?: string;
  readonly hook?: string;
  readonly nproc?: number | 'auto';
}

const ENDS = {
  running: 'is still running',
  finished: 'finished',
  exhausted: 'stopped early: validation Dice no longer improved',
  'out-of-time': 'stopped: reached train.maxMinutes',
  interrupted: 'was interrupted',
  failed: 'failed',
  imported: 'was imported',
} as const satisfies Record<RunSummary['status'], string>;

export function register(program: Command): void {
  const command = program
    .command('train')
    .description('train a model on a data set in LViT’s layout')
    .option('-o, --out <dir>', 'run folder to create (default: runs/NAME-TIME)')
    .addOption(
      new Option(
        '--resume <run>',
        'continue a run that was interrupted, killed or stopped by its time limit',
      ).conflicts(['out', 'config', 'preset']),
    )
    .option(
      '--hook <command>',
      'after each epoch, run this in the shell with the epoch’s figures as a line of JSON on standard input',
    );
  withOutputOptions(withSettings(withProcesses(command)))
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ reclmis train --preset qata-cov19 --data data/QaTa-COV19 -o runs/qata\n' +
        '  $ reclmis train --config my.yaml --epochs 10 --train.schedule constant\n' +
        '  $ reclmis train --resume runs/qata\n' +
        '  $ reclmis train --preset qata-cov19 --data data/QaTa-COV19 --nproc 2\n',
    )
    .action(run);
}

async function run(flags: TrainFlags): Promise<void> {
  const processes = await settleProcesses(flags.nproc);
  if (typeof processes === 'number') {
    process.exitCode = processes; // from the workers, which reported it
    return;
  }
  const output = new Output(processes.leads ? flags : { quiet: true });
  const told = processes.leads && flags.hook !== undefined;
  const hook = told ? new EpochHook(flags.hook, (line) => output.warning(line)) : null;
  const { summary, by } = await (
    flags.resume === undefined
      ? start(flags, processes, output, hook)
      : resume(flags.resume, overridesFrom(flags), processes, output, hook)
  ).finally(() => hook?.settled());
  if (summary.status === 'interrupted') {
    const error = interrupted(summary, by);
    if (processes.leads) throw error;
    process.exitCode = error.exitCode;
    return;
  }
  const { dir, status, epochs, steps, seconds, best } = summary;
  output.result({ dir, status, epochs, steps, seconds, best });
  output.say(`\nThe run ${ENDS[status]} after ${epochs} epochs in ${duration(seconds)}.`);
  if (best)
    output.say(`Best validation Dice, mean over images: ${percent(best.dice)} in epoch ${best.epoch}.`);
  output.say(`Run folder: ${dir}\nNext: reclmis evaluate ${dir}`);
}

/** The result, and the signal if interrupted. */
interface Ended {
  readonly summary: RunSummary;
  readonly by?: unknown;
}

/** Learns all processes' signals before leaving them. */
function trainTogether(
  processes: Processes,
  device: string,
  work: (parallel: Parallel | null) => Promise<RunSummary>,
): Promise<Ended> {
  const asked = interruptSignal();
  return processes.together(device, async (parallel) => {
    const summary = await work(parallel);
    return summary.status === 'interrupted' ? { summary, by: stopReason(asked, parallel) } : { summary };
  });
}

async function start(
  flags: TrainFlags,
  processes: Processes,
  output: Output,
  hook: EpochHook | null,
): Promise<Ended> {
  const config = processes.config(configFrom(flags));
  if (config.data.dir === '') {
    throw new ReclmisError(
      'OPTION_INVALID',
      'no data set: expected --data DIR, or data.dir in the configuration',
    );
  }
  if (processes.leads) {
    const { openFitted } = await import('@reclmis/lab');
    await warnOfData(config.data.dir, () => openFitted(config.data), output, config.data.group);
  }
  const out = flags.out ?? join('runs', `${basename(config.data.dir)}-${timestamp(new Date())}`);
  return trainTogether(processes, config.device, (parallel) =>
    trainWithProgress(config, out, output, parallel, hook),
  );
}

async function resume(
  dir: string,
  asked: Overrides,
  processes: Processes,
  output: Output,
  hook: EpochHook | null,
): Promise<Ended> {
  const overrides = processes.overrides(asked);
  const device = typeof asked['device'] === 'string' ? asked['device'] : (deviceOfRun(dir) ?? 'cpu');
  return trainTogether(processes, device, (parallel) =>
    resumeWithProgress(dir, overrides, output, parallel, hook),
  );
}

/** A scheduler's signal has its own exit status, to resume on. */
function interrupted({ dir, steps }: RunSummary, by: unknown): ReclmisError {
  const remedy = `Continue with: reclmis train --resume ${dir}`;
  return by === 'SIGTERM' || by === 'SIGUSR1'
    ? new ReclmisError('PREEMPTED', `${dir}: ${by} after ${steps} steps; the state is saved`, { remedy })
    : new ReclmisError('INTERRUPTED', `${dir}: stopped by Ctrl-C after ${steps} steps; the state is saved`, {
        remedy,
      });
}

/** As `20260131-235959`, local time. */
function timestamp(now: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}
