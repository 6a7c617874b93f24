import { manualSeed, scope, Tensor } from '@reclmis/torch';
import { beforeEach, describe, expect, it } from 'vitest';
import { drawMask, hide, maskCount, type MaskStrategy } from './masking.js';
import { rowsOf } from './testing.js';

const STRATEGIES: readonly MaskStrategy[] = ['distribution', 'random', 'topk'];

const bools = (rows: readonly (readonly number[])[]): Tensor =>
  Tensor.fromUint8(rows.flat(), [rows.length, rows[0]?.length ?? 0], { dtype: 'bool' });

beforeEach(() => manualSeed(7));

describe('maskCount', () => {
  it('is max(floor(ratio * length), 1), and never more than there is', () => {
    const cases = [
      [0.5, 196, 98],
      [0.3, 15, 4],
      [0.3, 12, 3],
      [0.3, 10, 3],
      [0.3, 3, 1],
      [0.3, 1, 1],
      [0.29, 100, 28], // 28.999999999999996 in double precision; the authors' code rounds that down
      [0, 9, 1],
      [1, 9, 9],
      [0.5, 0, 0],
    ] as const;
    for (const [ratio, length, expected] of cases) expect(maskCount(ratio, length)).toBe(expected);
  });
});

describe('drawMask', () => {
  it.each(STRATEGIES)('%s draws k valid items of each note', (strategy) => {
    scope(() => {
      const valid = bools([
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ]);
      const probability = valid.to({ dtype: 'float32' }).div(valid.sum([1], true));
      for (let round = 0; round < 20; round++) {
        const mask = drawMask({ probability, valid, ratio: 0.4, strategy });
        expect(mask.sum([1]).toInt64Array()).toEqual([4, 2, 1]);
        expect(mask.logicalAnd(valid.logicalNot()).any().item()).toBe(0);
      }
    });
  });

  it('topk takes the most probable', () => {
    scope(() => {
      const probability = Tensor.fromFloat32([0.1, 0.4, 0.2, 0.3, 0.25, 0.25, 0.05, 0.45], [2, 4]);
      const mask = drawMask({ probability, valid: null, ratio: 0.5, strategy: 'topk' });
      expect(rowsOf(mask)[0]).toEqual([0, 1, 0, 1]);
      expect(rowsOf(mask)[1]?.[3]).toBe(1);
      expect(rowsOf(mask)[1]?.[2]).toBe(0);
    });
  });

  it('distribution draws items of probability 0 only after all others, and then uniformly', () => {
    scope(() => {
      const rows = 4000;
      const probability = Tensor.fromFloat32([0.7, 0, 0.3, 0, 0], [1, 5]).expand([rows, 5]);
      const mask = drawMask({ probability, valid: null, ratio: 0.6, strategy: 'distribution' });
      const share = Array.from(mask.to({ dtype: 'float32' }).mean([0]).toFloat32Array());
      expect(share[0]).toBe(1);
      expect(share[2]).toBe(1);
      // 1/3 for each of the three others; five standard deviations of a share of 4,000 draws are 0.037.
      for (const i of [1, 3, 4]) expect(Math.abs((share[i] ?? 0) - 1 / 3)).toBeLessThan(0.037);
    });
  });

  it('distribution draws without replacement with the given probabilities', () => {
    scope(() => {
      const p = [0.5, 0.3, 0.15, 0.05];
      const rows = 40_000;
      const probability = Tensor.fromFloat32(p, [1, 4]).expand([rows, 4]);
      const mask = drawMask({ probability, valid: null, ratio: 0.5, strategy: 'distribution' });
      const share = mask.to({ dtype: 'float32' }).mean([0]).toFloat32Array();
      p.forEach((first, i) => {
        // Drawn first, or second after another: p_i + sum_j p_j p_i / (1 - p_j).
        const expected = p.reduce((sum, q, j) => (j === i ? sum : sum + (q * first) / (1 - q)), first);
        // Five standard deviations of a share: 5 * sqrt(0.25 / 40000) = 0.0125.
        expect(Math.abs((share[i] ?? 0) - expected)).toBeLessThan(0.0125);
      });
    });
  });

  it('random ignores the probabilities', () => {
    scope(() => {
      const probability = Tensor.fromFloat32([0.97, 0.01, 0.01, 0.01], [1, 4]).expand([10_000, 4]);
      const mask = drawMask({ probability, valid: null, ratio: 0.25, strategy: 'random' });
      for (const share of mask.to({ dtype: 'float32' }).mean([0]).toFloat32Array()) {
        expect(Math.abs(share - 0.25)).toBeLessThan(0.022); // five standard deviations
      }
    });
  });

  it('repeats itself for equal seeds', () => {
    scope(() => {
      const probability = Tensor.fromFloat32(new Float32Array(64).fill(1 / 32), [2, 32]);
      const draw = (): number[][] => {
        manualSeed(3);
        return rowsOf(drawMask({ probability, valid: null, ratio: 0.5, strategy: 'distribution' }));
      };
      expect(draw()).toEqual(draw());
    });
  });
});

describe('hide', () => {
  it('zeroes hidden items only, and lets no gradient through them', () => {
    scope(() => {
      const features = Tensor.fromFloat32([1, 2, 3, 4, 5, 6], [1, 3, 2]).requiresGrad_(true);
      const hidden = hide(features, bools([[0, 1, 0]]));
      expect(Array.from(hidden.detach().toFloat32Array())).toEqual([1, 2, 0, 0, 5, 6]);
      hidden.sum().backward();
      expect(Array.from(features.grad?.toFloat32Array() ?? [])).toEqual([1, 1, 0, 0, 1, 1]);
    });
  });
});
