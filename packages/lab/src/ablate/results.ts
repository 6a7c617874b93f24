/**
 * Collects a study's results from its run folders: figures per cell over seeds next to the paper's.
 *
 * Dice and IoU are means over images of the test split at threshold 0.5, in percent; over several seeds their
 * mean and sample standard deviation. Differences to the paper's best cell are taken per seed, then averaged:
 * with other data or shorter training only they compare.
 */
import { defined } from '@reclmis/core';
import type { Config } from '../config/config.js';
import { comparesWithPublished } from '../evaluate/resizing.js';
import { latexTable, markdownTable, meanAndDeviation, type Rows } from '@reclmis/data';
import { flatten } from '../runs/runs.js';
import { FROM_SCRATCH, startOf } from '../run/run.js';
import { type CellIntervals, cellIntervals, type CellTest, imageMeans, testAgainst } from './significance.js';
import type { PaperFigures, Study } from './study.js';
import { studyTasks, type TaskChoice, type TaskScore, type TaskState, viewTask } from './tasks.js';

export interface RunResult {
  readonly seed: number;
  readonly state: TaskState;
  readonly dir: string;
  /** Null unless it is done. */
  readonly score: Omit<TaskScore, 'perImage'> | null;
  /** Over all sessions, so far. */
  readonly seconds: number;
  readonly epochs: number;
  /** Where its first weights came from; null while the run is absent. */
  readonly start: string | null;
}

export interface CellResult {
  readonly name: string;
  readonly label: string;
  /** That tell cells apart, by dotted path. */
  readonly values: Readonly<Record<string, unknown>>;
  /** In percent. */
  readonly paper: PaperFigures | null;
  readonly runs: readonly RunResult[];
  /** Null without finished runs. */
  readonly intervals: CellIntervals | null;
  /** Null for the reference itself, and if the cells cannot be paired. */
  readonly test: CellTest | null;
}

/** `results.json`. */
export interface StudyResult {
  readonly format: 'reclmis-ablation/1';
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly remark: string;
  readonly best: string | null;
  /** Absent in results of earlier versions. */
  readonly bestBy?: Study['bestBy'];
  readonly columns: Study['columns'];
  readonly axes: Study['axes'];
  readonly seeds: readonly number[];
  /** Data sets with their test cases, requested epochs, input size in pixels. */
  readonly setting: {
    readonly data: readonly string[];
    readonly epochs: readonly number[];
    readonly size: readonly number[];
  };
  /** Why the paper's figures are not given, a sentence, or null. */
  readonly withoutPaper: string | null;
  readonly cells: readonly CellResult[];
}

/** @param out the study's folder. @throws OUTPUT_EXISTS, RUN_INVALID as `viewTask` does */
export function collectResults(
  study: Study,
  out: string,
  { seeds = study.seeds, place }: Pick<TaskChoice, 'seeds' | 'place'> = {},
): StudyResult {
  const { name, title, source, remark, best, bestBy, columns, axes } = study;
  const tasks = studyTasks(study, out, { seeds, ...defined({ place }) }).map((task) => ({
    task,
    view: viewTask(task),
  }));
  const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
  const scores = tasks.flatMap(({ view: { score } }) => (score ? [score] : []));
  const means = new Map(
    study.cells.map(({ name: cell }) => [
      cell,
      imageMeans(
        tasks.flatMap(({ task, view }) => (task.cell.name === cell && view.score ? [view.score] : [])),
      ),
    ]),
  );
  const others = study.cells.filter(({ name: cell }) => cell !== best).map(({ name: cell }) => cell);
  const reference = best === null ? null : (means.get(best) ?? null);
  const tests = testAgainst(
    reference,
    others.map((cell) => means.get(cell) ?? null),
  );
  const intervalsOf = (cell: string): CellIntervals | null => {
    const own = means.get(cell);
    return own ? cellIntervals(own) : null;
  };
  const withoutPaper = study.cells.some(({ paper }) => paper !== null) ? paperLeftOut(scores) : null;
  return {
    format: 'reclmis-ablation/1',
    name,
    title,
    source,
    remark,
    best,
    bestBy,
    columns,
    axes,
    seeds,
    setting: {
      data: distinct(scores.map(({ data }) => `${data.name} (${data.cases} test cases)`)),
      epochs: distinct(tasks.map(({ task }) => task.config.train.epochs)),
      size: distinct(tasks.map(({ task }) => task.config.model.imageSize)),
    },
    withoutPaper,
    cells: study.cells.map(({ name: cell, label, config, paper }) => ({
      name: cell,
      label,
      values: valuesOf(config, columns),
      paper: withoutPaper === null ? paper : null,
      runs: tasks
        .filter(({ task }) => task.cell.name === cell)
        .map(({ task: { seed, dir }, view: { state, info, score } }) => ({
          seed,
          state,
          dir,
          score: score && withoutImages(score),
          seconds: info?.seconds ?? 0,
          epochs: info?.epochs ?? 0,
          start: info && startOf(info),
        })),
      intervals: intervalsOf(cell),
      test: tests[others.indexOf(cell)] ?? null,
    })),
  };
}

/** Published figures come from images and masks resized as in LViT's loader, or not at all. */
function paperLeftOut(scores: readonly Pick<TaskScore, 'resize'>[]): string | null {
  const others = scores.filter(({ resize }) => !comparesWithPublished(resize));
  if (others.length === 0) return null;
  const unknown = others.every(({ resize }) => resize === undefined);
  const why = unknown
    ? 'an earlier version did not record how images were resized (remove `evaluation/ablation-test.json` of each run to test again)'
    : 'images and masks were resized by another rule than theirs (data.resize)';
  return `The paper’s figures are left out: ${why}.`;
}

function withoutImages({ perImage: _, ...score }: TaskScore): Omit<TaskScore, 'perImage'> {
  return score;
}

/** Finished runs, in percent, by seed. */
export function percentages({ runs }: CellResult, measure: 'dice' | 'iou'): Map<number, number> {
  return new Map(
    runs.flatMap(({ seed, score }) => (score ? [[seed, 100 * score.mean[measure]] as const] : [])),
  );
}

/** Differences in percentage points, for the seeds that both have. */
export function differences(cell: CellResult, to: CellResult): number[] {
  const reference = percentages(to, 'dice');
  return [...percentages(cell, 'dice')].flatMap(([seed, value]) => {
    const base = reference.get(seed);
    return base === undefined ? [] : [value - base];
  });
}

/** A row per cell; the paper's figures and the differences only if the paper gives them. */
export function resultTable(result: StudyResult): {
  readonly columns: readonly string[];
  readonly rows: Rows;
} {
  const { cells, best, columns, seeds } = result;
  const reference = cells.find(({ name }) => name === best) ?? null;
  const withPaper = cells.some(({ paper }) => paper !== null);
  const withIntervals = cells.some(({ intervals }) => intervals !== null);
  const withTests = cells.some(({ test }) => test !== null);
  const withStarts = startsOf(result).some((start) => start !== FROM_SCRATCH);
  const listed = result.axes === null;
  const mark = result.bestBy === 'paper' ? 'best in the paper' : 'reference';
  const rows = cells.map((cell) => [
    ...(listed ? [cell.label + (cell === reference ? ` (${mark})` : '')] : []),
    ...columns.map(
      ({ path }, at) =>
        shown(cell.values[path]) + (!listed && at === 0 && cell === reference ? ` (${mark})` : ''),
    ),
    ...(withStarts ? [startsOf({ cells: [cell] }).join('; ')] : []),
    stateOf(cell, seeds.length),
    meanAndDeviation([...percentages(cell, 'dice').values()]),
    ...(withIntervals ? [range(cell.intervals?.dice)] : []),
    meanAndDeviation([...percentages(cell, 'iou').values()]),
    ...(withIntervals ? [range(cell.intervals?.iou)] : []),
    ...(reference ? [signed(cell === reference ? [] : differences(cell, reference))] : []),
    ...(withTests ? [probability(cell.test?.corrected)] : []),
    ...(withPaper ? [figure(cell.paper?.dice), figure(cell.paper?.miou)] : []),
    ...(withPaper && reference ? [paperDifference(cell, reference)] : []),
  ]);
  return {
    columns: [
      ...(listed ? ['cell'] : []),
      ...columns.map(({ title }) => title),
      ...(withStarts ? ['starting weights'] : []),
      'seeds',
      'Dice',
      ...(withIntervals ? ['95 %'] : []),
      'mIoU',
      ...(withIntervals ? ['95 %'] : []),
      ...(reference ? ['Δ Dice'] : []),
      ...(withTests ? ['p'] : []),
      ...(withPaper ? ['paper: Dice', 'paper: mIoU'] : []),
      ...(withPaper && reference ? ['paper: Δ Dice'] : []),
    ],
    rows,
  };
}

/** The different starts of a study's runs. */
function startsOf({ cells }: Pick<StudyResult, 'cells'>): string[] {
  return [...new Set(cells.flatMap(({ runs }) => runs.flatMap(({ start }) => start ?? [])))];
}

/** A sentence if no run had starting weights; otherwise the table has a column of them. */
export function describeStarts(result: Pick<StudyResult, 'cells'>): string {
  const starts = startsOf(result);
  return starts.length === 1 && starts[0] === FROM_SCRATCH ? 'All runs trained from scratch.' : '';
}

/** One paragraph about the figures. */
export function legend({ best, setting, withoutPaper, cells }: StudyResult): string {
  const reference = cells.find(({ name }) => name === best);
  return [
    setting.data.length > 0
      ? `Test split of ${setting.data.join(', ')}, ${setting.size.map((size) => `${size} x ${size}`).join(', ')}, at most ${setting.epochs.join(', ')} epochs.`
      : 'No run has results yet.',
    describeStarts({ cells }),
    withoutPaper ?? '',
    'Dice and mIoU are means over images in percent; ± is the standard deviation over seeds.',
    cells.some(({ intervals }) => intervals !== null)
      ? '"95 %" is the interval over test images (bootstrap over patients), each image averaged over seeds.'
      : '',
    reference ? `Δ is the difference from "${reference.label}" in percentage points, seed by seed.` : '',
    reference && cells.some(({ test }) => test !== null)
      ? `p is of no difference from "${reference.label}" on the same images (paired bootstrap, two-sided, Holm's correction).`
      : '',
  ]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/** @param plot file name of the picture, if any */
export function resultMarkdown(result: StudyResult, plot: string | null): string {
  const { columns, rows } = resultTable(result);
  return `${[
    `# ${result.title}`,
    `${result.source}.${result.remark === '' ? '' : ` ${result.remark}`}`,
    markdownTable(columns, rows).trimEnd(),
    legend(result),
    ...(plot === null ? [] : [`![${result.title}](${plot})`]),
    'For research only; not for diagnosis.',
  ].join('\n\n')}\n`;
}

/** A float that `\ref{tab:NAME}` finds. */
export function resultLatex(result: StudyResult): string {
  const { columns, rows } = resultTable(result);
  return latexTable(columns, rows, {
    caption: `${result.title}. ${result.source}. ${legend(result)}`,
    label: `tab:${result.name}`,
  });
}

function valuesOf(config: Config, columns: Study['columns']): Record<string, unknown> {
  const all = flatten(config);
  return Object.fromEntries(columns.map(({ path }) => [path, all.get(path)]));
}

function shown(value: unknown): string {
  return value === true ? '✓' : value === false ? '–' : String(value);
}

function stateOf({ runs }: CellResult, of: number): string {
  const done = runs.filter(({ state }) => state === 'done').length;
  const failed = runs.filter(({ state }) => state === 'failed').length;
  return `${done === of ? `${of}` : `${done} of ${of}`}${failed > 0 ? `, ${failed} failed` : ''}`;
}

const range = (interval: CellIntervals['dice'] | undefined): string =>
  interval ? `${interval.low.toFixed(2)}–${interval.high.toFixed(2)}` : '';

const probability = (p: number | undefined): string =>
  p === undefined || Number.isNaN(p) ? '' : p < 0.001 ? '< 0.001' : p.toFixed(3);

const figure = (value: number | undefined): string => value?.toFixed(2) ?? '';

function signed(values: readonly number[]): string {
  if (values.length === 0) return '';
  const text = meanAndDeviation(values);
  return text.startsWith('-') ? `−${text.slice(1)}` : `+${text}`;
}

function paperDifference(cell: CellResult, reference: CellResult): string {
  if (cell === reference || !cell.paper || !reference.paper) return '';
  return signed([cell.paper.dice - reference.paper.dice]);
}
