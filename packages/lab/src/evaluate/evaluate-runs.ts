/**
 * Evaluates a run, several on the same cases, or their mean: scores as CSV, comparisons, probes, a report.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { defined, ReclmisError, type ResizeRule } from '@reclmis/core';
import { readRegular, requireWritable, withFolderLock, writeFileAtomic } from '@reclmis/files';
import { readAs, type Dataset } from '@reclmis/data';
import { openRun } from '../run/run.js';
import { classesToCsv } from './by-class.js';
import { type CollectOptions, collectReport, type RunReport } from './collect.js';
import { compareEvaluations, type Difference } from './compare.js';
import { scoresToCsv, writeEvaluation } from './evaluate.js';
import { type EvaluatedData, openEvaluated, splitText } from './open.js';
import { outcomeFile } from './outcome-file.js';
import { probeEvaluated, type ProbedRun } from './probes/probe-evaluated.js';
import type { ProbeOptions } from './probes/probes.js';
import { type EvaluationReport, type ReportFiles, writeEvaluationReport } from './report.js';
import { drawSideBySide, KeptMasks, type ShownRun } from './side-by-side.js';

export interface EvaluateRunsOptions extends Omit<
  CollectOptions,
  'ensemble' | 'examples' | 'afterwards' | 'signal'
> {
  /** Average the runs instead of comparing. Default false. */
  readonly ensemble?: boolean;
  /** Only for one run; called when its scores exist. */
  readonly probes?: () => Pick<ProbeOptions, 'kinds' | 'lungs' | 'lines' | 'signal'>;
  /** Scores of every image; default by `outcomeFile`. */
  readonly csv?: string;
  /** Default none. */
  readonly report?: string;
  /** Called before the first run is loaded. */
  readonly onData?: (dataset: Dataset, dataDir: string) => Promise<void>;
  readonly onRun?: (dir: string, cases: number) => void;
  /** Progress through the cases. */
  readonly onProbing?: (done: number, cases: number) => void;
  readonly onEvaluated?: (run: EvaluatedRun) => void;
}

export interface EvaluatedRun {
  readonly dir: string;
  readonly report: RunReport;
  /** With its scores. */
  readonly csv: string;
  /** With those of its classes; null without any. */
  readonly classesCsv: string | null;
}

export interface EvaluatedRuns {
  /** One entry for an ensemble. */
  readonly runs: readonly EvaluatedRun[];
  readonly differences: readonly Difference[];
  /** Null unless asked for. */
  readonly probed: ProbedRun | null;
  /** Null unless asked for. */
  readonly files: ReportFiles | null;
}

/**
 * Evaluates the runs and writes their scores.
 * @throws OPTION_INVALID for options that do not fit several runs, and for other cases; OUTPUT_UNWRITABLE
 * before anything is computed; as `evaluateRun`
 */
export async function evaluateRuns(
  dirs: readonly [string, ...string[]],
  options: EvaluateRunsOptions = {},
): Promise<EvaluatedRuns> {
  refuseUnclear(dirs, options);
  const [first, ...others] = dirs;
  const dataDir = options.dataDir ?? openRun(first).config.data.dir;
  // Finds a wrong name, and different cases, before the first run's hours.
  const dataset = await openShared(dirs, { ...options, dataDir });
  requireOneRule(dirs, options.resize);
  await options.onData?.(dataset, dataDir);
  for (const place of [options.report, options.csv && dirname(options.csv)])
    if (place !== undefined) await requireWritable(place);

  const several = dirs.length > 1 && !options.ensemble;
  const shown: ShownRun[] = [];
  const runs: EvaluatedRun[] = [];
  const probed: ProbedRun[] = [];
  for (const dir of options.ensemble ? [first] : dirs) {
    options.onRun?.(dir, dataset.cases.length);
    const { ensemble: _, csv: asked, probes, ...own } = options;
    const collected: CollectOptions = {
      ...own,
      dataDir,
      ...(options.ensemble ? { ensemble: others } : {}),
      ...(options.report === undefined ? { examples: 0 } : {}), // only a report shows them
    };
    const masks = new KeptMasks();
    const report = await collectReport(dir, {
      ...collected,
      onCase: (one) => {
        if (several && options.report !== undefined) masks.add(one);
        options.onCase?.(one);
      },
      afterwards: async (at) => {
        const { title, unread } = at.model.model;
        shown.push({ rows: at.evaluation.rows, masks, title, unread });
        if (probes === undefined) return;
        probed.push(
          await probeEvaluated(at, {
            ...probes(),
            ...defined({ seed: options.seed }),
            onProgress: (done) => options.onProbing?.(done, dataset.cases.length),
          }),
        );
      },
    });
    const csv = asked ?? outcomeFile(openRun(dir), dataset, collected);
    await writeScores(csv, report, options.onNotice);
    const run = { dir, report, csv, classesCsv: report.classes.length > 0 ? classesFile(csv) : null };
    options.onEvaluated?.(run);
    runs.push(run);
  }
  const reports = runs.map(({ report }) => report);
  const differences = compareEvaluations(reports.map(({ evaluation }) => evaluation));
  const files =
    options.report === undefined
      ? null
      : await writeReport(
          options.report,
          {
            ...{ runs: reports, differences },
            ...(several ? { sideBySide: await drawSideBySide(shown, dataset.cases) } : {}),
            sections: probed.map(({ section }) => section),
            data: Object.fromEntries(probed.map(({ probes }) => ['probes', probes])),
          },
          options.onNotice,
        );
  return { runs, differences, probed: probed[0] ?? null, files };
}

/** Other rules give other true masks, which do not compare. @throws OPTION_INVALID */
function requireOneRule(dirs: readonly [string, ...string[]], asked: ResizeRule | undefined): void {
  const ruleOf = (dir: string): ResizeRule => asked ?? openRun(dir).config.data.resize;
  const [first] = dirs;
  const other = dirs.find((dir) => ruleOf(dir) !== ruleOf(first));
  if (other === undefined) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `${other}: resizes images and masks by the rule ${ruleOf(other)}, ${first} by ${ruleOf(first)}`,
    { remedy: 'Evaluate them separately, or all under one rule (--resize area or --resize upstream).' },
  );
}

/** The first run's cases, which all others must have. */
async function openShared(
  [first, ...others]: readonly [string, ...string[]],
  { dataDir, split = 'test', stems, ...options }: EvaluatedData & { readonly dataDir: string },
): Promise<Dataset> {
  const open = (dir: string): Promise<Dataset> =>
    openEvaluated(openRun(dir), { dataDir, split, ...readAs(options), ...defined({ stems }) });
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
  return dataset;
}

/** Next to the scores of every image. */
export const classesFile = (csv: string): string => `${csv.replace(/\.csv$/iu, '')}-classes.csv`;

/** Says so if it replaces others. */
async function writeScores(
  csv: string,
  { evaluation, classes }: RunReport,
  onNotice: EvaluateRunsOptions['onNotice'],
): Promise<void> {
  const earlier = existsSync(csv) ? (await readRegular(csv)).toString('utf8') : null;
  await writeEvaluation(evaluation, { csv });
  if (classes.length > 0) await writeFileAtomic(classesFile(csv), classesToCsv(classes));
  if (earlier !== null && earlier !== scoresToCsv(evaluation.rows))
    onNotice?.(`${csv}: replaced the scores of an earlier evaluation, which were others`);
}

function writeReport(
  dir: string,
  report: EvaluationReport,
  onNotice: EvaluateRunsOptions['onNotice'],
): Promise<ReportFiles> {
  return withFolderLock(dir, {}, () => {
    if (existsSync(join(dir, 'report.json'))) onNotice?.(`${dir}: replaces an earlier report`);
    return writeEvaluationReport(dir, report);
  });
}

/** @throws OPTION_INVALID for options that do not fit several runs */
function refuseUnclear(
  dirs: readonly string[],
  { csv, probes, notes = 'right', ensemble = false, flips = false }: EvaluateRunsOptions,
): void {
  if (probes && (dirs.length > 1 || notes !== 'right' || flips))
    throw new ReclmisError(
      'OPTION_INVALID',
      '--probes and --rewordings: expected one run without --flips and with its cases’ own notes',
      { remedy: 'Omit --notes and --flips, and probe each run separately.' },
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
