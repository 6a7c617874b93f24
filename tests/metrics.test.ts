/**
 * Metrics against scipy, scikit-image and scikit-learn, by fixtures/metrics.json of
 * scripts/fixtures/metrics.py.
 */
import { readFileSync } from 'node:fs';
import {
  bootstrap,
  calibration,
  groupSums,
  type Mask,
  ProbabilityHistogram,
  quantile,
  score,
  type Spacing,
  squaredDistances,
  surface,
  surfaceDistances,
  ThresholdCurve,
} from '@reclmis/core';
import { describe, expect, it } from 'vitest';

interface Fixture {
  readonly surfaces: readonly {
    readonly spacing: Spacing;
    readonly prediction: readonly string[];
    readonly truth: readonly string[];
    readonly squaredDistances: readonly number[];
    readonly hd95: number;
    readonly assd: number;
    readonly hausdorff: number;
    readonly hausdorffPixels: number;
    readonly dice: number;
    readonly iou: number;
    readonly precision: number;
    readonly recall: number;
  }[];
  readonly calibration: {
    readonly probabilities: readonly number[];
    readonly truth: readonly number[];
    readonly frequency: readonly number[];
    readonly confidence: readonly number[];
    readonly pixels: readonly number[];
    readonly expectedError: number;
    readonly brier: number;
    readonly thresholds: readonly (readonly number[])[];
  };
  readonly bootstrap: { readonly values: readonly number[]; readonly low: number; readonly high: number };
  readonly quantiles: Readonly<Record<'values' | 'shares' | 'expected', readonly number[]>>;
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8'),
) as Fixture;

const maskOf = (rows: readonly string[]): Mask => ({
  width: rows[0]?.length ?? 0,
  height: rows.length,
  data: Uint8Array.from([...rows.join('')].map((c) => (c === '#' ? 1 : 0))),
});

/** Sums of doubles in other orders. */
const DIGITS = 10;

describe('masks', () => {
  it.each(fixture.surfaces)('agree with scipy and scikit-image at spacing $spacing', (expected) => {
    const [prediction, truth] = [maskOf(expected.prediction), maskOf(expected.truth)];
    const found = squaredDistances(truth, expected.spacing);
    expected.squaredDistances.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 9));
    const distances = surfaceDistances(prediction, truth, expected.spacing);
    for (const name of ['hd95', 'assd', 'hausdorff'] as const)
      expect(distances?.[name]).toBeCloseTo(expected[name], DIGITS);
    expect(surfaceDistances(surface(prediction), surface(truth))?.hausdorff).toBeCloseTo(
      expected.hausdorffPixels,
      DIGITS,
    );
    const measures = score(prediction, truth);
    for (const name of ['dice', 'iou', 'precision', 'recall'] as const)
      expect(measures[name]).toBeCloseTo(expected[name], DIGITS);
  });
});

describe('probabilities', () => {
  const { probabilities, truth } = fixture.calibration;

  it('are calibrated as scikit-learn says', () => {
    const { bins, expectedError, brier } = calibration(new ProbabilityHistogram().add(probabilities, truth));
    const filled = bins.filter(({ pixels }) => pixels > 0);
    expect(bins.map(({ pixels }) => pixels)).toEqual(fixture.calibration.pixels);
    expect(filled).toHaveLength(fixture.calibration.frequency.length);
    filled.forEach(({ confidence, frequency }, i) => {
      expect(confidence).toBeCloseTo(fixture.calibration.confidence[i] ?? NaN, DIGITS);
      expect(frequency).toBeCloseTo(fixture.calibration.frequency[i] ?? NaN, DIGITS);
    });
    expect(expectedError).toBeCloseTo(fixture.calibration.expectedError, DIGITS);
    expect(brier).toBeCloseTo(fixture.calibration.brier, DIGITS);
  });

  it('score as scikit-learn says at 99 thresholds', () => {
    const { points } = new ThresholdCurve().add(probabilities, truth);
    points.forEach(({ pooled }, i) => {
      const [dice, iou, precision, recall] = fixture.calibration.thresholds[i] ?? [];
      expect(
        [pooled.dice, pooled.iou, pooled.precision, pooled.recall].map((v) => v.toFixed(DIGITS)),
      ).toEqual([dice, iou, precision, recall].map((v) => v?.toFixed(DIGITS)));
    });
  });
});

describe('statistics', () => {
  it('have numpy’s quantiles', () => {
    const { values, shares, expected } = fixture.quantiles;
    shares.forEach((share, i) => expect(quantile(values, share)).toBeCloseTo(expected[i] ?? NaN, 12));
  });

  it('have scipy’s percentile interval', () => {
    const { values, low, high } = fixture.bootstrap;
    const rows = groupSums(
      values.map((v) => [v, 1]),
      values.map((_, i) => String(i)),
    );
    const [interval] = bootstrap(rows, ([sum = 0, count = 0]) => [sum / count], { resamples: 20_000 });
    // quantiles of 20,000 resamples scatter by 1 % of the interval's width
    const tolerance = 0.03 * (high - low);
    expect(Math.abs((interval?.low ?? NaN) - low)).toBeLessThan(tolerance);
    expect(Math.abs((interval?.high ?? NaN) - high)).toBeLessThan(tolerance);
  });
});
