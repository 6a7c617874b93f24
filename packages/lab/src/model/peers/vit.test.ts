import { manualSeed, nn, noGrad, scope, setThreads, Tensor, zeros } from '@reclmis/torch';
import { beforeAll, describe, expect, it } from 'vitest';
import { wrongGradients } from '../testing.js';
import { FUSED_KEYS, multiHead, SelfAttention, SPLIT_KEYS, ViTBlock, type ViTBlockOptions } from './vit.js';

const B = 2;
const L = 5;
const OPTIONS: ViTBlockOptions = {
  width: 16,
  heads: 2,
  hidden: 24,
  keys: FUSED_KEYS,
  eps: 1e-6,
  dropout: { attention: 0, hidden: 0, output: 0 },
};

beforeAll(() => setThreads(1));

function tokens(phase = 0, width = OPTIONS.width): Tensor {
  const values = Float32Array.from({ length: B * L * width }, (_, i) => Math.sin(1.7 * i + phase));
  return Tensor.fromFloat32(values, [B, L, width]);
}

function furthest(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}

/** Bars the last two tokens of the second case. */
function padding(): Tensor {
  const bias = zeros([B, 1, 1, L]);
  bias
    .select(0, 1)
    .narrow(-1, L - 2, 2)
    .fill_(-Infinity);
  return bias;
}

describe('attention', () => {
  it('is that of one projection and of three, and of PyTorch’s layer', () => {
    manualSeed(1);
    using fused = new SelfAttention({ ...OPTIONS, keys: FUSED_KEYS });
    using split = new SelfAttention({ ...OPTIONS, keys: SPLIT_KEYS });
    using reference = new nn.MultiheadAttention(OPTIONS.width, OPTIONS.heads);
    scope(() => {
      const state = fused.stateDict();
      const get = (key: string): Tensor => state.get(key) as Tensor;
      const part = (key: string, i: number): Tensor => get(key).narrow(0, i * OPTIONS.width, OPTIONS.width);
      split.loadStateDict(
        new Map([
          ...['query', 'key', 'value'].flatMap((name, i): [string, Tensor][] => [
            [`${name}.weight`, part('qkv.weight', i)],
            [`${name}.bias`, part('qkv.bias', i)],
          ]),
          ['out.weight', get('proj.weight')],
          ['out.bias', get('proj.bias')],
        ]),
      );
      reference.loadStateDict(
        new Map([
          ['in_proj_weight', get('qkv.weight')],
          ['in_proj_bias', get('qkv.bias')],
          ['out_proj.weight', get('proj.weight')],
          ['out_proj.bias', get('proj.bias')],
        ]),
      );
      const x = tokens();
      for (const bias of [null, padding()]) {
        const y = fused.forward(x, bias);
        const mask = bias?.expand([B, OPTIONS.heads, L, L]) ?? null;
        expect(furthest(split.forward(x, bias), y)).toBeLessThan(1e-6);
        expect(furthest(reference.forward(x, x, x, { mask }), y)).toBeLessThan(1e-6);
      }
    });
  });

  it('is the same by one operator in float32 and by several in float64', () => {
    scope(() => {
      const [q, k, v] = [tokens(0), tokens(1), tokens(2)];
      const double = (x: Tensor): Tensor => x.to({ dtype: 'float64' });
      for (const bias of [null, padding()]) {
        const single = multiHead(q, k, v, 2, bias);
        const exact = multiHead(double(q), double(k), double(v), 2, bias && double(bias));
        expect(furthest(double(single), exact)).toBeLessThan(1e-6);
      }
    });
  });

  it('gives barred tokens no weight', () => {
    manualSeed(1);
    using layer = new SelfAttention(OPTIONS);
    scope(() => {
      const weights = noGrad(() => layer.weights(tokens(), padding())); // [B,H,L,L]
      expect(weights.shape).toEqual([B, 2, L, L]);
      expect(furthest(weights.sum([-1]), weights.sum([-1]).mul(0).add(1))).toBeLessThan(1e-6);
      expect(
        weights
          .select(0, 1)
          .narrow(-1, L - 2, 2)
          .max()
          .item(),
      ).toBe(0);
      expect(weights.select(0, 0).amin([0, 1, 2]).item()).toBeGreaterThan(0);
    });
  });
});

describe('a block', () => {
  it.each([
    ['one projection', FUSED_KEYS],
    ['three projections', SPLIT_KEYS],
  ])('of %s has the gradient of its output', (_, keys) => {
    manualSeed(1);
    using block = new ViTBlock({ ...OPTIONS, keys });
    block.to('cpu', 'float64');
    scope(() => {
      const x = tokens().to({ dtype: 'float64' });
      const weights = tokens(3).to({ dtype: 'float64' });
      const bias = padding().to({ dtype: 'float64' });
      expect(wrongGradients(block, () => block.forward(x, bias).mul(weights).sum())).toEqual([]);
    });
  });

  it('takes another activation, and drops in training alone', () => {
    manualSeed(1);
    using block = new ViTBlock({
      ...OPTIONS,
      activation: (x) => x.mul(0),
      dropout: { attention: 0.5, hidden: 0, output: 0 },
    });
    scope(() =>
      noGrad(() => {
        const x = tokens();
        expect(furthest(block.forward(x), block.forward(x))).toBeGreaterThan(0);
        block.eval();
        expect(furthest(block.forward(x), block.forward(x))).toBe(0);
        // The MLP is its last bias alone.
        const [state, y] = [block.stateDict(), block.forward(x)];
        (state.get('mlp.fc2.bias') as Tensor).add_(1);
        expect(furthest(block.forward(x), y.add(1))).toBeLessThan(1e-6);
      }),
    );
  });
});
