/** `reclmis evaluate`: Dice and IoU of a run on a split, per image and pooled, with a CSV of every image. */
import { join } from 'node:path';
import type { CheckpointKind, Evaluation, NoteVariant, Precision, Split } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { Progress } from '../progress.js';
import { formatTable, percent } from '../table.js';

interface EvaluateFlags extends OutputOptions {
  readonly data?: string;
  readonly split: Split;
  readonly stems?: string;
  readonly notes: NoteVariant;
  readonly checkpoint: CheckpointKind;
  readonly csv?: string;
  readonly batch?: number;
  readonly seed?: number;
  readonly device?: string;
  readonly threads?: number;
  readonly precision?: Precision;
}

export function register(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a trained model: Dice and IoU, as means over images and pooled')
    .argument('<run>', 'run folder of `reclmis train`')
    .option('--data <dir>', 'data set (default: the one that the run was trained on)')
    .addOption(
      new Option('--split <name>', 'part of the data set').choices(['train', 'val', 'test']).default('test'),
    )
    .option('--stems <file>', 'file that lists the stems to use, one a line')
    .addOption(
      new Option(
        '--notes <which>',
        'notes to give: each case’s own, none, another case’s, or its own with left and right or upper and lower swapped, or one area more',
      )
        .choices(['right', 'empty', 'shuffled', 'mirrored', 'flipped', 'recounted'])
        .default('right'),
    )
    .addOption(new Option('--checkpoint <which>', 'weights to use').choices(['best', 'last']).default('best'))
    .option('--csv <file>', 'scores of every image (default: RUN/evaluation/DATA-SPLIT[-NOTES].csv)')
    .option('--batch <n>', 'images at once', numberOf('--batch', { min: 1 }))
    .option('--seed <n>', 'seed of --notes shuffled (default: the run’s)', numberOf('--seed', { min: 0 }))
    .option('--device <name>', 'cpu, cuda or cuda:N (default: the run’s)')
    .option('--threads <n>', 'threads of libtorch; 0: all cores', numberOf('--threads', { min: 0 }))
    .addOption(
      new Option(
        '--precision <name>',
        'of matrix products and convolutions (default: the run’s on its own kind of device, else fp32)',
      ).choices(['fp32', 'bf16', 'fp16']),
    );
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis evaluate runs/qata --data data/QaTa-COV19\n' +
        '  $ reclmis evaluate runs/qata --notes shuffled    # how much the notes decide\n',
    )
    .action(run);
}

async function run(dir: string, flags: EvaluateFlags): Promise<void> {
  const { evaluateRun, openDataset, openRun, writeEvaluation } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { split, stems, notes, checkpoint, batch, seed, device, threads, precision, csv: asked } = flags;
  const dataDir = flags.data ?? openRun(dir).config.data.dir;
  const { cases } = await openDataset(dataDir, split, stems === undefined ? {} : { stems });
  const bar = new Progress({ label: 'evaluating', total: cases.length, quiet: output.quiet });
  const evaluation = await evaluateRun(dir, {
    dataDir,
    split,
    notes,
    checkpoint,
    ...(stems === undefined ? {} : { stems }),
    ...(batch === undefined ? {} : { batchSize: batch }),
    ...(seed === undefined ? {} : { seed }),
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
    ...(precision === undefined ? {} : { precision }),
    onProgress: (done) => bar.update(done),
    onNotice: (line) => output.notice(line),
  });
  bar.stop();
  const suffix = notes === 'right' ? '' : `-${notes}`;
  const csv = asked ?? join(dir, 'evaluation', `${evaluation.data.name}-${split}${suffix}.csv`);
  await writeEvaluation(evaluation, { csv });
  output.result({ ...evaluation, csv });
  output.say(describeEvaluation(evaluation));
  output.say(`\nEvery image: ${csv}`);
}

/** The evaluation as a table in percent. */
export function describeEvaluation({ data, checkpoint, notes, summary, size }: Evaluation): string {
  const row = (name: string, { dice, iou, precision, recall }: typeof summary.mean): string[] => [
    name,
    ...[dice, iou, precision, recall].map(percent),
  ];
  const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' });
  return [
    `${data.name}, ${data.split}: ${summary.count} images at ${size} x ${size}, ${notes} notes, ${checkpoint.kind} checkpoint (epoch ${checkpoint.epoch})\n`,
    formatTable(
      [{ title: '%' }, right('Dice'), right('IoU'), right('precision'), right('recall')],
      [row('mean over images', summary.mean), row('pooled over all pixels', summary.pooled)],
    ),
  ].join('\n');
}
