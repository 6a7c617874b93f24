import { describe, expect, it } from 'vitest';
import { Random } from './random.js';

const draw = (n: number, next: () => number): number[] => Array.from({ length: n }, next);
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('Random', () => {
  it('never changes: the first numbers of fixed seeds', () => {
    const random = Random.from(42);
    expect(draw(4, () => random.uint32())).toEqual([
      3_399_545_807, 468_560_462, 2_306_438_019, 2_599_499_791,
    ]);
    const keyed = Random.from(7, 'augment', 3, 'mask_covid_1.png');
    expect(draw(3, () => keyed.uint32())).toEqual([268_801_720, 4_045_582_811, 3_246_580_996]);
    expect(Random.from(42).next()).toBe(0.7915184356949868);
  });

  it('gives every list of keys its own stream', () => {
    const lists: (string | number)[][] = [
      [],
      [0],
      [1],
      ['1'],
      [1, 0],
      [0, 1],
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc'],
      ['a', 'b', 'c'],
      [''],
      [0.5],
      [1e300],
    ];
    const firsts = lists.map((keys) => Random.from(...keys).next());
    expect(new Set(firsts).size).toBe(lists.length);
    expect(Random.from(-0).next()).toBe(Random.from(0).next());
  });

  it('separates neighbouring seeds: the first numbers of 4096 seeds are uniform and uncorrelated', () => {
    const firsts = Array.from({ length: 4096 }, (_, seed) => Random.from(seed).next());
    expect(mean(firsts)).toBeCloseTo(0.5, 1); // standard error 0.0045
    const products = firsts.slice(1).map((x, i) => (x - 0.5) * ((firsts[i] as number) - 0.5));
    expect(Math.abs(mean(products) * 12)).toBeLessThan(0.06); // correlation; standard error 0.016
  });

  it('next() is uniform in [0, 1): chi-square over 64 bins', () => {
    const random = Random.from('uniform');
    const n = 64_000;
    const bins = new Array<number>(64).fill(0);
    for (let i = 0; i < n; i++) {
      const x = random.next();
      const bin = Math.floor(x * 64); // outside [0, 1) it would make the array longer, or NaN
      bins[bin] = (bins[bin] as number) + 1;
    }
    expect(bins.length).toBe(64);
    const chi2 = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi2).toBeGreaterThan(30); // 0.9998 of the mass for 63 degrees of freedom
    expect(chi2).toBeLessThan(110);
  });

  it('int(n) gives every value about equally often, and refuses invalid ranges', () => {
    const random = Random.from('int');
    const counts = [0, 0, 0, 0, 0, 0, 0];
    for (let i = 0; i < 14_000; i++) {
      const x = random.int(7);
      counts[x] = (counts[x] as number) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200); // 4.8 standard deviations
    expect(random.int(1)).toBe(0);
    expect(random.int(2 ** 32)).toBeLessThan(2 ** 32);
    for (const n of [0, -1, 1.5, NaN, 2 ** 33]) expect(() => random.int(n)).toThrow(/Random.int/);
  });

  it('normal() has mean and deviation as asked, and 68 % within one deviation', () => {
    const random = Random.from('normal');
    const values = draw(20_000, () => random.normal(3, 2));
    const m = mean(values);
    expect(Math.abs(m - 3)).toBeLessThan(0.07); // standard error 0.014
    expect(Math.abs(Math.sqrt(mean(values.map((x) => (x - m) ** 2))) - 2)).toBeLessThan(0.05); // standard error 0.01
    const within = values.filter((x) => Math.abs(x - 3) < 2).length / values.length;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.016); // standard error 0.0033
  });

  it('uniform and bool keep their range and share', () => {
    const random = Random.from('share');
    for (const x of draw(100, () => random.uniform(-2, -1))) expect(x >= -2 && x < -1).toBe(true);
    const yes = draw(10_000, () => Number(random.bool(0.2)));
    expect(Math.abs(mean(yes) - 0.2)).toBeLessThan(0.02); // standard error 0.004
  });

  it('shuffle orders all six permutations of three equally, in place', () => {
    const random = Random.from('shuffle');
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.permutation(3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150); // 5 standard deviations
    const items = ['a', 'b', 'c'];
    expect(random.shuffle(items)).toBe(items);
    expect([...items].sort()).toEqual(['a', 'b', 'c']);
  });

  it('pick takes every item and refuses none', () => {
    const random = Random.from('pick');
    expect(new Set(draw(100, () => random.pick([1, 2, 3])))).toEqual(new Set([1, 2, 3]));
    expect(() => random.pick([])).toThrow(/at least one item/);
  });
});
