import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibration } from './calibration.js';
import { ReclmisError } from '../errors.js';
import { threshold } from '../images/image.js';
import { score } from './metrics.js';
import { ProbabilityHistogram } from './probability-histogram.js';
import { ThresholdCurve } from './threshold-curve.js';

describe('calibration', () => {
  it('by hand', () => {
    // 0.05 twice, one of them true; 0.65 four times, three of them true; 1, true
    const histogram = new ProbabilityHistogram().add(
      [0.05, 0.05, 0.65, 0.65, 0.65, 0.65, 1],
      [1, 0, 1, 1, 1, 0, 1],
    );
    const { bins, expectedError, maximumError, brier } = calibration(histogram);
    expect(bins.map(({ pixels }) => pixels)).toEqual([2, 0, 0, 0, 0, 0, 4, 0, 0, 1]);
    expect(bins[0]).toMatchObject({ from: 0, to: 0.1, confidence: 0.05, frequency: 0.5 });
    expect(bins[1]).toMatchObject({ confidence: null, frequency: null });
    expect(bins[6]?.frequency).toBe(0.75);
    expect(bins[6]?.confidence).toBeCloseTo(0.65, 12);
    expect(expectedError).toBeCloseTo((2 * 0.45 + 4 * 0.1 + 0) / 7, 12);
    expect(maximumError).toBeCloseTo(0.45, 12);
    expect(brier).toBeCloseTo((0.95 ** 2 + 0.05 ** 2 + 3 * 0.35 ** 2 + 0.65 ** 2) / 7, 12);
  });

  it('is NaN without pixels, and refuses bins that do not divide the histogram', () => {
    const { expectedError, maximumError, brier, bins } = calibration(new ProbabilityHistogram(), 5);
    expect([expectedError, maximumError, brier]).toEqual([NaN, NaN, NaN]);
    expect(bins).toHaveLength(5);
    expect(() => calibration(new ProbabilityHistogram(), 7)).toThrow(ReclmisError);
  });

  it('counts the same for single and merged images', () => {
    const p = Float32Array.from({ length: 60 }, (_, i) => i / 59);
    const y = p.map((v, i) => (v > 0.3 && i % 3 > 0 ? 1 : 0));
    const parts = new ProbabilityHistogram().add(p.subarray(0, 20), y.subarray(0, 20));
    parts.merge(new ProbabilityHistogram().add(p.subarray(20), y.subarray(20)));
    const whole = new ProbabilityHistogram().add(p, y);
    expect(parts.positives).toEqual(whole.positives);
    expect(parts.negatives).toEqual(whole.negatives);
    expect(parts.squaredError).toBeCloseTo(whole.squaredError, 12);
  });

  it('refuses a truth of another size', () => {
    expect(() => new ProbabilityHistogram().add([0.5], [1, 0])).toThrow(ReclmisError);
  });
});

describe('ThresholdCurve', () => {
  const probability = fc.oneof(
    fc.integer({ min: 0, max: 100 }).map((k) => k / 100), // on bin edges
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 1, noNaN: true }).map(Math.fround),
  );
  const image = fc.array(fc.tuple(probability, fc.integer({ min: 0, max: 1 })), {
    minLength: 1,
    maxLength: 12,
  });

  it('gives at each threshold what `threshold` and `score` give', () => {
    fc.assert(
      fc.property(
        fc.array(image, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 99 }),
        (images, k) => {
          const curve = new ThresholdCurve();
          let [sum, intersection, areas] = [0, 0, 0];
          for (const pixels of images) {
            const [p, y] = [pixels.map(([v]) => v), pixels.map(([, v]) => v)];
            curve.add(p, y);
            const one = score(threshold(p, p.length, 1, k / 100), { width: y.length, height: 1, data: y });
            sum += one.dice;
            intersection += one.intersection;
            areas += one.predicted + one.truth;
          }
          const point = curve.points[k - 1];
          expect(point?.threshold).toBe(k / 100);
          expect(point?.mean.dice).toBeCloseTo(sum / images.length, 12);
          expect(point?.pooled.dice).toBeCloseTo(areas === 0 ? 1 : (2 * intersection) / areas, 12);
        },
      ),
    );
  });

  it('by hand: one pixel of each', () => {
    const points = new ThresholdCurve().add([0.2, 0.7], [0, 1]).add([0.1, 0.3], [0, 0]).points;
    expect(points).toHaveLength(99);
    const at = (k: number) => points[k - 1];
    expect(at(5)?.mean).toEqual({ dice: (2 / 3 + 0) / 2, iou: 0.25, precision: 0.25, recall: 0.5 });
    expect(at(50)?.mean).toEqual({ dice: 1, iou: 1, precision: 1, recall: 1 });
    expect(at(25)?.pooled).toEqual({ dice: 2 / 3, iou: 0.5, precision: 0.5, recall: 1 });
    expect(at(70)?.mean.dice).toBe(0.5); // 0.7 is not greater than 0.7
  });

  it('is NaN without images', () => {
    const [point] = new ThresholdCurve().points;
    expect([point?.mean.dice, point?.pooled.dice]).toEqual([NaN, NaN]);
  });
});
