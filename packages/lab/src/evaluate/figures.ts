/** Draws a report's figures as SVG. */
import { COLOURS, type Rgb } from '@reclmis/core';
import { type Chart, css, type Series, svgChart, ticks, tickLabel } from '../plots/chart.js';
import { FAINT, INK, svgText, textWidth } from '../plots/text.js';
import type { Difference } from './compare.js';
import type { Figure } from './summary.js';
import type { RunReport } from './collect.js';

export interface NamedRun {
  readonly name: string;
  readonly report: RunReport;
}

const PALETTE: readonly Rgb[] = [
  COLOURS.blue,
  COLOURS.vermilion,
  COLOURS.green,
  COLOURS.purple,
  COLOURS.orange,
  COLOURS.skyBlue,
];
const HEIGHT = 340;
const PAD = 16;
const BINS = 20;

/** Dashes tell apart more runs than colours. */
function lineOf(run: number): Pick<Series, 'colour' | 'dashed'> {
  return { colour: PALETTE[run % PALETTE.length] ?? COLOURS.blue, dashed: run >= PALETTE.length };
}

/** Histograms of Dice and HD95. */
export function distributionSvg(runs: readonly NamedRun[]): string {
  let farthest = 0;
  for (const { report } of runs)
    for (const { hd95 } of report.evaluation.rows) farthest = Math.max(farthest, hd95 ?? 0);
  const charts: Chart[] = [
    histogram('Images by Dice', 'Dice', 1, runs, (row) => row.dice),
    histogram('Images by HD95', 'HD95, pixels', farthest || 1, runs, (row) => row.hd95),
  ];
  return sheet(charts, 860);
}

function histogram(
  title: string,
  xLabel: string,
  to: number,
  runs: readonly NamedRun[],
  value: (row: RunReport['evaluation']['rows'][number]) => number | null,
): Chart {
  const series = runs.map(({ name, report }, run): Series => {
    const counts = new Array<number>(BINS).fill(0);
    for (const row of report.evaluation.rows) {
      const x = value(row);
      if (x === null) continue;
      const bin = Math.min(BINS - 1, Math.floor((x / to) * BINS));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    const edge = (i: number): number => (i / BINS) * to;
    const steps = counts.flatMap((n, i): [number, number][] => [
      [edge(i), n],
      [edge(i + 1), n],
    ]);
    return { label: name, ...lineOf(run), dots: false, points: [[0, 0], ...steps, [to, 0]] };
  });
  return { title, xLabel, xTicks: 'any', xMin: 0, xMax: to, yMin: 0, series };
}

export function thresholdSvg(runs: readonly NamedRun[]): string {
  const chart = (
    title: string,
    measures: readonly (readonly [label: string, form: 'mean' | 'pooled', key: 'dice' | 'iou'])[],
  ): Chart => ({
    title,
    xLabel: 'threshold',
    xTicks: 'any',
    xMin: 0,
    xMax: 1,
    yMin: 0,
    yMax: 1,
    series: runs.flatMap(({ name, report }, run) =>
      measures.map(([label, form, key], i) => ({
        label: runs.length === 1 ? label : measures.length === 1 ? name : `${name}, ${label}`,
        ...lineOf(runs.length === 1 ? i : run),
        points: report.evaluation.probabilities.curve.map(
          (point) => [point.threshold, point[form][key]] as const,
        ),
      })),
    ),
    mark: { x: 0.5, label: 'scored at 0.5' },
  });
  const one = runs.length === 1;
  return sheet(
    one
      ? [
          chart('Mean over images', [
            ['Dice', 'mean', 'dice'],
            ['IoU', 'mean', 'iou'],
          ]),
          chart('Pooled over all pixels', [
            ['Dice', 'pooled', 'dice'],
            ['IoU', 'pooled', 'iou'],
          ]),
        ]
      : [
          chart('Dice, mean over images', [['Dice', 'mean', 'dice']]),
          chart('Dice, pooled over all pixels', [['Dice', 'pooled', 'dice']]),
        ],
    860,
  );
}

/** Share of true foreground by predicted probability. */
export function calibrationSvg(runs: readonly NamedRun[]): string {
  const lines = runs.map(({ name, report }, run): Series => ({
    label: name,
    ...lineOf(run),
    points: report.evaluation.probabilities.calibration.bins.flatMap(({ confidence, frequency }) =>
      confidence === null || frequency === null ? [] : [[confidence, frequency] as const],
    ),
  }));
  const chart: Chart = {
    title: 'Share of pixels that are foreground',
    xLabel: 'predicted probability',
    xTicks: 'any',
    xMin: 0,
    xMax: 1,
    yMin: 0,
    yMax: 1,
    series: [...lines, CALIBRATED],
  };
  return sheet([chart], 430);
}

const CALIBRATED: Series = {
  label: 'calibrated',
  colour: [150, 156, 166],
  dashed: true,
  dots: false,
  points: [
    [0, 0],
    [1, 1],
  ],
};

/** Mean Dice of the kept cases by their share, and predicted against true Dice. Null if no run predicts. */
export function confidenceSvg(runs: readonly NamedRun[]): string | null {
  const judged = runs.flatMap(({ name, report }, run) =>
    report.confidence === null ? [] : [{ name, line: lineOf(run), ...report.confidence }],
  );
  if (judged.length === 0) return null;
  const alone = judged.length === 1;
  const curve: Chart = {
    title: 'Mean Dice of the kept images',
    xLabel: 'share of the images that is kept, most confident first',
    xTicks: 'any',
    xMin: 0,
    xMax: 1,
    yMax: 1,
    series: judged.flatMap(({ name, line, coverage, dice }): Series[] => [
      {
        label: alone ? 'by predicted Dice' : name,
        ...line,
        points: coverage.map((point) => [point.coverage, point.dice.value ?? Number.NaN] as const),
        bars: coverage.flatMap(({ coverage: x, dice: { low, high } }) =>
          low === null || high === null ? [] : [[x, low, high] as const],
        ),
      },
      ...(alone
        ? [
            {
              label: 'by true Dice (the limit)',
              colour: COLOURS.green,
              dots: false,
              points: coverage.map((point) => [point.coverage, point.best ?? Number.NaN] as const),
            },
            {
              label: 'at random',
              colour: CALIBRATED.colour,
              dashed: true,
              dots: false,
              points: [0, 1].map((x) => [x, dice ?? Number.NaN] as const),
            },
          ]
        : []),
    ]),
  };
  const agreement: Chart = {
    title: 'Predicted and true Dice',
    xLabel: 'predicted Dice, mean of a tenth of the scale',
    xTicks: 'any',
    xMin: 0,
    xMax: 1,
    yMin: 0,
    yMax: 1,
    series: [
      ...judged.map(({ name, line, bins }): Series => ({
        label: alone ? 'true Dice' : name,
        ...line,
        points: bins.flatMap(({ predicted, dice }) =>
          predicted === null || dice === null ? [] : [[predicted, dice] as const],
        ),
      })),
      CALIBRATED,
    ],
  };
  return sheet([curve, agreement], 860);
}

interface ForestRow {
  readonly label: string;
  /** One per run; null if undefined. */
  readonly intervals: readonly ({
    readonly value: number;
    readonly low: number;
    readonly high: number;
  } | null)[];
}

/** Mean Dice by parts, in percent. */
export function strataSvg(runs: readonly NamedRun[]): string {
  const [first] = runs;
  const rows = (first?.report.strata ?? []).map(({ kind, name, images }, i): ForestRow => ({
    label: `${kind}: ${name} (${images})`,
    intervals: runs.map(({ report }) => diceOf(report.strata[i]?.figures)),
  }));
  return diceForest('Dice, mean over images, with 95 % intervals', rows, runs);
}

/** Mean Dice by class, in percent. */
export function classesSvg(runs: readonly NamedRun[]): string {
  const all = runs.flatMap(({ report }) => report.classes);
  const names = [...new Set(all.map(({ name }) => name))];
  const rows = names.map((name): ForestRow => ({
    label: `${name} (${all.find((one) => one.name === name)?.rows ?? 0})`,
    intervals: runs.map(({ report }) => diceOf(report.classes.find((one) => one.name === name)?.figures)),
  }));
  return diceForest('Dice by class, mean over rows, with 95 % intervals', rows, runs);
}

function diceForest(title: string, rows: readonly ForestRow[], runs: readonly NamedRun[]): string {
  return forest(title, 'Dice, %', rows, runs.length > 1 ? runs.map(({ name }) => name) : []);
}

/** Percentage points. */
export function differencesSvg(names: readonly string[], differences: readonly Difference[]): string {
  const rows = differences
    .filter(({ unit }) => unit === '%')
    .map((difference): ForestRow => ({
      label: `${difference.label}, ${difference.form}: ${names[difference.second]} less ${names[difference.first]}`,
      intervals: [intervalOf(difference, 100)],
    }));
  return forest('Differences with 95 % intervals', 'percentage points', rows, [], 0);
}

function diceOf(figures: readonly Figure[] | undefined): ForestRow['intervals'][number] {
  return intervalOf(
    figures?.find(({ key }) => key === 'dice'),
    100,
  );
}

function intervalOf(
  figure:
    { readonly value: number | null; readonly low: number | null; readonly high: number | null } | undefined,
  times: number,
): ForestRow['intervals'][number] {
  if (figure === undefined || figure.value === null || figure.low === null || figure.high === null)
    return null;
  return { value: times * figure.value, low: times * figure.low, high: times * figure.high };
}

/** Points with whiskers, a line at `zero`. */
function forest(
  title: string,
  xLabel: string,
  rows: readonly ForestRow[],
  legend: readonly string[],
  zero?: number,
): string {
  const labels = Math.max(120, ...rows.map(({ label }) => textWidth(label, 12))) + 2 * PAD;
  const width = labels + 460;
  const lines = Math.max(1, ...rows.map(({ intervals }) => intervals.length));
  const each = 14 + 8 * lines;
  const top = legend.length === 0 ? 44 : 64;
  const bottom = top + each * rows.length;
  const all = rows.flatMap(({ intervals }) =>
    intervals.flatMap((one) => (one === null ? [] : [one.low, one.high])),
  );
  if (zero !== undefined) all.push(zero);
  const [least, most] = [Math.min(...all, Infinity), Math.max(...all, -Infinity)];
  const room = least < most ? 0.04 * (most - least) : 1;
  const [x0, x1] = least > most ? [0, 1] : [least - room, most + room];
  const toX = (x: number): number => labels + ((x - x0) / (x1 - x0)) * (width - PAD - labels);
  const parts = [svgText(title, PAD, 24, { size: 16, weight: 600 })];
  let at = PAD;
  legend.forEach((name, run) => {
    parts.push(
      `<circle cx="${at + 5}" cy="46" r="4" fill="${css(lineOf(run).colour)}"/>`,
      svgText(name, at + 16, 50, { size: 12 }),
    );
    at += 36 + textWidth(name, 12);
  });
  for (const tick of ticks(x0, x1, 6)) {
    const x = toX(tick).toFixed(1);
    parts.push(`<path d="M${x} ${top}V${bottom}" stroke="#e5e7eb"/>`);
    parts.push(
      svgText(tickLabel(tick), toX(tick), bottom + 18, { size: 12, anchor: 'middle', colour: FAINT }),
    );
  }
  if (zero !== undefined) parts.push(`<path d="M${toX(zero).toFixed(1)} ${top}V${bottom}" stroke="${INK}"/>`);
  rows.forEach(({ label, intervals }, i) => {
    const y = top + each * i;
    parts.push(svgText(label, labels - PAD, y + each / 2 + 4, { size: 12, anchor: 'end' }));
    intervals.forEach((one, run) => {
      if (one === null) return;
      const middle = (y + each / 2 + 8 * (run - (intervals.length - 1) / 2)).toFixed(1);
      const colour = css(lineOf(run).colour);
      parts.push(
        `<path d="M${toX(one.low).toFixed(1)} ${middle}H${toX(one.high).toFixed(1)}" stroke="${colour}" stroke-width="2"/>`,
      );
      parts.push(`<circle cx="${toX(one.value).toFixed(1)}" cy="${middle}" r="4" fill="${colour}"/>`);
    });
  });
  parts.push(`<path d="M${labels} ${bottom}H${width - PAD}" stroke="${INK}"/>`);
  parts.push(
    svgText(xLabel, (labels + width - PAD) / 2, bottom + 38, { size: 12, anchor: 'middle', colour: FAINT }),
  );
  return framed(parts.join(''), Math.ceil(width), bottom + 50);
}

function sheet(charts: readonly Chart[], width: number): string {
  const each = (width - PAD * (charts.length + 1)) / charts.length;
  const drawn = charts.map((chart, i) =>
    svgChart(chart, { x: PAD + i * (each + PAD), y: 8, width: each, height: HEIGHT - 16 }),
  );
  return framed(drawn.join(''), width, HEIGHT);
}

function framed(inner: string, width: number, height: number): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">` +
    `<rect width="100%" height="100%" fill="white"/>${inner}</svg>`
  );
}
