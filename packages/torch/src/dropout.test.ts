import { afterEach, describe, expect, it } from 'vitest';
import { dropout } from './dropout.js';
import { ones, randn } from './generated/functions.js';
import { native } from './native.js';
import { generatorState, manualSeed, setGeneratorState, setThreads } from './runtime.js';
import { scope } from './scope.js';

const DTYPES = ['float32', 'bfloat16'] as const;

describe.skipIf(!native().hasLanes())('dropout', () => {
  afterEach(() => setThreads(2));

  it.each([0.1, 0.5, 0.93])('drops at the rate of %d, each element for itself', (p) => {
    scope(() => {
      manualSeed(11);
      const [rows, columns] = [512, 1021];
      const kept = dropout(ones([rows, columns]), p, true)
        .ne(0)
        .to({ dtype: 'float64' });
      const n = rows * columns;
      // Five standard deviations of the binomial: one false alarm in 1.7 million.
      const deviation = Math.sqrt(p * (1 - p));
      expect(Math.abs(kept.mean().item() - (1 - p))).toBeLessThan((5 * deviation) / Math.sqrt(n));
      // Correlations between neighbours, within a counter (8 apart) and between groups (32 apart) scatter by
      // 1 / sqrt(n).
      const centred = kept.flatten().sub(1 - p);
      for (const lag of [1, 8, 32, columns]) {
        const other = centred.narrow(0, lag, n - lag);
        const correlation =
          centred
            .narrow(0, 0, n - lag)
            .mul(other)
            .mean()
            .item() /
          deviation ** 2;
        expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(n - lag));
      }
    });
  });

  it.each(DTYPES)('scales what stays, and the gradient takes the same way: %s', (dtype) => {
    scope(() => {
      manualSeed(12);
      // No multiple of 32; input and gradient transposed.
      const x = randn([17, 13]).to({ dtype }).transpose(0, 1).detach().requiresGrad_();
      const y = dropout(x, 0.25, true);
      const g = randn([17, 13]).to({ dtype }).transpose(0, 1);
      y.backward(g);
      const [input, output, gradient, given] = [x, y, x.grad ?? x, g].map((t) =>
        t.to({ dtype: 'float64' }).toFloat64Array(),
      ) as [Float64Array, Float64Array, Float64Array, Float64Array];
      const tolerance = dtype === 'float32' ? 1e-7 : 4e-3; // one rounding
      let dropped = 0;
      output.forEach((value, i) => {
        const factor = value === 0 ? 0 : 1 / 0.75;
        dropped += Number(value === 0);
        const [a = NaN, b = NaN] = [input[i], given[i]];
        expect(Math.abs(value - factor * a)).toBeLessThanOrEqual(tolerance * Math.abs(factor * a));
        expect(Math.abs((gradient[i] ?? NaN) - factor * b)).toBeLessThanOrEqual(
          tolerance * Math.abs(factor * b),
        );
      });
      expect(dropped).toBeGreaterThan(0);
    });
  });

  it('depends on the generator’s state only, not on the threads', () => {
    scope(() => {
      const x = ones([3, 50_001]);
      manualSeed(13);
      const before = generatorState();
      const once = dropout(x, 0.3, true).toFloat32Array();
      const next = dropout(x, 0.3, true).toFloat32Array();
      expect(next).not.toEqual(once);
      setGeneratorState(before);
      setThreads(1);
      expect(dropout(x, 0.3, true).toFloat32Array()).toEqual(once);
      expect(dropout(x, 0.3, true).toFloat32Array()).toEqual(next);
    });
  });

  it('keeps everything at 0, nothing at 1, and is the identity in evaluation', () => {
    scope(() => {
      const x = randn([5, 7]).requiresGrad_();
      expect(dropout(x, 0, true).toFloat32Array()).toEqual(x.toFloat32Array());
      expect(dropout(x, 0.5, false).toFloat32Array()).toEqual(x.toFloat32Array());
      const nothing = dropout(x, 1, true);
      nothing.backward(ones([5, 7]));
      expect(nothing.abs().sum().item()).toBe(0);
      expect(x.grad?.abs().sum().item()).toBe(0);
      expect(() => dropout(x, 1.5, true)).toThrow(/probability/);
    });
  });

  it("makes Salmon et al.'s numbers", () => {
    scope(() => {
      // Philox4x32-10 of counter 0 and key 0 begins with 6627e8d5 (the authors' test vector): element 0 drops
      // on one side of p = 0x6627e8d5 / 2^32.
      const word = 0x6627e8d5 / 2 ** 32;
      const keeps = (p: number): number => seeded(p);
      expect(keeps(word - 2 ** -31)).toBe(1);
      expect(keeps(word + 2 ** -31)).toBe(0);
    });
  });
});

/** Whether seed 0 keeps element 0. */
function seeded(p: number): number {
  const addon = native();
  const op = addon.operator('reclmis::seeded_dropout', '');
  const x = ones([1]);
  const id = addon.call(op, [x.id, p, 0]) as number;
  const kept = Number(addon.item(id) !== 0);
  addon.release([id]);
  return kept;
}
