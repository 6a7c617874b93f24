import { describe, expect, it } from 'vitest';
import { cellIntervals, imageMeans, testAgainst } from './significance.js';
import type { TaskScore } from './tasks.js';

const N = 60;
const ids = Array.from({ length: N }, (_, i) => `case-${i}`);

function score(dice: (i: number) => number, more: Partial<TaskScore> = {}): TaskScore {
  const values = ids.map((_, i) => dice(i));
  const measures = { dice: 0, iou: 0, precision: 0, recall: 0 };
  return {
    format: 'reclmis-ablation-score/1',
    checkpoint: { kind: 'best', epoch: 1, step: 1 },
    data: { name: 'made', cases: N, fingerprint: 'f' },
    size: 32,
    images: N,
    mean: measures,
    pooled: measures,
    perImage: { ids, groups: ids, dice: values, iou: values.map((value) => value / 2) },
    ...more,
  };
}

const hard = (i: number): number => 0.5 + 0.4 * Math.sin(i); // images differ much more than the cells do

describe('imageMeans', () => {
  it('averages each image over the seeds, in percent', () => {
    const means = imageMeans([score((i) => i / 100), score((i) => i / 100 + 0.2)]);
    expect(means?.dice[10]).toBeCloseTo(20, 10);
    expect(means?.iou[10]).toBeCloseTo(10, 10);
  });

  it('has none where a run scored other images or kept no figures of single ones', () => {
    const { perImage: _, ...old } = score(hard);
    const other = score(hard, { perImage: { ids: ['x'], groups: ['x'], dice: [1], iou: [1] } });
    expect(imageMeans([])).toBeNull();
    expect(imageMeans([old])).toBeNull();
    expect(imageMeans([score(hard), other])).toBeNull();
  });
});

describe('cellIntervals', () => {
  it('hold the mean, and are as wide as the images’ spread says', () => {
    const means = imageMeans([score(hard)]);
    const { dice, iou } = cellIntervals(means!);
    const mean = (100 * ids.reduce((sum, _, i) => sum + hard(i), 0)) / N;
    expect(dice.value).toBeCloseTo(mean, 8);
    expect(iou.value).toBeCloseTo(mean / 2, 8);
    // A mean of 60 sines of amplitude 40 has a standard error of 40 / sqrt(2 * 60) = 3.65; 1.96 of it either way, within a bootstrap's noise.
    expect(dice.high - dice.low).toBeGreaterThan(0.85 * 2 * 1.96 * 3.65);
    expect(dice.high - dice.low).toBeLessThan(1.15 * 2 * 1.96 * 3.65);
  });
});

describe('testAgainst', () => {
  const reference = imageMeans([score(hard)]);
  const worse = imageMeans([score((i) => hard(i) - 0.01 - 0.005 * Math.cos(3 * i))]);
  const same = imageMeans([score((i) => hard(i) + 0.02 * Math.cos(7 * i))]);

  it('finds a small steady difference that the images’ spread would hide', () => {
    const [test] = testAgainst(reference, [worse]);
    expect(test?.difference).toBeCloseTo(-1, 1);
    expect(test?.high).toBeLessThan(0);
    expect(test?.p).toBeLessThan(0.01);
  });

  it('finds none where only single images differ, and corrects over all tests', () => {
    const [first, second] = testAgainst(reference, [worse, same]);
    expect(second?.p).toBeGreaterThan(0.05);
    expect(first?.corrected).toBeCloseTo(2 * (first?.p ?? 0), 12);
    expect(second?.corrected).toBeGreaterThanOrEqual(second?.p ?? 1);
  });

  it('tests nothing against cells without figures', () => {
    expect(testAgainst(reference, [null])).toEqual([null]);
    expect(testAgainst(null, [worse])).toEqual([null]);
  });
});
