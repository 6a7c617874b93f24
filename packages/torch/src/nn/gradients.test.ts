import { beforeAll, expect, test } from 'vitest';
import { manualSeed, setThreads } from '../runtime.js';
import { GRADIENT_TOLERANCE, gradientError, spread } from '../testing/gradient.js';
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Dropout,
  Embedding,
  gelu,
  LayerNorm,
  Linear,
  maxPool2d,
  MultiheadAttention,
  upsampleNearest2d,
  type Module,
} from './index.js';
import { Tensor } from '../tensor.js';

interface Case {
  /** Null for a function without parameters. */
  readonly layer: Module | null;
  readonly inputs: readonly Tensor[];
  readonly run: (inputs: readonly Tensor[]) => Tensor;
}

function simple(layer: Module & { forward(x: Tensor): Tensor }, shape: readonly number[]): Case {
  return { layer, inputs: [spread(shape)], run: ([x]) => layer.forward(x as Tensor) };
}

function attention(dropout: number, shared: 'all' | 'keys' | 'none'): Case {
  const layer = new MultiheadAttention(4, 2, { dropout });
  const inputs = [spread([2, 3, 4]), spread([2, 5, 4], 1), spread([2, 5, 4], 2)];
  const used = inputs.slice(0, { all: 1, keys: 2, none: 3 }[shared]);
  return {
    layer,
    inputs: used,
    run: ([q, k, v]) => {
      const query = q as Tensor;
      return layer.forward(query, k ?? query, v ?? k ?? query);
    },
  };
}

const CASES: Record<string, () => Case> = {
  Conv1d: () => simple(new Conv1d(4, 2, 3, { stride: 2, padding: 1, groups: 2 }), [2, 4, 5]),
  Conv2d: () =>
    simple(new Conv2d(2, 3, [3, 2], { stride: [2, 1], padding: 1, dilation: [1, 2] }), [2, 2, 5, 4]),
  ConvTranspose2d: () =>
    simple(new ConvTranspose2d(2, 3, 3, { stride: 2, padding: 1, outputPadding: 1 }), [2, 2, 3, 2]),
  'BatchNorm1d, training': () => simple(new BatchNorm1d(3), [4, 3, 2]),
  'BatchNorm2d, training': () => simple(new BatchNorm2d(2), [2, 2, 3, 2]),
  'BatchNorm2d, evaluation': () => simple(new BatchNorm2d(2).eval(), [2, 2, 3, 2]),
  // The transpose makes the gradient non-contiguous, which libtorch 1.13's own operator reads wrongly.
  gelu: () => ({
    layer: null,
    inputs: [spread([2, 5, 3])],
    run: ([x]) => gelu((x as Tensor).mul(3)).transpose(1, 2),
  }),
  LayerNorm: () => simple(new LayerNorm([3, 2]), [2, 3, 2]),
  Linear: () => simple(new Linear(3, 4), [2, 2, 3]),
  Embedding: () => {
    const layer = new Embedding(5, 3);
    const ids = Tensor.fromInt64([0, 3, 3, 1], [2, 2]);
    return { layer, inputs: [], run: () => layer.forward(ids) };
  },
  'Dropout, training': () => simple(new Dropout(0.4), [4, 5]),
  'MultiheadAttention, one input': () => attention(0, 'all'),
  'MultiheadAttention, key is value': () => attention(0, 'keys'),
  'MultiheadAttention, three inputs': () => attention(0, 'none'),
  'MultiheadAttention, dropout': () => attention(0.3, 'keys'),
  'MultiheadAttention, mask and padding': () => {
    const layer = new MultiheadAttention(4, 2);
    const mask = spread([3, 5], 3);
    const keyPadding = Tensor.fromUint8([0, 0, 1, 0, 0, 0, 0, 0, 1, 1], [2, 5], { dtype: 'bool' });
    return {
      layer,
      inputs: [spread([2, 3, 4]), spread([2, 5, 4], 1)],
      run: ([q, k]) => layer.forward(q as Tensor, k as Tensor, k as Tensor, { mask, keyPadding }),
    };
  },
  maxPool2d: () => ({
    layer: null,
    inputs: [spread([1, 2, 4, 6])],
    run: ([x]) => maxPool2d(x as Tensor, [2, 3], { stride: 2, padding: 1 }),
  }),
  upsampleNearest2d: () => ({
    layer: null,
    inputs: [spread([1, 2, 2, 3])],
    run: ([x]) => upsampleNearest2d(x as Tensor, [2, 3]),
  }),
};

beforeAll(() => setThreads(1)); // faster for tensors this small

test.each(Object.entries(CASES))('gradient of %s', (_, make) => {
  manualSeed(3);
  const { layer, inputs, run } = make();
  layer?.to('cpu', 'float64');
  inputs.forEach((input) => input.requiresGrad_());
  const leaves = new Map<string, Tensor>(inputs.map((input, i) => [`input ${i}`, input]));
  for (const [key, parameter] of layer?.namedParameters() ?? []) leaves.set(key, parameter);
  const seeded = (): Tensor => {
    manualSeed(11); // dropout draws the same mask each time
    return run(inputs);
  };
  const { worst, at } = gradientError(seeded, leaves);
  expect(worst, at).toBeLessThan(GRADIENT_TOLERANCE);
});
