import { beforeAll, describe, expect, test } from 'vitest';
import { manualSeed, setThreads } from '../runtime.js';
import { noGrad, scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  maxPool2d,
  MultiheadAttention,
  upsampleNearest2d,
} from './index.js';

/** float32 sums of a few products below 10 are good to about 1e-6. */
const DIGITS = 5;

function f32(data: readonly number[], shape: readonly number[]): Tensor {
  return Tensor.fromFloat32(data, shape);
}

function put(tensor: Tensor | null, data: readonly number[]): void {
  if (!tensor) throw new Error('there is no such tensor');
  noGrad(() => scope(() => void tensor.copy_(f32(data, tensor.shape))));
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function expectValues(
  actual: Tensor,
  shape: readonly number[],
  values: readonly number[],
  digits = DIGITS,
): void {
  expect(actual.shape).toEqual(shape);
  const got = actual.toFloat64Array();
  values.forEach((value, i) => expect(got[i], `element ${i}`).toBeCloseTo(value, digits));
}

beforeAll(() => setThreads(1)); // faster for tensors this small

describe('convolutions', () => {
  test('Conv1d', () => {
    const layer = new Conv1d(1, 1, 3, { padding: 1 });
    put(layer.weight, [1, 0, -1]);
    put(layer.bias, [0.5]);
    expectValues(layer.forward(f32([1, 2, 3, 4], [1, 1, 4])), [1, 1, 4], [-1.5, -1.5, -1.5, 3.5]);
  });

  test('Conv2d, its stride, padding and groups', () => {
    const x = f32(range(9), [1, 1, 3, 3]);
    const plain = new Conv2d(1, 1, 2, { bias: false });
    put(plain.weight, [1, 2, 3, 4]);
    expect(plain.bias).toBeNull();
    expectValues(plain.forward(x), [1, 1, 2, 2], [37, 47, 67, 77]);
    const strided = new Conv2d(1, 1, 2, { stride: 2, padding: 1, bias: false });
    put(strided.weight, [1, 2, 3, 4]);
    expectValues(strided.forward(x), [1, 1, 2, 2], [4, 18, 36, 77]);
    const grouped = new Conv2d(2, 2, 1, { groups: 2 });
    put(grouped.weight, [10, 100]);
    put(grouped.bias, [0, 1]);
    expectValues(grouped.forward(f32([1, 2, 3, 4], [1, 2, 1, 2])), [1, 2, 1, 2], [10, 20, 301, 401]);
  });

  test('ConvTranspose2d', () => {
    const layer = new ConvTranspose2d(1, 1, 2, { stride: 2, bias: false });
    put(layer.weight, [1, 10, 100, 1000]);
    const expected = [1, 10, 2, 20, 100, 1000, 200, 2000, 3, 30, 4, 40, 300, 3000, 400, 4000];
    expectValues(layer.forward(f32(range(4), [1, 1, 2, 2])), [1, 1, 4, 4], expected);
  });

  test('impossible sizes are refused', () => {
    expect(() => new Conv2d(3, 4, 3, { groups: 2 })).toThrow(/groups must divide/);
    expect(() => new Conv2d(0, 4, 3)).toThrow(/input channels must be an integer of at least 1, got 0/);
    expect(() => new Linear(2.5, 4)).toThrow(/inputs must be an integer/);
  });
});

describe('normalisation', () => {
  test('BatchNorm1d in training, its running statistics, and in evaluation', () => {
    const layer = new BatchNorm1d(2);
    const x = f32([1, 10, 3, 30], [2, 2]);
    const a = 1 / Math.sqrt(1 + 1e-5);
    const b = 10 / Math.sqrt(100 + 1e-5);
    expectValues(layer.forward(x), [2, 2], [-a, -b, a, b]);
    expectValues(layer.runningMean, [2], [0.2, 2]); // 0.1 of the mean
    expectValues(layer.runningVar, [2], [0.9 + 0.2, 0.9 + 20]); // 0.1 of the unbiased variance
    layer.eval();
    const y = [
      (1 - 0.2) / Math.sqrt(1.1 + 1e-5),
      (10 - 2) / Math.sqrt(20.9 + 1e-5),
      (3 - 0.2) / Math.sqrt(1.1 + 1e-5),
      (30 - 2) / Math.sqrt(20.9 + 1e-5),
    ];
    expectValues(layer.forward(x), [2, 2], y);
    expectValues(layer.runningMean, [2], [0.2, 2]); // untouched
  });

  test('BatchNorm2d, weight and bias', () => {
    const layer = new BatchNorm2d(1, { eps: 0.75 });
    put(layer.weight, [3]);
    put(layer.bias, [-1]);
    // mean 2.5, variance 1.25; 1.25 + 0.75 = 2
    const expected = [-1.5, -0.5, 0.5, 1.5].map((d) => (3 * d) / Math.SQRT2 - 1);
    expectValues(layer.forward(f32(range(4), [1, 1, 2, 2])), [1, 1, 2, 2], expected);
  });

  test('one value per channel and other ranks are refused', () => {
    const layer = new BatchNorm1d(2);
    expect(() => layer.forward(f32([1, 2], [1, 2]))).toThrow(/more than one value per channel, got \[1, 2\]/);
    expect(() => new BatchNorm2d(2).forward(f32([1, 2], [1, 2]))).toThrow(
      /expected 4 dimensions, got \[1, 2\]/,
    );
    expectValues(layer.eval().forward(f32([1, 2], [1, 2])), [1, 2], [1, 2], 4); // divided by sqrt(1 + 1e-5)
  });

  test('LayerNorm', () => {
    const layer = new LayerNorm(4);
    const x = f32([...range(4), ...range(4).map((v) => 10 * v)], [2, 4]);
    const row = (s: number): number[] =>
      [-1.5, -0.5, 0.5, 1.5].map((d) => (s * d) / Math.sqrt(s * s * 1.25 + 1e-5));
    expectValues(layer.forward(x), [2, 4], [...row(1), ...row(10)]);
  });
});

test('Linear', () => {
  const layer = new Linear(2, 3);
  put(layer.weight, [1, 2, 3, 4, 5, 6]);
  put(layer.bias, [0.5, 0, -0.5]);
  expectValues(layer.forward(f32([1, 1, 2, -1], [1, 2, 2])), [1, 2, 3], [3.5, 7, 10.5, 0.5, 2, 3.5]);
});

test('Embedding, its padding row and the gradient that the row does not get', () => {
  const layer = new Embedding(3, 2, { paddingIndex: 0 });
  expect([...layer.weight.toFloat32Array().subarray(0, 2)]).toEqual([0, 0]);
  put(layer.weight, [0, 0, 1, 2, 3, 4]);
  const out = layer.forward(Tensor.fromInt64([2, 0, 1], [1, 3]));
  expectValues(out, [1, 3, 2], [3, 4, 0, 0, 1, 2]);
  out.sum().backward();
  expectValues(layer.weight.grad as Tensor, [3, 2], [0, 0, 1, 1, 1, 1]);
  expect(() => new Embedding(3, 2, { paddingIndex: 3 })).toThrow(/one of 0..2, got 3/);
});

test('Dropout', () => {
  manualSeed(5);
  const layer = new Dropout(0.25);
  const x = Tensor.fromFloat32(new Float32Array(10_000).fill(3));
  const kept = layer.forward(x).toFloat32Array();
  expect(new Set(kept)).toEqual(new Set([0, 4])); // 3 / (1 - 0.25)
  // The number dropped is binomial with deviation 43: within six of them.
  expect(Math.abs(kept.filter((v) => v === 0).length - 2500)).toBeLessThan(260);
  expect(
    new Dropout(1)
      .forward(x)
      .toFloat32Array()
      .every((v) => v === 0),
  ).toBe(true);
  const same = layer.eval().forward(x);
  expect([...same.toFloat32Array()]).toEqual([...x.toFloat32Array()]);
  same.dispose();
  expect(x.isDisposed).toBe(false);
  expect(() => new Dropout(1.5)).toThrow(/within 0 and 1, got 1.5/);
});

test('maxPool2d', () => {
  const x = f32([1, 5, 2, 0, 3, 4, 9, 7, -1, -2, -3, -4, -5, -6, -7, -8], [1, 1, 4, 4]);
  expectValues(maxPool2d(x, 2), [1, 1, 2, 2], [5, 9, -1, -3]);
  expectValues(maxPool2d(x, 2, { stride: 1 }), [1, 1, 3, 3], [5, 9, 9, 4, 9, 9, -1, -2, -3]);
});

test('upsampleNearest2d', () => {
  const y = upsampleNearest2d(f32([1, 2, 3, 4], [1, 1, 2, 2]), [2, 3]);
  const rows = [1, 1, 1, 2, 2, 2];
  const lower = rows.map((v) => v + 2);
  expectValues(y, [1, 1, 4, 6], [...rows, ...rows, ...lower, ...lower]);
});

describe('MultiheadAttention', () => {
  const C = 4;
  const H = 2;
  const D = C / H;

  /** The textbook, in loops and doubles: output [B][T][C] and weights [B][H][T][S], flat. */
  function reference(
    layer: MultiheadAttention,
    [q, k, v]: readonly [Tensor, Tensor, Tensor],
    barred: (b: number, t: number, s: number) => boolean,
    added: (t: number, s: number) => number,
  ): { output: number[]; weights: number[] } {
    const w = layer.inProjWeight.toFloat64Array();
    const bias = layer.inProjBias.toFloat64Array();
    const project = (x: Tensor, part: number) => {
      const data = x.toFloat64Array();
      return (row: number, c: number): number => {
        const o = part * C + c;
        let sum = bias[o] ?? NaN;
        for (let i = 0; i < C; i++) sum += (w[o * C + i] ?? NaN) * (data[row * C + i] ?? NaN);
        return sum;
      };
    };
    const [Q, K, V] = [project(q, 0), project(k, 1), project(v, 2)] as const;
    const [B, T] = q.shape3();
    const S = k.size(1);
    const ow = layer.outProj.weight.toFloat64Array();
    const ob = layer.outProj.bias?.toFloat64Array() ?? new Float64Array(C);
    const gathered = new Float64Array(B * T * C);
    const weights: number[] = [];
    for (let b = 0; b < B; b++)
      for (let h = 0; h < H; h++)
        for (let t = 0; t < T; t++) {
          const scores = Array.from({ length: S }, (_, s) => {
            if (barred(b, t, s)) return -Infinity;
            let dot = 0;
            for (let d = 0; d < D; d++) dot += Q(b * T + t, h * D + d) * K(b * S + s, h * D + d);
            return dot / Math.sqrt(D) + added(t, s);
          });
          const total = scores.reduce((sum, x) => sum + Math.exp(x), 0);
          const row = scores.map((x) => Math.exp(x) / total);
          weights.push(...row);
          for (let d = 0; d < D; d++) {
            gathered[(b * T + t) * C + h * D + d] = row.reduce(
              (sum, p, s) => sum + p * V(b * S + s, h * D + d),
              0,
            );
          }
        }
    const output = Array.from({ length: B * T * C }, (_, i) => {
      const row = Math.floor(i / C);
      let sum = ob[i % C] ?? NaN;
      for (let c = 0; c < C; c++) sum += (ow[(i % C) * C + c] ?? NaN) * (gathered[row * C + c] ?? NaN);
      return sum;
    });
    return { output, weights };
  }

  function input(length: number, phase: number): Tensor {
    return f32(
      Array.from({ length: 2 * length * C }, (_, i) => 2 * Math.sin(2.1 * i + phase)),
      [2, length, C],
    );
  }

  function make(): MultiheadAttention {
    manualSeed(2);
    const layer = new MultiheadAttention(C, H);
    put(
      layer.inProjBias,
      Array.from({ length: 3 * C }, (_, i) => Math.cos(i)),
    );
    put(layer.outProj.bias, [0.1, 0.2, 0.3, 0.4]);
    return layer;
  }

  const a = input(3, 0);
  const b = input(5, 1);
  const c = input(5, 2);
  test.each([
    ['one input', [a, a, a]],
    ['key is value', [a, b, b]],
    ['three inputs', [a, b, c]],
    ['query is key, value apart', [b, b, c]],
  ] as const)('agrees with the textbook: %s', (_, [q, k, v]) => {
    const layer = make();
    const expected = reference(
      layer,
      [q, k, v],
      () => false,
      () => 0,
    );
    expectValues(layer.forward(q, k, v), q.shape, expected.output);
    const { output, weights } = layer.forwardWithWeights(q, k, v);
    expectValues(output, q.shape, expected.output);
    expectValues(weights, [2, H, q.size(1), k.size(1)], expected.weights);
  });

  test('mask and padding', () => {
    const layer = make();
    const keyPadding = Tensor.fromUint8([0, 0, 1, 0, 0, 0, 0, 0, 1, 1], [2, 5], { dtype: 'bool' });
    const padded = (n: number, s: number): boolean => (n === 0 ? s === 2 : s >= 3);
    const causal = f32(
      Array.from({ length: 15 }, (_, i) => (i % 5 > Math.floor(i / 5) ? -Infinity : i / 7)),
      [3, 5],
    );
    const added = (t: number, s: number): number => (5 * t + s) / 7;
    for (const [options, barred, bonus] of [
      [{ keyPadding }, (n: number, _: number, s: number) => padded(n, s), () => 0],
      [{ mask: causal }, (_: number, t: number, s: number) => s > t, added],
      [{ mask: causal, keyPadding }, (n: number, t: number, s: number) => s > t || padded(n, s), added],
    ] as const) {
      const expected = reference(layer, [a, b, b], barred, bonus);
      const { output, weights } = layer.forwardWithWeights(a, b, b, options);
      expectValues(output, [2, 3, C], expected.output);
      expectValues(weights, [2, H, 3, 5], expected.weights);
    }
  });

  test('dropout acts on the weights in training only', () => {
    const layer = new MultiheadAttention(C, H, { dropout: 1 });
    put(layer.outProj.bias, [1, 2, 3, 4]);
    expectValues(layer.forward(a, a, a), [2, 3, C], [1, 2, 3, 4, 1, 2, 3, 4]); // every weight dropped
    const apart = layer.eval().forward(a, a, a).toFloat32Array();
    expect(Math.abs((apart[0] ?? 1) - 1)).toBeGreaterThan(1e-3);
  });

  test('shapes that do not fit are named', () => {
    expect(() => make().forward(a, b, input(4, 0))).toThrow(/\[2, 3, 4\], \[2, 5, 4\], \[2, 4, 4\]/);
    expect(() => new MultiheadAttention(5, 2)).toThrow(/heads must divide the width/);
  });
});
