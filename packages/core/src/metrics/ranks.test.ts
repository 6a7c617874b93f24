import { describe, expect, it } from 'vitest';
import { keptWeights } from './coverage.js';
import { rankCorrelation, ranksOf } from './ranks.js';

describe('ranks', () => {
  it('equal values share the mean of their ranks', () => {
    expect([...ranksOf([5, 1, 5, 9, 5])]).toEqual([3, 1, 3, 5, 3]);
    expect([...ranksOf([])]).toEqual([]);
  });

  it('correlates by hand, with ties', () => {
    // ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4, less 2.5
    expect(rankCorrelation([1, 2, 2, 4], [10, 20, 30, 40])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
    expect(rankCorrelation([1, 2, 3], [9, 4, 1])).toBe(-1);
    expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(rankCorrelation([], [])).toBeNaN();
  });
});

describe('keptWeights', () => {
  it('refuses the least confident; ties at the limit share the rest', () => {
    expect([...keptWeights([0.9, 0.1, 0.5, 0.5], 0.5)]).toEqual([1, 0, 0.5, 0.5]);
    expect([...keptWeights([0.9, 0.1, 0.5, 0.5], 0.75)]).toEqual([1, 0, 1, 1]);
    expect([...keptWeights([3, 3, 3], 0.5)]).toEqual([0.5, 0.5, 0.5]);
    expect([...keptWeights([1, 2, 3], 1)]).toEqual([1, 1, 1]);
    expect([...keptWeights([1, 2, 3], 0)]).toEqual([0, 0, 0]);
  });

  it('a tenth of 15 cases is one and a half', () => {
    const weights = keptWeights(Array.from({ length: 15 }, (_, i) => i), 0.9); // prettier-ignore
    expect(weights[0]).toBe(0);
    expect(weights[1]).toBeCloseTo(0.5, 12);
    expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(13.5, 12);
  });
});
