import { afterEach, describe, expect, it } from 'vitest';
import { attend, takesAttention } from './attention.js';
import { dropout } from './dropout.js';
import { ones, randn, zeros } from './generated/functions.js';
import { native } from './native.js';
import { manualSeed, setThreads } from './runtime.js';
import { scope } from './scope.js';
import { MultiheadAttention } from './nn/attention.js';
import { Tensor } from './tensor.js';

interface Case {
  readonly B: number;
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly D: number;
  readonly p?: number;
  readonly bias?: 'learned' | 'expanded';
}

/** Largest difference over the largest expected value. */
function worst(actual: Tensor, expected: Tensor): number {
  const [a, b] = [actual, expected].map((x) => x.to({ dtype: 'float64' }));
  if (a === undefined || b === undefined) throw new Error('two tensors');
  return a.sub(b).abs().max().item() / b.abs().max().item();
}

function definition(
  [q, k, v, bias]: readonly (Tensor | null)[],
  { B, T, S, H, D, p = 0 }: Case,
  seed: number,
): Tensor {
  const heads = (x: Tensor | null | undefined, L: number): Tensor =>
    (x as Tensor).reshape([B, L, H, D]).transpose(1, 2);
  const scores = heads(q, T)
    .matmul(heads(k, S).transpose(2, 3))
    .mul(1 / Math.sqrt(D));
  const weights = (bias ? scores.add(bias) : scores).softmax(-1);
  manualSeed(seed);
  const factors = p === 0 ? ones([1]) : dropout(ones([B * H, T, S]), p, true).view([B, H, T, S]);
  return weights
    .mul(factors)
    .matmul(heads(v, S))
    .transpose(1, 2)
    .reshape([B, T, H * D]);
}

describe.skipIf(!native().hasLanes())('attention', () => {
  afterEach(() => setThreads(2));

  it.each<[string, Case]>([
    ['of few', { B: 2, T: 7, S: 5, H: 2, D: 8 }],
    ['of more keys than a panel', { B: 1, T: 3, S: 20, H: 1, D: 24 }],
    ['with a bias that learns', { B: 2, T: 9, S: 13, H: 3, D: 16, bias: 'learned' }],
    ['with barred keys', { B: 2, T: 4, S: 11, H: 2, D: 8, bias: 'expanded' }],
    ['with dropout', { B: 3, T: 5, S: 7, H: 2, D: 8, p: 0.4 }],
    ['of the paper’s words over patches', { B: 2, T: 24, S: 196, H: 4, D: 128, p: 0.1, bias: 'expanded' }],
    ['of the paper’s patches', { B: 1, T: 196, S: 196, H: 4, D: 128, p: 0.1, bias: 'learned' }],
  ])('%s is the definition, and so are its gradients', (_name, sizes) => {
    scope(() => {
      const { B, T, S, H, D, p = 0 } = sizes;
      const C = H * D;
      manualSeed(3);
      // Parts of longer rows, as joint projections give.
      const packed = randn([B, S, 2 * C]).requiresGrad_();
      const query = randn([B, T, C]).requiresGrad_();
      const [key, value] = packed.splitWithSizes([C, C], -1) as [Tensor, Tensor];
      const shift = sizes.bias === 'learned' ? randn([B, 1, T, S]) : randn([B, 1, 1, S]);
      if (sizes.bias === 'expanded') shift.narrow(3, 1, 3).fill_(-Infinity);
      else shift.requiresGrad_();
      const bias = sizes.bias === undefined ? null : shift;
      const g = randn([B, T, C]);

      expect(takesAttention(query, H)).toBe(true);
      manualSeed(8);
      const output = attend(query, key, value, H, {
        bias: bias && bias.expand([B, H, T, S]),
        dropout: p,
      });
      output.backward(g);

      const wide = [query, packed, shift].map((x) => x.detach().to({ dtype: 'float64' }).requiresGrad_());
      const [q, kv, s] = wide as [Tensor, Tensor, Tensor];
      const [k, v] = kv.splitWithSizes([C, C], -1) as [Tensor, Tensor];
      const expected = definition([q, k, v, bias && s], sizes, 8);
      expected.backward(g.to({ dtype: 'float64' }));

      // Sums of at most 196 float32 products (6e-8 each), relative to the largest; a wrong place differs by
      // about 1.
      expect(worst(output, expected)).toBeLessThan(2e-6);
      expect(worst(query.grad as Tensor, q.grad as Tensor)).toBeLessThan(4e-6);
      expect(worst(packed.grad as Tensor, kv.grad as Tensor)).toBeLessThan(4e-6);
      if (sizes.bias === 'learned') expect(worst(shift.grad as Tensor, s.grad as Tensor)).toBeLessThan(4e-6);
    });
  });

  it('has the same bits with any number of threads', () => {
    scope(() => {
      manualSeed(5);
      const x = randn([2, 21, 48]);
      const pass = (threads: number): Float32Array[] => {
        setThreads(threads);
        manualSeed(9);
        const leaf = x.clone().requiresGrad_();
        const y = attend(leaf, leaf, leaf, 3, { bias: null, dropout: 0.2 });
        y.backward(x);
        return [y.detach().toFloat32Array(), (leaf.grad as Tensor).toFloat32Array()];
      };
      expect(pass(1)).toEqual(pass(2));
    });
  });

  it('passes NaN on, and gives NaN to a query whose keys are all barred, as libtorch does', () => {
    scope(() => {
      const [q, k] = [zeros([1, 3, 8]), zeros([1, 9, 8])];
      const v = ones([1, 9, 8]);
      const bias = zeros([1, 1, 3, 9]);
      bias.narrow(2, 1, 1).fill_(-Infinity);
      bias.narrow(2, 2, 1).narrow(3, 8, 1).fill_(NaN);
      const y = attend(q, k, v, 1, { bias, dropout: 0 }).toFloat32Array();
      expect(Array.from({ length: 3 }, (_, t) => y[t * 8])).toEqual([1, NaN, NaN]);
    });
  });

  it('an empty batch has an empty output and empty gradients', () => {
    scope(() => {
      const x = zeros([0, 3, 16]).requiresGrad_();
      const y = attend(x, x, x, 2, { bias: null, dropout: 0.1 });
      y.sum().backward();
      expect([y.shape, x.grad?.shape]).toEqual([
        [0, 3, 16],
        [0, 3, 16],
      ]);
    });
  });

  it('refuses other shapes and dtypes, no keys, and a probability of 1', () => {
    scope(() => {
      const x = zeros([1, 3, 16]);
      const whole = { bias: null, dropout: 0 };
      const refused = { code: 'OPERATOR_FAILED' };
      expect(() => attend(x, x, x, 4, whole)).toThrow(expect.objectContaining(refused));
      expect(() => attend(x, x, zeros([1, 4, 16]), 2, whole)).toThrow(expect.objectContaining(refused));
      expect(() => attend(x, x, x.transpose(1, 2), 1, whole)).toThrow(expect.objectContaining(refused));
      expect(() => attend(x, x, x, 2, { ...whole, bias: zeros([1, 2, 3, 4]) })).toThrow(
        expect.objectContaining(refused),
      );
      expect(() => attend(x, x, x, 2, { ...whole, dropout: 1 })).toThrow(expect.objectContaining(refused));
      const none = zeros([1, 0, 16]);
      expect(() => attend(x, none, none, 2, whole)).toThrow(expect.objectContaining(refused));
      expect(() => attend(none, x, x, 2, whole)).toThrow(expect.objectContaining(refused));
      const half = x.to({ dtype: 'bfloat16' });
      expect(takesAttention(half, 2)).toBe(false);
      expect(() => attend(half, half, half, 2, whole)).toThrow(expect.objectContaining(refused));
    });
  });

  it.each(['all', 'keys', 'none'] as const)(
    'takes the place of libtorch’s operators in the layer: shared %s',
    (shared) => {
      scope(() => {
        manualSeed(4);
        using layer = new MultiheadAttention(32, 2, { dropout: 0.3 });
        const inputs = [randn([2, 6, 32]), randn([2, 9, 32]), randn([2, 9, 32])];
        const [q, k, v] = [0, { all: 0, keys: 1, none: 1 }[shared], { all: 0, keys: 1, none: 2 }[shared]].map(
          (i) => inputs[i] as Tensor,
        ) as [Tensor, Tensor, Tensor];
        const S = k.size(1);
        const mask = randn([6, S]);
        const keyPadding = Tensor.fromUint8(
          Array.from({ length: 2 * S }, (_, i) => Number(i % S === 4)),
          [2, S],
          { dtype: 'bool' },
        );
        const grads = (run: () => Tensor): Tensor[] => {
          for (const parameter of layer.parameters()) parameter.grad = null;
          manualSeed(6);
          const output = run();
          output.backward(inputs[0]);
          return [output, ...[...layer.parameters()].map(({ grad }) => grad as Tensor)];
        };
        const own = grads(() => layer.forward(q, k, v, { mask, keyPadding }));
        const theirs = grads(() => layer.forwardWithWeights(q, k, v, { mask, keyPadding }).output);
        expect(own.length).toBe(5);
        own.forEach((x, i) => expect(worst(x, theirs[i] as Tensor)).toBeLessThan(3e-6));
      });
    },
  );
});
