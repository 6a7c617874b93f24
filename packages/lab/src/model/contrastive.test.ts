import { manualSeed, randn, scope, Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { contrastiveLoss, pairSimilarity } from './contrastive.js';
import { rowsOf } from './testing.js';

const B = 3;
const T = 4;
const N = 5;
const C = 6;
const LENGTHS = [4, 2, 3];

function input(secondSoftmax: boolean): Parameters<typeof contrastiveLoss>[0] {
  manualSeed(11);
  const flags = LENGTHS.flatMap((length) => Array.from({ length: T }, (_, t) => (t < length ? 1 : 0)));
  const valid = Tensor.fromUint8(flags, [B, T], { dtype: 'bool' });
  return {
    patches: randn([B, N, C]),
    tokens: randn([B, T, C]),
    valid,
    poi: randn([B, N]).softmax(-1),
    woi: randn([B, T]).maskedFill(valid.logicalNot(), Number.NEGATIVE_INFINITY).softmax(-1),
    logitScale: Tensor.fromFloat32([1.5], []),
    secondSoftmax,
  };
}

/** Eq. 4 literally, one pair, token and patch at a time. */
function bruteForce(x: ReturnType<typeof input>): number[][] {
  const soften = (row: readonly number[]): number[] => {
    const sum = row.reduce((s, p) => s + Math.exp(p), 0);
    return row.map((p) => Math.exp(p) / sum);
  };
  const maybe = (rows: number[][]): number[][] => (x.secondSoftmax ? rows.map(soften) : rows);
  const [tokens, patches, woi, poi] = [
    rowsOf(x.tokens),
    rowsOf(x.patches),
    maybe(rowsOf(x.woi)),
    maybe(rowsOf(x.poi)),
  ];
  const cosine = (a: readonly number[], b: readonly number[]): number => {
    const dot = (u: readonly number[], v: readonly number[]): number =>
      u.reduce((s, value, i) => s + value * (v[i] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const S = (a: number, b: number, t: number, v: number): number =>
    t < (LENGTHS[a] ?? 0) ? cosine(tokens[a * T + t] ?? [], patches[b * N + v] ?? []) : 0;
  const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  return range(B).map((a) =>
    range(B).map((b) => {
      const words = range(T).reduce(
        (s, t) => s + (woi[a]?.[t] ?? 0) * Math.max(...range(N).map((v) => S(a, b, t, v))),
        0,
      );
      const places = range(N).reduce(
        (s, v) => s + (poi[b]?.[v] ?? 0) * Math.max(...range(T).map((t) => S(a, b, t, v))),
        0,
      );
      return (words + places) / 2;
    }),
  );
}

describe.each([false, true])('CCL, second softmax %s', (secondSoftmax) => {
  it('is eq. 4 over all pairs', () => {
    scope(() => {
      const x = input(secondSoftmax);
      const expected = bruteForce(x).flat();
      const actual = pairSimilarity(x).toFloat32Array();
      // float32 sums of about ten terms of size 1.
      expected.forEach((value, i) => expect(Math.abs((actual[i] ?? 0) - value)).toBeLessThan(2e-6));
    });
  });

  it('is eq. 5, the two cross-entropies against the diagonal', () => {
    scope(() => {
      const x = input(secondSoftmax);
      const logits = bruteForce(x).map((row) => row.map((s) => s * Math.exp(1.5)));
      const logSum = (row: readonly number[]): number =>
        Math.log(row.reduce((s, value) => s + Math.exp(value), 0));
      let expected = 0;
      for (let i = 0; i < B; i++) {
        const own = logits[i]?.[i] ?? 0;
        const column = logits.map((row) => row[i] ?? 0);
        expected += (logSum(logits[i] ?? []) - own + logSum(column) - own) / (2 * B);
      }
      expect(contrastiveLoss(x).item()).toBeCloseTo(expected, 5);
    });
  });
});

describe('CCL', () => {
  it('stays finite, value and gradient, for a patch of length 0', () => {
    scope(() => {
      const x = input(false);
      const patches = x.patches.maskedFill(
        Tensor.fromUint8([1, 0, 0, 0, 0], [1, 5, 1], { dtype: 'bool' }),
        0,
      );
      patches.requiresGrad_(true);
      const loss = contrastiveLoss({ ...x, patches });
      loss.backward();
      expect(Number.isFinite(loss.item())).toBe(true);
      expect(patches.grad?.isfinite().all().item()).toBe(1);
    });
  });
});
