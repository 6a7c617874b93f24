/** `reclmis demo`: draws phantoms, trains a small model, tests it with right and swapped notes, exports it for the studio. */
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import type { Config, Evaluation, RunSummary } from '@reclmis/lab';
import type { Command } from 'commander';
import { folders, OUTCOMES, type Place, prepare } from '../demo-folder.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { duration, formatTable, percent } from '../table.js';
import { trainWithProgress } from '../training.js';

interface DemoFlags extends OutputOptions {
  readonly out: string;
  readonly count: number;
  readonly epochs?: number;
  readonly seed: number;
}

/** Enough to learn the notes' words in the preset's epochs. */
const COUNT = 1000;
const ROWS = 6;

export function register(program: Command): void {
  const command = program
    .command('demo')
    .description(
      'train on phantoms, evaluate with correct and swapped notes, draw a contact sheet, export the model',
    )
    .option('-o, --out <dir>', 'output folder', 'outputs/demo')
    .option('--count <n>', 'phantoms to draw', numberOf('--count', { min: 20 }), COUNT)
    .option('--epochs <n>', 'epochs (default: as in the preset phantom)', numberOf('--epochs', { min: 1 }))
    .option('--seed <n>', 'random seed of phantoms and training', numberOf('--seed', { min: 0 }), 1);
  withOutputOptions(command).addHelpText('after', '\nExample:\n  $ reclmis demo\n').action(run);
}

async function run(flags: DemoFlags): Promise<void> {
  const { phantomSplits } = await import('@reclmis/data');
  const { loadPreset } = await import('@reclmis/lab');
  const begun = performance.now();
  const output = new Output(flags);
  const place = folders(flags.out);
  const preset = loadPreset('phantom', {
    'data.dir': place.data,
    'train.epochs': flags.epochs,
    seed: flags.seed,
  });
  const config = withShortWarmup(preset, phantomSplits(flags.count).train);
  await prepare(flags.out, place, output);

  output.say(
    `1/5  Drawing ${flags.count} chest phantoms; each note names some of the opacities, and the mask holds only those`,
  );
  await drawPhantoms(place.data, flags, config, output);
  output.say('2/5  Training a small RecLMIS on them');
  const summary = await trainWithProgress(config, place.run, output);
  if (summary.status === 'interrupted')
    throw new ReclmisError('INTERRUPTED', 'stopped by Ctrl-C during the training');
  output.say('3/5  Evaluating it on test phantoms that it has not seen');
  const right = await measure(place, 'right', output);
  const swapped = await measure(place, 'mirrored', output);
  output.say('4/5  Drawing the contact sheet');
  await drawOverview(place, right, swapped);
  output.say('5/5  Calibrating its confidence, and exporting it for Node and the browser');
  await exportForStudio(place);

  const seconds = (performance.now() - begun) / 1000;
  output.result(asData(place, summary, right, swapped, seconds));
  output.say(describe(place, right, swapped, seconds));
}

/** At most a tenth of a run shortened by --count or --epochs. */
function withShortWarmup(config: Config, cases: number): Config {
  const steps = config.train.epochs * Math.ceil(cases / config.train.batchSize);
  return {
    ...config,
    train: { ...config.train, warmupSteps: Math.min(config.train.warmupSteps, Math.floor(steps / 10)) },
  };
}

async function drawPhantoms(
  dir: string,
  { count, seed }: DemoFlags,
  config: Config,
  output: Output,
): Promise<void> {
  const { writePhantom } = await import('@reclmis/data');
  const bar = new Progress({ label: '     phantoms', total: count, quiet: output.quiet });
  const size = config.model.imageSize;
  await writePhantom(dir, { count, seed, size, onProgress: (done) => bar.update(done) });
  bar.stop();
}

async function measure(place: Place, notes: 'right' | 'mirrored', output: Output): Promise<Evaluation> {
  const { openDataset } = await import('@reclmis/data');
  const { evaluateRun, writeEvaluation } = await import('@reclmis/lab');
  const { cases } = await openDataset(place.data, 'test');
  const label = notes === 'right' ? '     correct notes' : '     left and right swapped';
  const bar = new Progress({ label, total: cases.length, quiet: output.quiet });
  const evaluation = await evaluateRun(place.run, {
    split: 'test',
    notes,
    onProgress: (done) => bar.update(done),
  });
  bar.stop();
  await writeEvaluation(evaluation, { csv: join(place.run, 'evaluation', OUTCOMES[notes]) });
  return evaluation;
}

async function drawOverview(place: Place, right: Evaluation, swapped: Evaluation): Promise<void> {
  const { openDataset } = await import('@reclmis/data');
  const { casesThatNameASide, compareNotes, openRun, writeOverview } = await import('@reclmis/lab');
  const { cases } = await openDataset(place.data, 'test');
  const run = openRun(place.run);
  using model = run.loadModel();
  const rows = await compareNotes(model, casesThatNameASide(cases, ROWS));
  await writeOverview(place.overview, rows, {
    sides: run.sides,
    title: 'The same picture, two notes',
    subtitle:
      `The first ${rows.length} test phantoms whose note names a side. Over all ${right.summary.count}: Dice ` +
      `${percent(right.summary.mean.dice)} % with the correct notes, ${percent(swapped.summary.mean.dice)} % with left and right swapped.`,
  });
}

/** With confidence, if there are cases enough to fit it. */
async function exportForStudio({ run, model }: Place): Promise<void> {
  const { calibrateRun } = await import('@reclmis/lab');
  const { exportModel } = await import('@reclmis/export');
  await calibrateRun(run).catch((error: unknown) => {
    if (!(error instanceof ReclmisError && error.code === 'CONFIDENCE_CASES')) throw error;
  });
  await exportModel(run, { out: model });
}

function asData(
  place: Place,
  summary: RunSummary,
  right: Evaluation,
  swapped: Evaluation,
  seconds: number,
): unknown {
  const scores = ({ summary: { mean, pooled } }: Evaluation): unknown => ({ mean, pooled });
  return {
    ...place,
    epochs: summary.epochs,
    seconds,
    images: right.summary.count,
    right: scores(right),
    swapped: scores(swapped),
  };
}

function describe(place: Place, right: Evaluation, swapped: Evaluation, seconds: number): string {
  const row = (name: string, { summary: { mean, pooled } }: Evaluation): string[] => [
    name,
    ...[mean.dice, mean.iou, pooled.dice, pooled.iou].map(percent),
  ];
  const figures = ['Dice', 'IoU', 'Dice pooled', 'IoU pooled'].map((title) => ({
    title,
    align: 'right' as const,
  }));
  return [
    '',
    formatTable(
      [{ title: `${right.summary.count} test phantoms, %` }, ...figures],
      [row('right notes', right), row('left and right swapped', swapped)],
    ),
    '',
    `Contact sheet   ${place.overview}`,
    `Exported model  ${place.model}`,
    `Run folder      ${place.run}   (progress.png, metrics.jsonl, checkpoints)`,
    `Data set        ${place.data}`,
    `Took            ${duration(seconds)}`,
    '',
    'Now write your own notes, and watch the mask in the browser:',
    `  npx reclmis studio ${place.model}`,
    '',
    'Or on the command line:',
    `  npx reclmis predict ${place.run} --image ${join(place.data, 'Test_Folder', 'img')} \\`,
    '    --note "Unilateral pulmonary infection, one infected area, upper left lung." -o outputs/masks',
  ].join('\n');
}
