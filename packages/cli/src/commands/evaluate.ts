/** `reclmis evaluate`: scores of a run on a split, per image and pooled; a report of it; several runs compared on the same cases. */
import {
  defined,
  NOTE_STYLES,
  type NoteStyle,
  parseSpacing,
  RESIZE_RULES,
  type ResizeRule,
  REWORDINGS,
  type Sides,
  type Spacing,
} from '@reclmis/core';
import type { Split } from '@reclmis/data';
import type { CheckpointKind, EvaluatedRun, NoteVariant } from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { warnOfData } from '../data-warning.js';
import { type EngineFlags, engineChoice, withEngineOptions } from '../engine-options.js';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import { type ProbeFlags, probesOf, withProbeOptions } from '../probe-options.js';
import { Progress } from '../progress.js';
import { type SourceFlags, sourceOf, withSourceOptions } from '../source-options.js';
import { type WindowFlags, windowIn, windowOption } from '../window-option.js';
import { describeDifferences, describeEvaluated, describeProbes, resultOf } from '../tables/evaluation.js';

interface EvaluateFlags extends OutputOptions, EngineFlags, ProbeFlags, SourceFlags, WindowFlags {
  readonly sides: Sides | 'auto';
  readonly data?: string;
  readonly split: Split;
  readonly stems?: string;
  readonly notes: NoteVariant;
  readonly noteStyle: NoteStyle;
  readonly checkpoint: CheckpointKind;
  readonly csv?: string;
  readonly report?: string;
  readonly group?: string;
  readonly spacing?: Spacing;
  readonly resize?: ResizeRule;
  readonly batch?: number;
  readonly seed?: number;
  readonly ensemble?: boolean;
  readonly flips?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('evaluate')
    .description('evaluate trained models: scores, a report, comparisons')
    .argument('<run>', 'run folder written by `reclmis train`')
    .argument('[others...]', 'further runs to compare on the same cases')
    .option('--ensemble', 'average the runs instead of comparing them')
    .option('--flips', 'average with the prediction for the mirrored image and note')
    .option('--data <data>', 'data set (default: the one the first run was trained on, read as in training)')
    .addOption(
      new Option('--split <name>', 'split of the data set; for a run of a fold, train and val are the fold’s')
        .choices(['train', 'val', 'test'])
        .default('test'),
    )
    .option('--stems <file>', 'file listing the stems to use, one per line')
    .addOption(
      new Option(
        '--notes <which>',
        'notes to use: each case’s own, none, another case’s, or its own with left and right or upper and lower swapped, or with one area more; or its own in other words, exchanged: paraphrased with left and right swapped',
      )
        .choices([
          'right',
          'empty',
          'shuffled',
          'mirrored',
          'flipped',
          'recounted',
          ...REWORDINGS,
          'exchanged',
        ])
        .default('right'),
    )
    .addOption(
      new Option(
        '--note-style <style>',
        'free: put notes into the model’s words where they are fully understood, as predict does; as-is: give them as they are',
      )
        .choices(NOTE_STYLES)
        .default('as-is'),
    )
    .addOption(
      new Option(
        '--sides <whose>',
        'whose left and right the data’s notes mean; auto: as recorded in the run for its own data, else inferred from the true masks',
      )
        .choices(['auto', 'patient', 'image'])
        .default('auto'),
    )
    .addOption(
      new Option('--checkpoint <which>', 'checkpoint to use').choices(['best', 'last']).default('best'),
    )
    .option(
      '--report <dir>',
      'write report.html, report.json, figures and a CSV with every image into this folder',
    )
    .option(
      '--csv <file>',
      'CSV file for the scores of every image (default: in RUN/evaluation, named after the data, the split and all that differs from the defaults)',
    )
    .option(
      '--group <regex>',
      'regular expression on file names whose capture group is the patient (default: the run’s, else names as in QaTa-COV19, BIDS and TCGA)',
    )
    .option(
      '--spacing <mm>',
      'pixel size in mm, 0.143 or 0.143x0.2 (width x height), for images without a Spacing in the notes: also gives distances in mm',
      (text) => parseSpacing(text, '--spacing'),
    )
    .addOption(
      new Option(
        '--resize <rule>',
        'how images and masks of other sizes are resized (default: as in training)',
      ).choices(RESIZE_RULES),
    )
    .addOption(windowOption('as in training'))
    .option('--batch <n>', 'batch size', numberOf('--batch', { min: 1 }))
    .option(
      '--seed <n>',
      'random seed of --notes shuffled and of other words (default: the run’s)',
      numberOf('--seed', { min: 0 }),
    );
  withSourceOptions(command);
  withEngineOptions(command);
  withProbeOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis evaluate runs/qata --data data/QaTa-COV19\n' +
        '  $ reclmis evaluate runs/qata --notes shuffled    # how much the notes matter\n' +
        '  $ reclmis evaluate runs/qata --probes --report report    # does the model follow its notes?\n' +
        '  $ reclmis evaluate runs/qata --rewordings --note-style free    # the same finding in other words\n' +
        '  $ reclmis evaluate runs/qata --report report     # everything in one page: report/report.html\n' +
        '  $ reclmis evaluate runs/a runs/b runs/c --data data/QaTa-COV19 --report report\n' +
        '  $ reclmis evaluate runs/a runs/b runs/c --ensemble --flips\n',
    )
    .action(run);
}

async function run(first: string, others: readonly string[], flags: EvaluateFlags): Promise<void> {
  const { describeResizing, evaluateRuns, figureText, names, splitText } = await import('@reclmis/lab');
  const output = new Output(flags);
  const { data: dataDir, split, sides, spacing, batch: batchSize } = flags;
  const { stems, notes, noteStyle, checkpoint, csv, report, group, seed, ensemble, flips, resize } = flags;
  const probes = await probesOf(flags);
  const said = new Set<string>();
  const several = others.length > 0 && ensemble !== true;
  let bar: Progress | null = null;
  const begin = (label: string, total: number): Progress => {
    bar?.stop();
    return new Progress({ label, total, quiet: output.quiet });
  };
  let probing: Progress | null = null;
  let shown = 0;
  const tell = (done: EvaluatedRun): void => {
    const { evaluation, warnings } = done.report;
    bar?.stop();
    probing?.stop();
    for (const line of warnings) if (!said.has(line)) output.notice(`${done.dir}: ${line}`);
    said.clear();
    const title = several ? `${shown++ > 0 ? '\n' : ''}${done.dir}\n` : '';
    const resized = describeResizing(evaluation.resize, evaluation.summary.count);
    output.say(`${title}${describeEvaluated(done, splitText(evaluation.data), resized, figureText)}`);
  };
  const { runs, differences, probed, files } = await evaluateRuns([first, ...others], {
    ...{ split, notes, noteStyle, checkpoint },
    ...engineChoice(flags),
    ...sourceOf(flags),
    ...windowIn(flags),
    ...defined({ dataDir, stems, group, spacing, batchSize, seed, csv, report, ensemble, flips, resize }),
    ...(sides === 'auto' ? {} : { sides }),
    ...(probes === null ? {} : { probes }),
    onData: (dataset, dir) => warnOfData(dir, () => Promise.resolve({ [split]: dataset }), output, group),
    onRun: (dir, cases) => {
      bar = begin(several ? `evaluating ${dir}` : 'evaluating', cases);
    },
    onProgress: (done) => bar?.update(done),
    onProbing: (done, cases) => {
      probing ??= begin('probing notes', cases);
      probing.update(done);
    },
    onNotice: (line) => {
      said.add(line);
      output.notice(line);
    },
    onEvaluated: tell,
  });
  if (probed !== null) output.say(await describeProbes(probed.probes));
  if (several) output.say(`\n${describeDifferences(names(runs), differences)}`);
  if (files !== null) output.say(`\nReport: ${files.html}`);

  const results = runs.map(resultOf);
  const page = files === null ? {} : { report: files };
  const data = probed === null ? {} : { probes: probed.probes };
  output.result(several ? { runs: results, differences, ...page } : { ...results[0], ...data, ...page });
}
