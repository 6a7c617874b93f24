import { describe, expect, it } from 'vitest';
import { bootstrap, groupSums, holm, pairedBootstrap } from './bootstrap.js';
import { ReclmisError } from '../errors.js';
import { Random } from '../random.js';

const mean = (sums: Float64Array): number[] => [sums[0]! / sums[1]!];

function alike(groups: number, each: number, deviation: number): { rows: number[][]; names: string[] } {
  const random = Random.from('alike', groups);
  const rows: number[][] = [];
  const names: string[] = [];
  for (let g = 0; g < groups; g++) {
    const value = random.normal(0.8, deviation);
    for (let i = 0; i < each; i++) {
      rows.push([value, 1]);
      names.push(`patient ${g}`);
    }
  }
  return { rows, names };
}

describe('groupSums', () => {
  it('adds up rows by group, in the order in which groups appear', () => {
    const { width, sums } = groupSums(
      [
        [1, 10],
        [2, 20],
        [4, 40],
      ],
      ['b', 'a', 'b'],
    );
    expect(width).toBe(2);
    expect([...sums]).toEqual([5, 50, 2, 20]);
    expect(() => groupSums([[1], [2]], ['a'])).toThrow(ReclmisError);
  });
});

describe('bootstrap', () => {
  it('has the width that theory gives for a mean: 1.96 standard errors to either side', () => {
    const { rows, names } = alike(400, 1, 0.1);
    const [interval] = bootstrap(groupSums(rows, names), mean, { resamples: 4000 });
    const values = rows.map(([v]) => v!);
    const m = values.reduce((a, b) => a + b, 0) / 400;
    const error = Math.sqrt(values.reduce((s, v) => s + (v - m) ** 2, 0) / 400 / 400);
    expect(interval?.value).toBeCloseTo(m, 12);
    // 2.5 % quantiles of 4000 resamples scatter by 2.5 % of the half width
    expect(Math.abs((m - interval!.low) / (1.96 * error) - 1)).toBeLessThan(0.1);
    expect(Math.abs((interval!.high - m) / (1.96 * error) - 1)).toBeLessThan(0.1);
  });

  it('does not count ten images of a patient as ten patients', () => {
    const { rows, names } = alike(50, 10, 0.1);
    const width = (groups: readonly string[]): number => {
      const [interval] = bootstrap(groupSums(rows, groups), mean);
      return interval!.high - interval!.low;
    };
    const ratio = width(names) / width(rows.map((_, i) => String(i)));
    expect(ratio).toBeGreaterThan(2.6); // sqrt(10) is 3.16; 15 % for the scatter of both widths
    expect(ratio).toBeLessThan(3.7);
  });

  it('is decided by the seed, and narrower at less confidence', () => {
    const data = groupSums(alike(30, 1, 0.1).rows, alike(30, 1, 0.1).names);
    const at = (options: object) => bootstrap(data, mean, options)[0]!;
    expect(at({ seed: 3 })).toEqual(at({ seed: 3 }));
    expect(at({ seed: 3 })).not.toEqual(at({ seed: 4 }));
    expect(at({ confidence: 0.5 }).low).toBeGreaterThan(at({}).low);
  });

  it('handles undefined figures separately', () => {
    const data = groupSums(
      [
        [1, 1],
        [0, 0],
        [0, 0],
      ],
      ['a', 'b', 'c'],
    );
    const [defined] = bootstrap(data, mean);
    expect(defined).toEqual({ value: 1, low: 1, high: 1 });
    expect(bootstrap(groupSums([], []), () => [NaN])).toEqual([{ value: NaN, low: NaN, high: NaN }]);
  });
});

describe('pairedBootstrap', () => {
  const random = Random.from('pairs');
  const base = Array.from({ length: 200 }, () => random.normal(0.7, 0.2));
  const difference = (sums: Float64Array): number[] => [(sums[1]! - sums[0]!) / sums[2]!];
  const compare = (shift: number, scatter: number) => {
    const rows = base.map((value) => [value, value + shift + random.normal(0, scatter), 1]);
    return pairedBootstrap(
      groupSums(
        rows,
        base.map((_, i) => String(i)),
      ),
      difference,
    )[0]!;
  };

  it('finds a difference far below the scatter between images', () => {
    const { value, low, high, p } = compare(0.02, 0.02);
    expect(Math.abs(value - 0.02)).toBeLessThan(0.006); // four standard errors of 0.02 / root 200
    expect(low).toBeGreaterThan(0);
    expect(high).toBeLessThan(0.03);
    expect(p).toBeLessThan(0.002); // never 0: 2 / 2001 at the least
    expect(p).toBeGreaterThan(0);
  });

  it('finds none where there is none, and p = 1 for a run compared with itself', () => {
    expect(compare(0, 0.02).p).toBeGreaterThan(0.01);
    expect(compare(0, 0)).toMatchObject({ value: 0, low: 0, high: 0, p: 1 });
  });
});

describe('holm', () => {
  it('by hand', () => {
    // sorted 0.005, 0.01, 0.03, 0.04: times 4, 3, 2, 1, and never below the one before
    const corrected = holm([0.01, 0.04, 0.03, 0.005]);
    [0.03, 0.06, 0.06, 0.02].forEach((p, i) => expect(corrected[i]).toBeCloseTo(p, 12));
    expect(holm([0.6, 0.7])).toEqual([1, 1]);
    expect(holm([0.02, NaN])).toEqual([0.02, NaN]);
    expect(holm([])).toEqual([]);
  });
});
