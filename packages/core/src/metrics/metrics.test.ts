import { describe, expect, it } from 'vitest';
import { score, ScoreSummary } from './metrics.js';

const mask = (rows: string): { width: number; height: number; data: number[] } => {
  const lines = rows.split('/');
  return { width: lines[0]?.length ?? 0, height: lines.length, data: Array.from(lines.join(''), Number) };
};

describe('score', () => {
  it('counts pixels: 3 predicted, 2 true, 1 shared', () => {
    const result = score(mask('110/100'), mask('010/001'));
    expect(result).toMatchObject({ intersection: 1, predicted: 3, truth: 2 });
    expect(result.dice).toBeCloseTo(2 / 5, 12);
    expect(result.iou).toBeCloseTo(1 / 4, 12);
    expect(result.precision).toBeCloseTo(1 / 3, 12);
    expect(result.recall).toBeCloseTo(1 / 2, 12);
  });

  it.each([
    ['000/000', '000/000', 1, 1, 1, 1],
    ['100/000', '000/000', 0, 0, 0, 0],
    ['000/000', '100/000', 0, 0, 0, 0],
    ['111/111', '111/111', 1, 1, 1, 1],
    ['100/000', '010/000', 0, 0, 0, 0],
  ])('%s against %s: the conventions of empty and full masks', (p, t, dice, iou, precision, recall) => {
    expect(score(mask(p), mask(t))).toMatchObject({ dice, iou, precision, recall });
  });

  it('takes any value but 0 as foreground', () => {
    expect(score({ width: 2, height: 1, data: [255, 0] }, mask('10')).dice).toBe(1);
  });

  it('refuses masks of different sizes, even with equally many pixels', () => {
    expect(() => score(mask('10/01'), mask('1001'))).toThrow(
      expect.objectContaining({
        code: 'MASK_SIZE_MISMATCH',
        message: 'score: the truth is 4 x 1 (4 values), the prediction 2 x 2 (4 values)',
      }),
    );
    expect(() => score({ width: 2, height: 2, data: [1] }, mask('10/01'))).toThrow(/1 values/);
  });
});

describe('ScoreSummary', () => {
  it('keeps the mean over images and the pooled figures apart', () => {
    const scores = [
      score(mask('1111'), mask('1111')),
      score(mask('1000'), mask('0100')),
      score(mask('0000'), mask('0000')),
    ];
    const summary = new ScoreSummary(scores);
    expect(summary.count).toBe(3);
    expect(summary.mean.dice).toBeCloseTo(2 / 3, 12); // (1 + 0 + 1) / 3
    expect(summary.mean.iou).toBeCloseTo(2 / 3, 12);
    expect(summary.pooled.dice).toBeCloseTo(8 / 10, 12); // 4 shared of 5 and 5
    expect(summary.pooled.iou).toBeCloseTo(4 / 6, 12);
    expect(summary.pooled.iou).toBeCloseTo(summary.pooled.dice / (2 - summary.pooled.dice), 12);
    expect(summary.toJSON()).toEqual({ count: 3, mean: summary.mean, pooled: summary.pooled });
  });

  it('is the same when added image by image', () => {
    const one = score(mask('110'), mask('011'));
    expect(new ScoreSummary().add(one).add(one).mean.dice).toBeCloseTo(one.dice, 12);
  });

  it('is NaN before the first image, never 0 or 1', () => {
    const empty = new ScoreSummary();
    const never = { dice: NaN, iou: NaN, precision: NaN, recall: NaN };
    expect(empty.toJSON()).toEqual({ count: 0, mean: never, pooled: never });
  });
});
