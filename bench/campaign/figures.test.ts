import type { TaskScore } from '@reclmis/lab';
import { describe, expect, it } from 'vitest';
import { cellFigures, differencesTo } from './figures.js';

type Image = readonly [predicted: number, truth: number, intersection: number];

/** Scores of images a, b, ..., each of its own patient. */
function score(images: readonly Image[], ids = images.map((_, i) => `image ${i}`)): TaskScore {
  const dice = images.map(([p, t, i]) => (2 * i) / (p + t));
  const iou = images.map(([p, t, i]) => i / (p + t - i));
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const sum = (at: 0 | 1 | 2): number => images.reduce((total, image) => total + image[at], 0);
  const unused = { precision: Number.NaN, recall: Number.NaN };
  return {
    format: 'reclmis-ablation-score/1',
    checkpoint: { kind: 'best', epoch: 1, step: 1 },
    data: { name: 'data', cases: images.length, fingerprint: 'f' },
    size: 8,
    images: images.length,
    mean: { dice: mean(dice), iou: mean(iou), ...unused },
    pooled: {
      dice: (2 * sum(2)) / (sum(0) + sum(1)),
      iou: sum(2) / (sum(0) + sum(1) - sum(2)),
      ...unused,
    },
    perImage: {
      ids,
      groups: ids,
      dice,
      iou,
      areas: images.map(([predicted, truth, intersection]) => ({ predicted, truth, intersection })),
    },
  };
}

// Dice 0.5 and 0.8, IoU 1/3 and 2/3, pooled 2 * 9 / 24 and 9 / 15; the second seed 1 throughout.
const first = score([
  [2, 2, 1],
  [10, 10, 8],
]);
const second = score([
  [2, 2, 2],
  [10, 10, 10],
]);

describe('cellFigures', () => {
  it('averages seeds in both forms, by hand', () => {
    const figures = cellFigures([first, second]);
    expect(figures?.dice.value).toBeCloseTo((0.65 + 1) / 2, 12);
    expect(figures?.iou.value).toBeCloseTo((0.5 + 1) / 2, 12);
    expect(figures?.pooledDice.value).toBeCloseTo((18 / 24 + 1) / 2, 12);
    expect(figures?.pooledIou.value).toBeCloseTo((9 / 15 + 1) / 2, 12);
    expect(figures?.pooledDice.seeds).toEqual([18 / 24, 1]);
  });

  it('draws images, so the interval ends at the worst and the best of two', () => {
    // A quarter of the resamples hold only one of both images: far more than 2.5 %.
    const figures = cellFigures([first]);
    expect(figures?.dice).toMatchObject({ low: 0.5, high: 0.8 });
    expect(figures?.pooledIou.low).toBeCloseTo(1 / 3, 12);
    expect(figures?.pooledIou.high).toBeCloseTo(8 / 12, 12);
  });

  it('has none without scores, for seeds of other images, and for studies without areas', () => {
    expect(cellFigures([])).toBeNull();
    const other = score([[2, 2, 1]], ['another']);
    expect(cellFigures([first, other])).toBeNull();
    const { areas: _, ...old } = first.perImage!;
    expect(cellFigures([{ ...first, perImage: old }])).toBeNull();
  });
});

describe('differencesTo', () => {
  it('compares on the same images, whatever the number of seeds', () => {
    const [difference] = differencesTo([first], [[first, second]]);
    expect(difference?.dice.value).toBeCloseTo(0.825 - 0.65, 12);
    expect(difference?.pooledDice.value).toBeCloseTo(0.875 - 0.75, 12);
    const [none] = differencesTo([first], [[first]]);
    expect(none?.pooledIou).toMatchObject({ value: 0, low: 0, high: 0, p: 1, corrected: 1 });
  });

  it('corrects over the cells and leaves out those that cannot be paired', () => {
    const strange = score([[2, 2, 1]], ['another']);
    const [good, missing, same] = differencesTo([first], [[second], [strange], [first]]);
    expect(missing).toBeNull();
    expect(good?.dice.corrected).toBeCloseTo(2 * (good?.dice.p ?? 0), 12); // the smaller of two
    expect(same?.dice.corrected).toBe(1);
  });
});
