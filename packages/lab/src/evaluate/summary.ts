/**
 * Figures with intervals: means over images, pooled figures, and both for parts (docs/reference/measures.md).
 *
 * Every figure is a function of sums over images, so one bootstrap over patients gives all intervals.
 */
import { bootstrap, type BootstrapOptions, groupSums, measuresOf, quantileOfSorted } from '@reclmis/core';
import type { CaseMeasure } from './measure.js';

/** `form`: how images are combined. */
export const FIGURES = [
  { key: 'dice', label: 'Dice', form: 'mean', unit: '%' },
  { key: 'iou', label: 'IoU', form: 'mean', unit: '%' },
  { key: 'precision', label: 'precision', form: 'mean', unit: '%' },
  { key: 'recall', label: 'recall', form: 'mean', unit: '%' },
  { key: 'pooledDice', label: 'Dice', form: 'pooled', unit: '%' },
  { key: 'pooledIou', label: 'IoU', form: 'pooled', unit: '%' },
  { key: 'pooledPrecision', label: 'precision', form: 'pooled', unit: '%' },
  { key: 'pooledRecall', label: 'recall', form: 'pooled', unit: '%' },
  { key: 'hd95', label: 'HD95', form: 'mean', unit: 'px' },
  { key: 'assd', label: 'ASSD', form: 'mean', unit: 'px' },
  { key: 'hd95Mm', label: 'HD95', form: 'mean', unit: 'mm' },
  { key: 'assdMm', label: 'ASSD', form: 'mean', unit: 'mm' },
] as const;
export type FigureKey = (typeof FIGURES)[number]['key'];

/** A figure with its interval; null if undefined. Shares in [0, 1]; distances in their unit. */
export interface Figure {
  readonly key: FigureKey;
  readonly label: string;
  readonly form: 'mean' | 'pooled';
  readonly unit: '%' | 'px' | 'mm';
  /** Those that have a distance, for distances. */
  readonly images: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface MeasureDistribution {
  readonly key: (typeof DISTRIBUTED)[number];
  readonly images: number;
  readonly min: number;
  readonly quartile1: number;
  readonly median: number;
  readonly quartile3: number;
  readonly max: number;
}

const DISTRIBUTED = ['dice', 'iou', 'precision', 'recall', 'hd95', 'assd', 'hd95Mm', 'assdMm'] as const;

/** Number, measures, pixels, and distances with their number. */
export function summands(row: CaseMeasure): number[] {
  const { dice, iou, precision, recall, intersection, predicted, truth, hd95, assd, hd95Mm, assdMm } = row;
  return [
    ...[1, dice, iou, precision, recall, intersection, predicted, truth],
    ...[hd95 === null ? 0 : 1, hd95 ?? 0, assd ?? 0],
    ...[hd95Mm === null ? 0 : 1, hd95Mm ?? 0, assdMm ?? 0],
  ];
}
export const SUMMANDS = 14;

/** Figures in the order of `FIGURES`; NaN if undefined. */
export function figuresOfSums(sums: Float64Array, from = 0): number[] {
  const at = (i: number): number => sums[from + i] ?? Number.NaN;
  const n = at(0);
  const pooled = measuresOf({ intersection: at(5), predicted: at(6), truth: at(7) });
  return [
    ...[at(1) / n, at(2) / n, at(3) / n, at(4) / n],
    ...[pooled.dice, pooled.iou, pooled.precision, pooled.recall].map((v) => (n === 0 ? Number.NaN : v)),
    ...[at(9) / at(8), at(10) / at(8), at(12) / at(11), at(13) / at(11)],
  ];
}

/** Intervals by patients; without distances in mm if no image has them. */
export function figuresOf(rows: readonly CaseMeasure[], options: BootstrapOptions = {}): Figure[] {
  const data = groupSums(
    rows.map(summands),
    rows.map(({ group }) => group),
  );
  const intervals = bootstrap(data, figuresOfSums, options);
  const withDistance = rows.filter(({ hd95 }) => hd95 !== null).length;
  const withMm = rows.filter(({ hd95Mm }) => hd95Mm !== null).length;
  return FIGURES.map((figure, i): Figure => {
    const { value, low, high } = intervals[i] ?? { value: Number.NaN, low: Number.NaN, high: Number.NaN };
    const images = figure.unit === '%' ? rows.length : figure.unit === 'px' ? withDistance : withMm;
    return { ...figure, images, value: finite(value), low: finite(low), high: finite(high) };
  }).filter(({ unit }) => unit !== 'mm' || withMm > 0);
}

/** Quartiles over images that have the measure. */
export function distributionsOf(rows: readonly CaseMeasure[]): MeasureDistribution[] {
  return DISTRIBUTED.flatMap((key) => {
    const values = rows.map((row) => row[key]).filter((value) => value !== null);
    if (values.length === 0) return [];
    const sorted = Float64Array.from(values).sort();
    const [min, quartile1, median, quartile3, max] = [0, 0.25, 0.5, 0.75, 1].map((share) =>
      quantileOfSorted(sorted, share),
    ) as [number, number, number, number, number];
    return [{ key, images: values.length, min, quartile1, median, quartile3, max }];
  });
}

/** JSON has no NaN. */
export function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
