/**
 * `reclmis evaluate`: scores a run on a split, per image and pooled; makes a report; compares runs on the
 * same cases.
 */
import { dirname, join, resolve } from 'node:path';
import {
  defined,
  parseSpacing,
  ReclmisError,
  type Sides,
  type Spacing,
  type StatedSides,
} from '@reclmis/core';
import type {
  CheckpointKind,
  CollectOptions,
  Dataset,
  Difference,
  Evaluation,
  NoteVariant,
  RunReport,
  Split,
} from '@reclmis/lab';
import { type Command, Option } from 'commander';
import { warnOfData } from '../data-warning.js';
import { type EngineFlags, engineChoice, withEngineOptions } from '../engine-options.js';
import { withFolderLock } from '@reclmis/files';
import { numberOf, Output, type OutputOptions, withOutputOptions } from '../output.js';
import {
  describeProbes,
  type ProbeFlags,
  type ProbeResult,
  runProbes,
  withProbeOptions,
} from '../probing.js';
import { Progress } from '../progress.js';
import { formatTable, percent, right } from '../table.js';

interface EvaluateFlags extends OutputOptions, EngineFlags, ProbeFlags {
  readonly sides: Sides | 'auto';
  readonly data?: string;
  readonly split: Split;
  readonly stems?: string;
  readonly notes: NoteVariant;
  readonly checkpoint: CheckpointKind;
  readonly csv?: string;
  readonly report?: string;
  readonly group?: string;
  readonly spacing?: Spacing;
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
    .option('--data <dir>', 'data set (default: the one the first run was trained on)')
    .addOption(
      new Option('--split <name>', 'split of the data set; for a run of a fold, train and val are the fold’s')
        .choices(['train', 'val', 'test'])
        .default('test'),
    )
    .option('--stems <file>', 'file listing the stems to use, one per line')
    .addOption(
      new Option(
        '--notes <which>',
        'notes to use: each case’s own, none, another case’s, or its own with left and right or upper and lower swapped, or with one area more',
      )
        .choices(['right', 'empty', 'shuffled', 'mirrored', 'flipped', 'recounted'])
        .default('right'),
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
      'CSV file for the scores of every image (default: RUN/evaluation/DATA-SPLIT[-NOTES][-last].csv)',
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
    .option('--batch <n>', 'batch size', numberOf('--batch', { min: 1 }))
    .option(
      '--seed <n>',
      'random seed of --notes shuffled (default: the run’s)',
      numberOf('--seed', { min: 0 }),
    );
  withEngineOptions(command);
  withProbeOptions(command);
  withOutputOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ reclmis evaluate runs/qata --data data/QaTa-COV19\n' +
        '  $ reclmis evaluate runs/qata --notes shuffled    # how much the notes matter\n' +
        '  $ reclmis evaluate runs/qata --probes --report report    # does the model follow its notes?\n' +
        '  $ reclmis evaluate runs/qata --report report     # everything in one page: report/report.html\n' +
        '  $ reclmis evaluate runs/a runs/b runs/c --data data/QaTa-COV19 --report report\n' +
        '  $ reclmis evaluate runs/a runs/b runs/c --ensemble --flips\n',
    )
    .action(run);
}

async function run(first: string, others: readonly string[], flags: EvaluateFlags): Promise<void> {
  const {
    compareEvaluations,
    names,
    openEvaluated,
    openRun,
    splitText,
    writeEvaluation,
    writeEvaluationReport,
  } = await import('@reclmis/lab');
  const output = new Output(flags);
  const dirs = flags.ensemble ? [first] : [first, ...others];
  refuseTwins([first, ...others], flags);
  const dataDir = flags.data ?? openRun(first).config.data.dir;
  const { split, stems } = flags;
  // Finds wrong names and runs without common cases before hours of work.
  const open = (dir: string): Promise<Dataset> =>
    openEvaluated(openRun(dir), { dataDir, split, ...defined({ stems }) });
  const dataset = await open(first);
  for (const other of others) {
    const theirs = await open(other);
    if (theirs.fingerprint === dataset.fingerprint) continue;
    throw new ReclmisError(
      'OPTION_INVALID',
      `${other}: its ${splitText(theirs)} has other cases than ${first}’s ${splitText(dataset)}`,
      { remedy: 'Evaluate runs of different folds separately, or all on the test cases (--split test).' },
    );
  }
  await warnOfData(dataDir, () => Promise.resolve({ [split]: dataset }), output, flags.group);
  const { cases } = dataset;
  const { requireWritable } = await import('@reclmis/files');
  const places = [flags.report, flags.csv === undefined ? undefined : dirname(flags.csv)];
  for (const place of places) if (place !== undefined) await requireWritable(place);

  const reports: RunReport[] = [];
  const tables: string[] = [];
  const probed: ProbeResult[] = [];
  for (const dir of dirs) {
    const said = new Set<string>();
    const bar = new Progress({
      label: dirs.length === 1 ? 'evaluating' : `evaluating ${dir}`,
      total: cases.length,
      quiet: output.quiet,
    });
    const report = await evaluateOne(dir, dataDir, flags, {
      ...(flags.ensemble ? { ensemble: others } : {}),
      ...(flags.flips ? { flips: true } : {}),
      onProgress: (done) => bar.update(done),
      onNotice: (line) => {
        said.add(line);
        output.notice(line);
      },
      ...(flags.probes === true
        ? {
            afterwards: async (at) => {
              bar.stop();
              probed.push(await runProbes(at, flags, readAs(at.evaluation), output));
            },
          }
        : {}),
    });
    bar.stop();
    const { evaluation } = report;
    const suffix = [
      flags.notes === 'right' ? '' : `-${flags.notes}`,
      flags.ensemble ? '-ensemble' : '',
      flags.flips ? '-flips' : '',
      flags.checkpoint === 'best' ? '' : `-${flags.checkpoint}`,
    ].join('');
    const csv = flags.csv ?? join(dir, 'evaluation', `${evaluation.data.name}-${flags.split}${suffix}.csv`);
    await writeEvaluation(evaluation, { csv });
    for (const line of report.warnings) if (!said.has(line)) output.notice(`${dir}: ${line}`);
    output.say(
      `${reports.length > 0 ? '\n' : ''}${dirs.length > 1 ? `${dir}\n` : ''}${describeEvaluation(evaluation, splitText(evaluation.data))}`,
    );
    output.say(`\nEvery image: ${csv}`);
    reports.push(report);
    tables.push(csv);
  }
  for (const { probes } of probed) output.say(await describeProbes(probes));
  const data = Object.fromEntries(probed.map(({ probes }) => ['probes', probes]));
  const differences = compareEvaluations(reports.map(({ evaluation }) => evaluation));
  if (dirs.length > 1)
    output.say(`\n${describeDifferences(names(dirs.map((dir) => ({ dir }))), differences)}`);
  const files =
    flags.report === undefined
      ? null
      : await withFolderLock(flags.report, {}, () =>
          writeEvaluationReport(flags.report!, {
            runs: reports,
            differences,
            sections: probed.map(({ section }) => section),
            data,
          }),
        );
  if (files !== null) output.say(`\nReport: ${files.html}`);

  const results = reports.map(({ evaluation, figures, overlap, warnings }, i) => ({
    ...evaluation,
    csv: tables[i],
    figures,
    overlap,
    warnings,
  }));
  const page = files === null ? {} : { report: files };
  output.result(
    dirs.length === 1 ? { ...results[0], ...data, ...page } : { runs: results, differences, ...page },
  );
}

/** Whose left and right the notes meant to the run. */
function readAs({ sides: { notes, learnt } }: Evaluation): StatedSides {
  return learnt === 'unknown' ? notes : learnt;
}

/** Draws cases only for a report. */
async function evaluateOne(
  dir: string,
  dataDir: string,
  flags: EvaluateFlags,
  hooks: Pick<CollectOptions, 'onProgress' | 'onNotice' | 'afterwards' | 'ensemble' | 'flips'>,
): Promise<RunReport> {
  const { collectReport } = await import('@reclmis/lab');
  const { split, stems, notes, sides, checkpoint, group, spacing, batch, seed } = flags;
  return collectReport(dir, {
    ...{ dataDir, split, notes, checkpoint, ...hooks, ...engineChoice(flags) },
    ...(flags.report === undefined ? { examples: 0 } : {}),
    ...defined({ stems }),
    ...(sides === 'auto' ? {} : { sides }),
    ...defined({ group, spacing, batchSize: batch, seed }),
  });
}

/** @throws OPTION_INVALID for options that need a single run */
function refuseTwins(
  dirs: readonly string[],
  { csv, probes, notes, ensemble = false, flips = false }: EvaluateFlags,
): void {
  if (probes === true && (dirs.length > 1 || notes !== 'right' || flips))
    throw new ReclmisError(
      'OPTION_INVALID',
      '--probes: expected one run without --flips and with its cases’ own notes',
      {
        remedy: 'Omit --notes and --flips, and probe each run separately.',
      },
    );
  const twice = dirs.find((dir, i) => dirs.findIndex((other) => resolve(other) === resolve(dir)) !== i);
  if (twice !== undefined)
    throw new ReclmisError(
      'OPTION_INVALID',
      `${twice}: expected different runs, but this one is listed twice`,
    );
  if (csv !== undefined && dirs.length > 1 && !ensemble)
    throw new ReclmisError('OPTION_INVALID', `--csv: expected one run, got ${dirs.length}`, {
      remedy: 'Omit --csv: each run then gets its own file.',
    });
}

/** A table in percent; `where`: the part of the data set. */
function describeEvaluation(
  { data, checkpoint, notes, summary, size, ensemble }: Evaluation,
  where: string,
): string {
  const averaged = ensemble
    ? `; mean of ${ensemble.members.length + 1} model${ensemble.members.length === 0 ? '' : 's'}${ensemble.flips ? ' with flips' : ''}`
    : '';
  const row = (name: string, { dice, iou, precision, recall }: typeof summary.mean): string[] => [
    name,
    ...[dice, iou, precision, recall].map(percent),
  ];
  return [
    `${data.name}, ${where}: ${summary.count} images at ${size} x ${size}, ${notes} notes, ${checkpoint.kind} checkpoint (epoch ${checkpoint.epoch})${averaged}\n`,
    formatTable(
      [{ title: '%' }, right('Dice'), right('IoU'), right('precision'), right('recall')],
      [row('mean over images', summary.mean), row('pooled over all pixels', summary.pooled)],
    ),
  ].join('\n');
}

/** In percentage points, with intervals and p-values. */
function describeDifferences(runs: readonly string[], differences: readonly Difference[]): string {
  const points = (value: number | null): string => (value === null ? '–' : percent(value));
  const p = (value: number | null): string => (value === null ? '–' : value.toFixed(4));
  const shown = differences.filter(({ label }) => label === 'Dice' || label === 'IoU');
  return [
    'Differences in percentage points, with 95 % intervals and two-sided p (paired bootstrap over patients' +
      `${runs.length > 2 ? ', corrected after Holm' : ''})\n`,
    formatTable(
      [{ title: 'runs' }, { title: 'figure' }, right('difference'), right('from'), right('to'), right('p')],
      shown.map(({ first, second, label, form, value, low, high, corrected }) => [
        `${runs[second]} less ${runs[first]}`,
        `${label}, ${form}`,
        ...[value, low, high].map(points),
        p(corrected),
      ]),
    ),
  ].join('\n');
}
