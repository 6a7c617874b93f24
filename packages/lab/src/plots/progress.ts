/**
 * `progress.png`: losses, validation Dice and IoU, learning rate and time, per epoch. Dice and IoU are means
 * over images and, dashed, pooled over all pixels.
 */
import { COLOURS } from '@reclmis/core';
import { renderSvg, writePngRgb } from '@reclmis/files';
import type { EpochLosses, EpochRecord } from '../run/metrics-log.js';
import { type Chart, type Series, svgChart } from './chart.js';

const WIDTH = 1640;
const HEIGHT = 460;
const GAP = 36;

/** 1640 x 460, PNG; nothing for no epochs. */
export async function writeProgress(file: string, epochs: readonly EpochRecord[]): Promise<void> {
  if (epochs.length === 0) return;
  await writePngRgb(file, await renderSvg(progressSvg(epochs)));
}

export function progressSvg(epochs: readonly EpochRecord[]): string {
  const charts = [lossChart(epochs), scoreChart(epochs), rateChart(epochs), timeChart(epochs)];
  const widths = [0.3, 0.3, 0.2, 0.2].map((share) => share * (WIDTH - GAP * (charts.length + 1)));
  let x = GAP;
  const drawn = charts.map((chart, i) => {
    const width = widths[i] ?? 0;
    const svg = svgChart(chart, { x, y: 20, width, height: HEIGHT - 32 });
    x += width + GAP;
    return svg;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">` +
    `<rect width="100%" height="100%" fill="white"/>${drawn.join('')}</svg>`
  );
}

function series(
  epochs: readonly EpochRecord[],
  label: string,
  colour: Series['colour'],
  value: (record: EpochRecord) => number | undefined,
  dashed = false,
): Series {
  return {
    label,
    colour,
    dashed,
    points: epochs.map((record) => [record.epoch, value(record) ?? Number.NaN] as const),
  };
}

/** No model has two of one colour. Without the boundary term, which is mostly below 0. */
const AUXILIARY_SERIES: readonly (readonly [keyof EpochLosses, string, Series['colour']])[] = [
  ['lovasz', 'Lovász', COLOURS.vermilion],
  ['distil', 'teacher', COLOURS.yellow],
  ['ccl', 'CCL', COLOURS.orange],
  ['clr', 'CLR', COLOURS.green],
  ['cvr', 'CVR', COLOURS.purple],
  ['contrastive', 'contrastive', COLOURS.orange],
  ['global', 'global', COLOURS.orange],
  ['local', 'local', COLOURS.green],
  ['count', 'count', COLOURS.orange],
  ['size', 'size', COLOURS.green],
];

function lossChart(epochs: readonly EpochRecord[]): Chart {
  const lines = [
    series(epochs, 'total, weighted', [40, 44, 52], ({ losses }) => losses.total),
    series(epochs, 'Dice', COLOURS.blue, ({ losses }) => losses.dice),
    series(epochs, 'BCE', COLOURS.skyBlue, ({ losses }) => losses.bce),
    ...AUXILIARY_SERIES.map(([name, label, colour]) =>
      series(epochs, label, colour, ({ losses }) => losses[name]),
    ),
  ];
  return {
    title: 'Training losses',
    xLabel: 'epoch',
    scale: 'log',
    series: lines.filter(({ points }) => points.some(([, y]) => Number.isFinite(y))),
  };
}

function scoreChart(epochs: readonly EpochRecord[]): Chart {
  const best = epochs.findLast((record) => record.best);
  return {
    title: 'Validation Dice and IoU',
    xLabel: 'epoch',
    yMin: 0,
    yMax: 1,
    series: [
      series(epochs, 'Dice, mean', COLOURS.blue, ({ validation }) => validation.dice),
      series(epochs, 'Dice, pooled', COLOURS.blue, ({ validation }) => validation.pooledDice, true),
      series(epochs, 'IoU, mean', COLOURS.vermilion, ({ validation }) => validation.iou),
      series(epochs, 'IoU, pooled', COLOURS.vermilion, ({ validation }) => validation.pooledIou, true),
    ],
    ...(best ? { mark: { x: best.epoch, label: `best: ${best.validation.dice.toFixed(4)}` } } : {}),
  };
}

function rateChart(epochs: readonly EpochRecord[]): Chart {
  return {
    title: 'Learning rate',
    xLabel: 'epoch',
    yMin: 0,
    series: [series(epochs, 'learning rate', COLOURS.green, ({ lr }) => lr)],
  };
}

function timeChart(epochs: readonly EpochRecord[]): Chart {
  const minutes = epochs.map(({ epoch, seconds }, i): [number, number] => [
    epoch,
    (seconds - (epochs[i - 1]?.seconds ?? 0)) / 60,
  ]);
  return {
    title: 'Time per epoch, minutes',
    xLabel: 'epoch',
    yMin: 0,
    series: [{ label: 'with validation', colour: COLOURS.orange, points: minutes }],
  };
}
