import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CALIBRATION } from '@reclmis/core/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { confidenceFor, readConfidence, writeConfidence } from '../run/confidence.js';
import { confidenceReport } from './confidence.js';
import type { CaseMeasure } from './measure.js';

const row = (dice: number, predictedDice: number | undefined, truth = 10): CaseMeasure =>
  ({
    ...{ id: `${dice}`, group: `${dice}`, dice, truth },
    ...(predictedDice === undefined ? {} : { predictedDice, presence: truth > 0 ? 0.75 : 0.25 }),
  }) as unknown as CaseMeasure;

describe('confidenceReport', () => {
  // Ten images with Dice 0, 0.1 ... 0.9, predicted 0.05 too high, but the worst as the best.
  const rows = Array.from({ length: 10 }, (_, i) => row(i / 10, i === 0 ? 0.99 : i / 10 + 0.05, i));

  it('by hand', () => {
    const found = confidenceReport(rows, CALIBRATION, { resamples: 200 });
    expect(found?.images).toBe(10);
    expect(found?.dice).toBeCloseTo(0.45, 12);
    expect(found?.predicted).toBeCloseTo((4.5 + 9 * 0.05 + 0.99) / 10, 12);
    expect(found?.error.value).toBeCloseTo((9 * 0.05 + 0.99) / 10, 12);
    // Ranks 1..10 against 10, 1..9: 1 - 6 (81 + 9) / (10 * 99)
    expect(found?.rank).toBeCloseTo(1 - (6 * 90) / 990, 12);
    // 0.1, predicted 0.15, is refused; the best order would refuse 0.
    expect(found?.withoutTenth.coverage).toBe(0.9);
    expect(found?.withoutTenth.dice.value).toBeCloseTo((4.5 - 0.1) / 9, 12);
    expect(found?.withoutTenth.gain.value).toBeCloseTo((4.5 - 0.1) / 9 - 0.45, 12);
    expect(found?.withoutTenth.best).toBeCloseTo(0.5, 12);
    expect(found?.coverage.map(({ coverage }) => coverage).slice(0, 3)).toEqual([1, 0.95, 0.9]);
    expect(found?.coverage[0]?.gain).toEqual({ value: 0, low: 0, high: 0 });
    const last = found?.bins[9];
    expect([last?.images, last?.predicted, last?.dice]).toEqual([2, 0.97, 0.45]); // 0.95 and 0.99
    expect(found?.bins[0]).toEqual({ from: 0, to: 0.1, images: 0, predicted: null, dice: null });
    expect(found?.presence).toEqual({ calibrated: false, empty: 1, whereEmpty: 0.25, whereFound: 0.75 });
  });

  it('is null without predictions', () => {
    expect(confidenceReport(rows, null)).toBeNull();
    expect(confidenceReport([row(0.5, undefined)], CALIBRATION)).toBeNull();
  });

  it('has no rank correlation of a constant', () => {
    expect(confidenceReport([row(0.5, 0.5), row(0.6, 0.5)], CALIBRATION, { resamples: 10 })?.rank).toBeNull();
  });
});

describe('confidence.json', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-confidence-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const weights = 'a'.repeat(64);
  const checkpoint = { epoch: 3, step: 75, weights };
  const hash = (): string => weights;

  it('round trip, for the weights it was fitted for', () => {
    expect(readConfidence(root)).toBeNull();
    expect(confidenceFor(root, checkpoint, hash)).toEqual({ calibration: null, notice: null });
    writeConfidence(root, { checkpoint, calibration: CALIBRATION });
    expect(readConfidence(root)).toEqual({ checkpoint, calibration: CALIBRATION });
    expect(confidenceFor(root, checkpoint, hash)).toEqual({ calibration: CALIBRATION, notice: null });
    const other = confidenceFor(root, { epoch: 4, step: 100 }, hash);
    expect(other.calibration).toBeNull();
    expect(other.notice).toContain('fitted for the weights of epoch 3 (step 75), not 4 (step 100)');
  });

  it('is not for other weights of the same epoch and step', () => {
    const path = writeConfidence(root, { checkpoint, calibration: CALIBRATION });
    const other = confidenceFor(root, checkpoint, () => 'b'.repeat(64));
    expect([other.calibration, other.notice]).toEqual([
      null,
      expect.stringContaining('fitted for other weights of epoch 3: no predicted Dice') as string,
    ]);
    const earlier = JSON.parse(readFileSync(path, 'utf8')) as { checkpoint: { weights?: string } };
    delete earlier.checkpoint.weights;
    writeFileSync(path, JSON.stringify(earlier));
    expect(confidenceFor(root, checkpoint, hash)).toEqual({
      calibration: CALIBRATION,
      notice: expect.stringContaining('has no hash of the weights') as string,
    });
  });

  it('damaged, or of another version, has a code and says what to do', () => {
    const path = writeConfidence(root, { checkpoint, calibration: CALIBRATION });
    const text = readFileSync(path, 'utf8');
    for (const [damaged, message] of [
      [text.slice(0, 100), 'confidence.json: '],
      ['null', 'confidence.json: '],
      [text.replace('reclmis-confidence/1', 'other'), 'expected format reclmis-confidence/1, got other'],
      [text.replace('"version": 1', '"version": 2'), 'version: expected version 1, got 2'],
      [text.replace('"epoch": 3', '"epoch": null'), 'checkpoint: expected epoch and step'],
      [text.replace(weights, 'a'), 'checkpoint: weights: expected a SHA-256'],
      [text.replace('"threshold": 0.5', '"threshold": null'), 'threshold: '], // NaN in JSON
    ] as const) {
      writeFileSync(path, damaged);
      expect(() => readConfidence(root)).toThrow(
        expect.objectContaining({
          code: 'RUN_INVALID',
          message: expect.stringContaining(message) as string,
          remedy: expect.stringContaining('reclmis calibrate') as string,
        }),
      );
    }
  });
});
