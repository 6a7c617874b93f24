/** `reclmis ablate`: trains and tests a study's cells, in tables next to the paper's figures. */
import { existsSync } from 'node:fs';
import { defined, ReclmisError } from '@reclmis/core';
import {
  collectResults,
  describeStarts,
  drawStudyPhantoms,
  loadStudyWithData,
  openStudy,
  resultTable,
  type Study,
  studyNames,
  studyTasks,
  type StudyResult,
  type Task,
  viewTask,
  writeStudyReport,
} from '@reclmis/lab';
import type { Command } from 'commander';
import { studyWithProgress } from '../ablating.js';
import { interruptSignal, releaseInterrupt } from '../interrupt.js';
import { type Processes, settleProcesses, stopReason, withProcesses } from '../launching.js';
import { Output, type OutputOptions, withOutputOptions } from '../output.js';
import { casesOf, type Part, parsePart } from '@reclmis/predict';
import { Progress } from '../progress.js';
import { overridesFrom, withOverrides } from '../settings.js';
import { describeTasks, describeResults } from '../tables/study.js';

interface AblateFlags extends OutputOptions, Readonly<Record<string, unknown>> {
  readonly out?: string;
  readonly seeds?: readonly number[];
  readonly cells?: readonly string[];
  readonly part?: Part;
  readonly nproc?: number | 'auto';
  readonly list?: boolean;
  readonly report?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('ablate')
    .description('train and test each cell of a study, and tabulate the results next to the paper’s figures')
    .argument('<config>', `YAML file of a study, or a name: ${studyNames().join(', ')}`)
    .option('-o, --out <dir>', 'folder of the study; finished runs are not repeated')
    .option('--seeds <list>', 'seeds, e.g. 1,2,3 (default: the study’s)', readSeeds)
    .option('--cells <names>', 'only these cells, e.g. all,none', readNames)
    .option(
      '--part <I/N>',
      'only the I-th of N shares of the runs, to split a study among machines',
      parsePart,
    )
    .option('--list', 'list the cells, with --out also their progress, and compute nothing')
    .option('--report', 'write the tables from existing results, and compute nothing');
  withOutputOptions(withOverrides(withProcesses(command), ['seed']))
    .addHelpText(
      'after',
      '\nSettings given as flags override those that the cells share. Ctrl-C stops cleanly; run the same command again to continue.\n' +
        '\nExamples:\n' +
        '  $ reclmis ablate phantom-smoke -o ablation/phantom-smoke\n' +
        '  $ reclmis ablate components --data data/QaTa-COV19 -o ablation/components --part 1/4\n' +
        '  $ reclmis ablate components --data data/QaTa-COV19 -o ablation/components --report\n',
    )
    .action(run);
}

async function run(asked: string, flags: AblateFlags): Promise<void> {
  if (flags.list === true) {
    list(asked, flags);
    return;
  }
  const { out } = flags;
  if (out === undefined) throw new ReclmisError('OPTION_INVALID', 'no study folder: expected --out DIR');
  if (flags.report === true) return report(asked, out, flags);
  const processes = await settleProcesses(flags.nproc);
  if (typeof processes === 'number') {
    process.exitCode = processes; // from the workers, which reported it
    return;
  }
  return compute(asked, out, flags, processes);
}

async function compute(asked: string, out: string, flags: AblateFlags, processes: Processes): Promise<void> {
  const output = new Output(processes.leads ? flags : { quiet: true });
  const signal = interruptSignal();
  try {
    const study = loadStudyWithData(asked, out, overridesFrom(flags));
    const tasks = tasksOf(study, out, flags).map((task) => ({
      ...task,
      config: processes.config(task.config),
    }));
    if (processes.leads) await drawPhantoms(study, out, signal, output);
    const device = tasks[0]?.config.device ?? 'cpu';
    const { interrupted, unfinished, by } = await processes.together(device, async (parallel) => {
      const ended = await studyWithProgress(tasks, output, parallel);
      return { ...ended, by: ended.interrupted ? stopReason(signal, parallel) : null };
    });
    if (processes.leads) {
      const result = collectResults(study, out, defined({ seeds: flags.seeds }));
      await show(result, out, output);
    }
    if (interrupted) {
      const error = stopped(out, by);
      if (processes.leads) throw error;
      process.exitCode = error.exitCode;
      return;
    }
    if (unfinished.length > 0) throw incomplete(unfinished);
  } finally {
    releaseInterrupt();
  }
}

async function drawPhantoms(study: Study, out: string, signal: AbortSignal, output: Output): Promise<void> {
  let bar: Progress | null = null;
  await drawStudyPhantoms(study, out, {
    signal,
    onProgress: (done, total) => {
      bar ??= new Progress({ label: 'phantoms', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
}

function tasksOf(study: Study, out: string, { seeds, cells, part }: AblateFlags): Task[] {
  const tasks = studyTasks(study, out, { ...(seeds && { seeds }), cells: cells ?? null });
  return [...casesOf(tasks, part ?? null)];
}

async function report(asked: string, out: string, flags: AblateFlags): Promise<void> {
  if (!existsSync(out)) throw new ReclmisError('RUN_MISSING', `${out}: no such study folder`);
  await show(
    collectResults(openStudy(asked, out, overridesFrom(flags)), out, defined({ seeds: flags.seeds })),
    out,
    new Output(flags),
  );
}

async function show(result: StudyResult, out: string, output: Output): Promise<void> {
  const files = await writeStudyReport(out, result);
  output.result(result);
  output.say(`\n${describeResults(resultTable(result))}`);
  const starts = describeStarts(result);
  for (const line of [starts, result.withoutPaper ?? '']) if (line !== '') output.say(`\n${line}`);
  output.say(`\n${files.join('\n')}`);
}

function list(asked: string, flags: AblateFlags): void {
  const output = new Output(flags);
  const { out } = flags;
  const study = openStudy(asked, out, overridesFrom(flags));
  const tasks = tasksOf(study, out ?? '', flags);
  const rows = tasks.map((task) => ({
    cell: task.cell.name,
    seed: task.seed,
    set: task.cell.set,
    paper: task.cell.paper,
    ...(out === undefined ? {} : { dir: task.dir, state: viewTask(task).state }),
  }));
  output.result(rows);
  output.say(`${study.title} (${study.source})\n`);
  output.say(describeTasks(rows));
}

/** A scheduler's signal has its own exit status, for a restart. */
function stopped(out: string, by: unknown): ReclmisError {
  const remedy = 'Run the same command again to continue.';
  const preempted = by === 'SIGTERM' || by === 'SIGUSR1';
  return new ReclmisError(
    preempted ? 'PREEMPTED' : 'INTERRUPTED',
    `${out}: stopped by ${preempted ? by : 'Ctrl-C'}; what was computed is saved`,
    { remedy },
  );
}

function incomplete(unfinished: readonly Task[]): ReclmisError {
  const names = unfinished.map(({ cell, seed }) => `${cell.name} (seed ${seed})`).join(', ');
  return new ReclmisError('STUDY_INCOMPLETE', `${unfinished.length} runs did not finish: ${names}`);
}

/** @throws OPTION_INVALID */
function readSeeds(text: string): number[] {
  const seeds = text.split(',').map((part) => (/^\d{1,10}$/.test(part.trim()) ? Number(part) : Number.NaN));
  const fits = seeds.every((seed) => seed < 2 ** 31) && new Set(seeds).size === seeds.length;
  if (fits) return seeds;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--seeds: expected different whole numbers such as 1,2,3, got "${text}"`,
  );
}

function readNames(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}
