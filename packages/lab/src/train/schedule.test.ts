import { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../config/config.js';
import { EarlyStopping } from '../run/early-stopping.js';
import { learningRate } from './schedule.js';

const settings = (overrides: Record<string, unknown>) => loadConfig(undefined, overrides).train;

describe('learningRate', () => {
  it('anneals by cosine over the steps of the whole run', () => {
    const rate = learningRate(settings({ 'train.epochs': 2, 'train.lr': 0.1, 'train.minLr': 0.02 }), 50);
    expect(rate(0)).toBeCloseTo(0.1, 12);
    expect(rate(50)).toBeCloseTo(0.06, 12); // halfway: the mean of 0.1 and 0.02
    expect(rate(25)).toBeCloseTo(0.06 + 0.04 * Math.SQRT1_2, 12); // cos 45 degrees
    expect(rate(100)).toBeCloseTo(0.02, 12);
  });

  it('ramps up first', () => {
    const rate = learningRate(settings({ 'train.epochs': 1, 'train.lr': 0.1, 'train.warmupSteps': 10 }), 100);
    expect(rate(5)).toBeCloseTo(0.05, 12);
    expect(rate(10)).toBeCloseTo(0.1, 12);
  });

  it('restarts after restartEpochs epochs, upstream’s QaTa-COV19 schedule', () => {
    const rate = learningRate(
      settings({
        'train.schedule': 'cosine-warm-restarts',
        'train.lr': 3e-4,
        'train.minLr': 1e-4,
        'train.restartEpochs': 10,
      }),
      7,
    );
    expect(rate(35)).toBeCloseTo(2e-4, 12);
    expect(rate(69.999)).toBeCloseTo(1e-4, 8);
    expect(rate(70)).toBeCloseTo(3e-4, 12);
  });

  it('decays by 0.99 an epoch down to minLr, upstream’s MosMedData+ schedule', () => {
    const rate = learningRate(
      settings({ 'train.schedule': 'exponential', 'train.lr': 3e-4, 'train.minLr': 3e-5 }),
      20,
    );
    expect(rate(20)).toBeCloseTo(3e-4 * 0.99, 12);
    expect(rate(20 * 400)).toBeCloseTo(3e-5, 12); // 0.99^400 is below a tenth
  });

  it('goes up and down once over the whole run', () => {
    const cycle = { 'train.schedule': 'one-cycle', 'train.epochs': 2, 'train.lr': 0.1 };
    const rate = learningRate(settings(cycle), 50);
    expect(rate(0)).toBeCloseTo(0.004, 12);
    expect(rate(29)).toBeCloseTo(0.1, 12); // 0.3 of 100 steps, less one
    expect(rate(99)).toBeCloseTo(4e-7, 15);
    const early = learningRate(settings({ ...cycle, 'train.rise': 0.1, 'train.minLr': 0.01 }), 50);
    expect([early(9), early(99)]).toEqual([expect.closeTo(0.1, 12), expect.closeTo(0.01, 12)]);
    expect(() => learningRate(settings({ ...cycle, 'train.warmupSteps': 5 }), 50)).toThrow(
      /^train\.warmupSteps: expected 0 with the one-cycle schedule/,
    );
  });

  it('names the setting of a ramp that is longer than the run', () => {
    const act = () => learningRate(settings({ 'train.epochs': 2, 'train.warmupSteps': 8 }), 4);
    expect(act).toThrow(/^train\.warmupSteps: expected fewer than the run's 8 steps .*, got 8$/);
  });

  it('refuses a floor above the peak', () => {
    const act = () => learningRate(settings({ 'train.lr': 1e-4, 'train.minLr': 1e-3 }), 10);
    expect(act).toThrow(ReclmisError);
    expect(act).toThrow(/min/);
  });
});

describe('EarlyStopping', () => {
  it('keeps the first of equal scores and stops when patience runs out', () => {
    const watch = new EarlyStopping(2);
    expect([0.5, 0.6, 0.6].map((score, i) => watch.update(i + 1, score))).toEqual([true, true, false]);
    expect(watch.exhausted).toBe(false);
    expect(watch.update(4, 0.1)).toBe(false);
    expect(watch.exhausted).toBe(true);
    expect(watch.current).toEqual({ bestEpoch: 2, bestScore: 0.6, waited: 2 });
    expect(watch.update(5, 0.7)).toBe(true);
    expect(watch.exhausted).toBe(false);
  });

  it('never stops without patience, and counts a score of 0 as a first best', () => {
    const watch = new EarlyStopping(0);
    expect(watch.update(1, 0)).toBe(true);
    for (let epoch = 2; epoch < 100; epoch++) watch.update(epoch, 0);
    expect(watch.exhausted).toBe(false);
  });

  it('goes on from a stored state', () => {
    const watch = new EarlyStopping(3);
    watch.restore({ bestEpoch: 4, bestScore: 0.8, waited: 2 });
    expect(watch.update(7, 0.79)).toBe(false);
    expect(watch.exhausted).toBe(true);
  });
});
