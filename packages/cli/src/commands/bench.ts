/**
 * `reclmis bench train|infer|table`: times of steps, as a share of the machine's rate, and of exported
 * models.
 */
import { defined, ReclmisError } from '@reclmis/core';
import type { BenchOptions, BenchReport, Config, PhaseProfile } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { numberOf, Output, type OutputOptions, threadsOf, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { configFrom, withSettings } from '../settings.js';
import { formatTable } from '../table.js';
import { registerTable } from './bench-table.js';

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
/** Operators shown per phase; `--json` has all. */
const SHOWN = 15;
/** Default. */
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

/** Adds options for exported models. */
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
  const { formatExported } = await import('../bench/exported-table.js');
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

const milliseconds = (seconds: number): string => (1000 * seconds).toFixed(1);
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
const giga = (value: number): string => (value / 1e9).toFixed(1);
const share = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** Only RecLMIS has layers and a variant. */
function describeModel({ name, baseWidth, imageSize, layers, variant }: BenchReport['model']): string {
  const parts = [
    name,
    `width ${baseWidth}`,
    ...(layers === null ? [] : [`${layers} layers`]),
    `${imageSize} x ${imageSize}`,
    ...(variant === null ? [] : [variant]),
  ];
  return parts.join(', ');
}

function describeParameters({ trainableParameters, inferenceParameters }: BenchReport['model']): string {
  const millions = (count: number): string => (count / 1e6).toFixed(2);
  const inference = inferenceParameters === null ? '' : `, ${millions(inferenceParameters)} M at inference`;
  return `${millions(trainableParameters)} M trained${inference}`;
}

export function formatReport(report: BenchReport): string {
  const { kind, engine, model, secondsPerImage: time, flops, peak, versions } = report;
  const phases = Object.entries(report.secondsPerPhase);
  const whole = phases.reduce((sum, [, seconds]) => sum + seconds, 0);
  const rows: [string, string][] = [
    [
      'device',
      `${engine.device}, ${engine.threads} threads, ${versions.vectors}, libtorch ${versions.libtorch}`,
    ],
    ['precision, layout, 3x3', `${engine.precision}, ${engine.memoryFormat}, ${engine.convolutions}`],
    ['model', `${describeModel(model)}; ${describeParameters(model)}`],
    ['batch, steps, data', `${report.batchSize}, ${report.steps}, ${report.data}`],
    ['seconds per image', `${time.median.toFixed(4)} (median)`],
    ['  min, p90, max', `${time.min.toFixed(4)}, ${time.p90.toFixed(4)}, ${time.max.toFixed(4)}`],
    ['images per second', report.imagesPerSecond.toFixed(2)],
    ...phases.map(([name, seconds]): [string, string] => [
      `  ${name}`,
      `${milliseconds(seconds)} ms a step, ${share(seconds / whole)}`,
    ]),
    ['peak tensor memory', mebibytes(report.memory.peakTensorBytes)],
    ['peak resident memory', mebibytes(report.memory.peakResidentBytes)],
    [
      'GFLOP per image',
      `${giga(flops.forwardPerImage)} forward${kind === 'train' ? `, ${giga(flops.stepPerImage)} a step` : ''}`,
    ],
    ['  convolutions', giga(flops.convolutionPerImage)],
    ['  matrix products', giga(flops.matrixProductPerImage)],
    ['GFLOP/s reached', report.achieved.toFixed(1)],
  ];
  if (report.waitShare !== null) rows.splice(7, 0, ['waiting for data', share(report.waitShare)]);
  if (peak && report.shareOfPeak !== null) {
    const { contiguous, channelsLast } = peak.convolution;
    rows.push(
      [
        'GFLOP/s, convolution only',
        `${contiguous.toFixed(0)} contiguous, ${channelsLast.toFixed(0)} channels-last`,
      ],
      ['GFLOP/s, matrix product only', peak.matrixProduct.toFixed(0)],
      ['share of the peak', share(report.shareOfPeak)],
    );
  }
  const table = formatTable([{ title: kind === 'train' ? 'training' : 'inference' }, { title: '' }], rows);
  return `${table}\n\nA multiply-add counts as two FLOP; only matrix products and convolutions are counted.`;
}

/** A phase's slowest operators. */
export function formatProfile({ phase, operators }: PhaseProfile): string {
  const whole = operators.reduce((sum, { selfSeconds }) => sum + selfSeconds, 0);
  const rows = operators
    .slice(0, SHOWN)
    .map(({ name, selfSeconds, totalSeconds, calls }) => [
      name,
      milliseconds(selfSeconds),
      share(selfSeconds / whole),
      milliseconds(totalSeconds),
      String(calls),
    ]);
  const columns = ['self ms', 'share', 'total ms', 'calls'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  return `${formatTable([{ title: `${phase}: ${milliseconds(whole)} ms` }, ...columns], rows)}${
    operators.length > SHOWN ? `\n... and ${operators.length - SHOWN} more` : ''
  }`;
}
