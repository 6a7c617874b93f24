/**
 * How far a run's predicted Dice can be trusted, on cases on which it was not fitted: its error, its rank
 * correlation with the true Dice, and what refusing the least confident cases is worth
 * (docs/reference/measures.md).
 */
import {
  bootstrap,
  type BootstrapOptions,
  type ConfidenceCalibration,
  groupSums,
  type Interval,
  keptWeights,
  rankCorrelation,
} from '@reclmis/core';
import type { CaseMeasure } from './measure.js';
import { finite } from './summary.js';

/** Null where undefined. */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface CoveragePoint {
  /** Share of the cases that is kept, the most confident ones. */
  readonly coverage: number;
  /** Mean Dice of the kept cases. */
  readonly dice: Estimate;
  /** That less the mean Dice of all. */
  readonly gain: Estimate;
  /** Mean Dice if the cases with the lowest true Dice were refused: nothing can do better. */
  readonly best: number | null;
}

export interface ConfidenceBin {
  readonly from: number;
  readonly to: number;
  readonly images: number;
  /** Null in an empty bin. */
  readonly predicted: number | null;
  readonly dice: number | null;
}

export interface ConfidenceReport {
  readonly calibration: ConfidenceCalibration;
  readonly images: number;
  /** Means of predicted and true Dice. */
  readonly predicted: number | null;
  readonly dice: number | null;
  /** Mean of |predicted - true Dice|. */
  readonly error: Estimate;
  /** Spearman's, -1 to 1; null if either is constant. */
  readonly rank: number | null;
  /** By predicted Dice, in tenths. */
  readonly bins: readonly ConfidenceBin[];
  /** From all cases to a tenth of them. */
  readonly coverage: readonly CoveragePoint[];
  /** The one of these that refuses the least confident tenth. */
  readonly withoutTenth: CoveragePoint;
  readonly presence: {
    readonly calibrated: boolean;
    /** Cases with an empty true mask. */
    readonly empty: number;
    /** Mean probabilities of presence in these, and in the others. */
    readonly whereEmpty: number | null;
    readonly whereFound: number | null;
  };
}

const BINS = 10;
/** In steps of a twentieth. */
const COVERAGES = Array.from({ length: 19 }, (_, i) => (20 - i) / 20);

type Judged = Pick<CaseMeasure, 'dice' | 'truth' | 'group'> & {
  readonly predictedDice: number;
  readonly presence: number;
};

/** Null without a calibration or cases. */
export function confidenceReport(
  rows: readonly CaseMeasure[],
  calibration: ConfidenceCalibration | null,
  options: BootstrapOptions = {},
): ConfidenceReport | null {
  const judged = rows.filter((row): row is CaseMeasure & Judged => row.predictedDice !== undefined);
  if (calibration === null || judged.length === 0) return null;
  const predicted = judged.map((row) => row.predictedDice);
  const dice = judged.map((row) => row.dice);
  const { error, coverage, withoutTenth } = curveOf(judged, predicted, dice, options);
  const presenceOf = (empty: boolean): number | null =>
    finite(mean(judged.filter(({ truth }) => (truth === 0) === empty).map(({ presence }) => presence)));
  return {
    calibration,
    images: judged.length,
    predicted: finite(mean(predicted)),
    dice: finite(mean(dice)),
    error,
    rank: finite(rankCorrelation(predicted, dice)),
    bins: binsOf(judged),
    coverage,
    withoutTenth,
    presence: {
      calibrated: calibration.presence.kind === 'logistic',
      empty: judged.filter(({ truth }) => truth === 0).length,
      whereEmpty: presenceOf(true),
      whereFound: presenceOf(false),
    },
  };
}

/** One bootstrap over patients; which cases are kept is decided by all cases. */
function curveOf(
  judged: readonly Judged[],
  predicted: readonly number[],
  dice: readonly number[],
  options: BootstrapOptions,
): Pick<ConfidenceReport, 'error' | 'coverage' | 'withoutTenth'> {
  const kept = COVERAGES.map((coverage) => keptWeights(predicted, coverage));
  const rows = judged.map((_, i) => [
    ...[1, dice[i]!, Math.abs(predicted[i]! - dice[i]!)],
    ...kept.flatMap((weights) => [weights[i]!, weights[i]! * dice[i]!]),
  ]);
  const data = groupSums(
    rows,
    judged.map(({ group }) => group),
  );
  const intervals = bootstrap(
    data,
    (sums) => {
      const at = (k: number): number => sums[k] ?? Number.NaN;
      const all = at(1) / at(0);
      const of = COVERAGES.map((_, k) => at(4 + 2 * k) / at(3 + 2 * k));
      return [at(2) / at(0), ...of, ...of.map((value) => value - all)];
    },
    options,
  );
  const estimate = (k: number): Estimate => {
    const { value, low, high }: Interval = intervals[k] ?? { value: NaN, low: NaN, high: NaN };
    return { value: finite(value), low: finite(low), high: finite(high) };
  };
  const point = (k: number): CoveragePoint => {
    const coverage = COVERAGES[k] ?? Number.NaN;
    const best = keptWeights(dice, coverage);
    const weight = best.reduce((sum, w) => sum + w, 0);
    return {
      coverage,
      dice: estimate(1 + k),
      gain: estimate(1 + COVERAGES.length + k),
      best: finite(best.reduce((sum, w, i) => sum + w * dice[i]!, 0) / weight),
    };
  };
  return {
    error: estimate(0),
    coverage: COVERAGES.map((_, k) => point(k)),
    withoutTenth: point(COVERAGES.indexOf(0.9)),
  };
}

function binsOf(judged: readonly Judged[]): ConfidenceBin[] {
  return Array.from({ length: BINS }, (_, bin) => {
    const own = judged.filter(
      ({ predictedDice }) => Math.min(BINS - 1, Math.floor(predictedDice * BINS)) === bin,
    );
    return {
      from: bin / BINS,
      to: (bin + 1) / BINS,
      images: own.length,
      predicted: finite(mean(own.map(({ predictedDice }) => predictedDice))),
      dice: finite(mean(own.map(({ dice }) => dice))),
    };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
