/**
 * `reclmis bench train|infer|table`: times of steps, shares of the machine's rate, times of exported models.
 */
import { defined, ReclmisError } from '@reclmis/core';
import type { BenchOptions, BenchReport, Config } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { numberOf, Output, type OutputOptions, threadsOf, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { configFrom, withSettings } from '../settings.js';
import { formatProfile, formatReport } from '../tables/bench.js';
import { registerTable } from './bench/table.js';

interface BenchFlags extends OutputOptions, Readonly<Record<string, unknown>> {
  readonly steps: number;
  readonly warmup: number;
  readonly peak: boolean;
  readonly profile?: true | 'operator' | 'shape';
  readonly batchSize?: number;
  readonly model?: readonly string[];
  readonly batches?: readonly number[];
  readonly starts?: number;
}

/** Default: this project's target. */
const BATCH_SIZE = 8;
/** Cold starts of an exported model. */
const STARTS = 3;

export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure training and inference on this machine: time, memory, FLOPs');
  add(
    bench,
    'train',
    'measure training steps, on synthetic batches or, with --data, on real ones',
    (lab) => lab.benchTrain,
  );
  add(
    bench,
    'infer',
    'measure inference, from pictures of 512 x 512 pixels to masks of that size',
    (lab) => lab.benchInfer,
  );
  registerTable(bench);
}

type Measure = (config: Config, options: BenchOptions) => Promise<BenchReport>;

function add(
  bench: Command,
  name: 'train' | 'infer',
  description: string,
  of: (lab: { benchTrain: Measure; benchInfer: Measure }) => Measure,
): void {
  const command = bench
    .command(name)
    .description(description)
    .option('--steps <n>', 'measured steps', numberOf('--steps', { min: 1 }), 10)
    .option('--warmup <n>', 'warm-up steps that do not count', numberOf('--warmup', { min: 1 }), 2)
    .option('--no-peak', 'do not measure the machine’s peak performance')
    .addOption(
      new Option(
        '--profile [by]',
        'also time the operators of one step, by operator, or by operator and shape',
      ).choices(['operator', 'shape']),
    )
    .addOption(
      new Option('--batch-size <n>', 'the same as --batch')
        .argParser(numberOf('--batch-size', { min: 1 }))
        .hideHelp(),
    );
  if (name === 'infer') withModels(command);
  withOutputOptions(withSettings(command))
    .addHelpText(
      'after',
      '\nThe batch size is 8 unless --batch or a file sets it; all other settings are those of training.\n' +
        `\nExamples:\n  $ reclmis bench ${name}\n  $ reclmis bench ${name} --batch 8 --precision bf16 --profile shape --json\n` +
        (name === 'infer'
          ? '  $ reclmis bench infer --model models/fp32 models/int8 --batches 1,8 --threads 2\n'
          : ''),
    )
    .action(async (flags: BenchFlags) => {
      if (flags.model !== undefined) {
        await runExported(flags, flags.model);
        return;
      }
      for (const name of ['batches', 'starts'] as const)
        if (flags[name] !== undefined)
          throw new ReclmisError(
            'OPTION_INVALID',
            `--${name}: applies to exported models, but no --model was given`,
          );
      const lab = await import('@reclmis/lab');
      await run(flags, of(lab));
    });
}

function withModels(command: Command): void {
  command
    .option(
      '--model <dirs...>',
      'measure exported models instead (folders written by `reclmis export`), interleaved',
    )
    .option('--batches <list>', 'with --model: batch sizes, such as 1,8 (default: 1)', batchesOf)
    .option(
      '--starts <n>',
      `with --model: cold starts per model (default: ${STARTS})`,
      numberOf('--starts', { min: 1 }),
    );
}

/** @throws OPTION_INVALID */
function batchesOf(text: string): number[] {
  return text.split(',').map(numberOf('--batches', { min: 1 }));
}

async function runExported(flags: BenchFlags, models: readonly string[]): Promise<void> {
  const { benchExported } = await import('../bench/exported.js');
  const { formatExported } = await import('../tables/bench-exported.js');
  const output = new Output(flags);
  const { steps, warmup, batches = [1], starts = STARTS, threads, device } = flags;
  if (device !== undefined && device !== 'cpu' && device !== 'cuda')
    throw new ReclmisError('OPTION_INVALID', `--device: expected cpu or cuda with --model, got another`);
  let bar: Progress | null = null;
  const report = await benchExported({
    models,
    batches,
    steps,
    warmup,
    starts,
    threads: threads === undefined ? null : threadsOf(JSON.stringify(threads)) || null,
    ...defined({ device }),
    onStep: (done, total) => {
      bar ??= new Progress({ label: 'measuring', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  output.result(report);
  output.say(formatExported(report));
}

async function run(flags: BenchFlags, measure: Measure): Promise<void> {
  const output = new Output(flags);
  const { steps, warmup, peak, profile } = flags;
  const config = configFrom({ ...flags, ...batchOf(flags) });
  let bar: Progress | null = null;
  const report = await measure(config, {
    steps,
    warmup,
    peak,
    profile: profile === true ? 'operator' : (profile ?? null),
    onStep: (done, total) => {
      bar ??= new Progress({ label: 'measuring', total, quiet: output.quiet });
      bar.update(done);
      if (done === total) bar.stop();
    },
  });
  output.result(report);
  output.say(formatReport(report));
  for (const phase of report.profile ?? []) output.say(`\n${formatProfile(phase)}`);
}

function batchOf(flags: BenchFlags): Record<string, unknown> {
  const { batchSize, batch, config, preset } = flags;
  if (batchSize !== undefined) return { batch: batchSize };
  const given = [batch, flags['train.batchSize'], config, preset].some((value) => value !== undefined);
  return given ? {} : { batch: BATCH_SIZE };
}
