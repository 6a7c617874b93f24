import { describe, expect, it } from 'vitest';
import { hasConv3x3 } from '../conv3x3.js';
import { countFlops } from '../flops.js';
import { linear, randn, zeros } from '../generated/functions.js';
import { invoke, operator } from '../invoke.js';
import { autocast } from '../precision/autocast.js';
import { manualSeed, memory, setThreads } from '../runtime.js';
import { noGrad, scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { type AfterLinear, gelu, Linear, MultiheadAttention, withTaps } from './index.js';

/** Sums of up to 300 float32 products round to a few units in the sixth digit of the largest. */
const TOLERANCE = 3e-6;
const float64 = { dtype: 'float64' } as const;

/** Largest difference over the largest expected value. */
function difference(actual: Tensor, expected: Tensor): number {
  const right = expected.detach().to(float64);
  return actual.detach().to(float64).sub(right).abs().max().item() / right.abs().max().item();
}

interface Packed extends AfterLinear {
  readonly bias?: Tensor | null;
  readonly lanes?: number;
}

function packedBy(x: Tensor, weight: Tensor, { bias = null, plus, activation, lanes = 0 }: Packed): Tensor {
  const [K, C] = weight.shape2();
  const panels = Tensor.adopt(
    invoke(operator('reclmis::conv2d_pack', ''), [weight.view([K, C, 1, 1]).id, lanes]) as number,
  );
  const values = [x.id, panels.id, bias?.id ?? null, plus?.id ?? null, K];
  const last = [activation === 'relu', activation === 'gelu', lanes];
  return Tensor.adopt(invoke(operator('reclmis::linear_packed', ''), [...values, ...last]) as number);
}

/** Vector widths that this processor has: 8 floats (AVX2), 16 (AVX-512). */
const LANES = [8, 16].filter((lanes) =>
  scope(() => {
    try {
      packedBy(zeros([1, 8]), zeros([8, 8]), { lanes });
      return true;
    } catch {
      return false;
    }
  }),
);

describe.skipIf(!hasConv3x3())('products of rows in evaluation', () => {
  describe.each(LANES)('with vectors of %i floats', (lanes) => {
    it.each([
      [[3, 7, 24], 64], // whole vectors
      [[197, 300], 50], // no whole vectors of outputs
      [[1, 1, 9], 8],
      [[2, 2, 2, 33], 131],
    ] as const)('equal the definition of %j to %i', (shape, K) => {
      scope(() => {
        manualSeed(K);
        const [x, weight] = [randn([...shape], float64), randn([K, shape.at(-1) ?? 0], float64)];
        const [bias, plus] = [randn([K], float64), randn([...shape.slice(0, -1), K], float64)];
        const [x32, weight32, bias32, plus32] = [x, weight, bias, plus].map((t) =>
          t.to({ dtype: 'float32' }),
        ) as [Tensor, Tensor, Tensor, Tensor];
        const exact = linear(x, weight, bias);
        const of = (more: Packed): Tensor => packedBy(x32, weight32, { ...more, lanes });
        expect(of({}).shape).toEqual(exact.shape);
        expect(difference(of({}), linear(x, weight, null))).toBeLessThan(TOLERANCE);
        expect(difference(of({ bias: bias32 }), exact)).toBeLessThan(TOLERANCE);
        expect(difference(of({ bias: bias32, plus: plus32 }), exact.add(plus))).toBeLessThan(TOLERANCE);
        expect(difference(of({ bias: bias32, activation: 'relu' }), exact.relu())).toBeLessThan(TOLERANCE);
        expect(difference(of({ bias: bias32, activation: 'gelu' }), gelu(exact))).toBeLessThan(TOLERANCE);
        const turned = x32.transpose(0, -1).contiguous().transpose(0, -1); // the same numbers in another order
        expect(difference(packedBy(turned, weight32, { lanes }), linear(x, weight, null))).toBeLessThan(
          TOLERANCE,
        );
      });
    });

    it('keep NaN and infinity through activations', () => {
      scope(() => {
        const x = Tensor.fromFloat32([NaN, Infinity, -5], [3, 1]);
        const weight = zeros([8, 1]).add(1);
        for (const activation of ['relu', 'gelu'] as const) {
          const [first, second, third] = packedBy(x, weight, { activation, lanes })
            .select(1, 0)
            .toFloat32Array();
          expect([first, second]).toEqual([NaN, Infinity]);
          expect(third).toBeCloseTo(0, 5);
        }
      });
    });
  });

  it('name what they refuse', () => {
    scope(() => {
      const [x, weight] = [zeros([2, 16]), zeros([24, 16])];
      expect(() => packedBy(zeros([2, 16], float64), weight, {})).toThrow(/float32/);
      expect(() => packedBy(zeros([2, 17]), weight, {})).toThrow(/panels of another weight/);
      expect(() => packedBy(x, weight, { bias: zeros([23]) })).toThrow(/bias/);
      expect(() => packedBy(x, weight, { plus: zeros([24]) })).toThrow(
        /what to add is not of the result's shape/,
      );
      expect(packedBy(zeros([0, 16]), weight, {}).shape).toEqual([0, 24]);
    });
  });

  it('give the same bits on one thread as on two', () => {
    const bits = (threads: number): Float32Array =>
      scope(() => {
        manualSeed(5);
        setThreads(threads);
        return packedBy(randn([197, 96]), randn([200, 96]), {
          bias: randn([200]),
          activation: 'gelu',
        }).toFloat32Array();
      });
    expect(bits(1)).toEqual(bits(2));
  });

  it('are Linear’s and count as matrix products, until the weight changes, a tap listens or gradients are wanted', () => {
    scope(() => {
      manualSeed(6);
      const layer = new Linear(1000, 40);
      const [x, plus] = [randn([2, 20, 1000]), randn([2, 20, 40])];
      const evaluated = (): Float32Array => noGrad(() => layer.forward(x)).toFloat32Array();
      const own = (): Float32Array => packedBy(x, layer.weight, { bias: layer.bias }).toFloat32Array();
      const theirs = linear(x, layer.weight, layer.bias).toFloat32Array();
      expect(own()).not.toEqual(theirs); // sums in another order, which tell the paths apart
      expect(evaluated()).toEqual(theirs); // in training
      layer.eval();
      expect(layer.forward(x).toFloat32Array()).toEqual(theirs); // with gradients
      expect(evaluated()).toEqual(own());
      noGrad(() => {
        expect(countFlops(() => layer.forward(x)).flops.kinds).toEqual({
          convolution: 0,
          matrixProduct: 2 * 40 * 1000 * 40,
        });
        layer.weight.mul_(2);
      });
      expect(evaluated()).toEqual(own());
      const few = x.narrow(1, 0, 10).contiguous(); // 20 rows
      expect(noGrad(() => layer.forward(few)).toFloat32Array()).toEqual(
        linear(few, layer.weight, layer.bias).toFloat32Array(),
      );
      const half = noGrad(() => autocast({ device: 'cpu', dtype: 'bfloat16' }, () => layer.forward(x)));
      expect(half.dtype).toBe('bfloat16');
      for (const activation of ['relu', 'gelu', undefined] as const) {
        const after = { plus, ...(activation && { activation }) };
        const joined = noGrad(() => layer.forwardThen(x, after));
        const withGradients = layer.forwardThen(x, after);
        expect(withGradients.requiresGrad).toBe(true);
        expect(difference(joined, withGradients)).toBeLessThan(TOLERANCE);
        const heard: unknown[] = [];
        const tap = (output: unknown): void => void heard.push((output as Tensor).shape);
        const tapped = noGrad(() => withTaps(layer, new Map([['', tap]]), () => layer.forwardThen(x, after)));
        expect(heard).toEqual([[2, 20, 40]]);
        expect(difference(tapped, withGradients)).toBeLessThan(TOLERANCE);
      }
      layer.dispose();
    });
  });

  it('keep a weight only in evaluation, and free it with training or the layer', () => {
    const before = memory().liveBytes;
    const layers = [new Linear(64, 64), new MultiheadAttention(64, 4)] as const;
    const bare = memory().liveBytes;
    const use = (): number => {
      scope(() => {
        const x = zeros([1, 40, 64]);
        layers[0].forward(x);
        layers[1].forward(x, x, x);
      });
      return memory().liveBytes - bare;
    };
    expect(noGrad(use)).toBe(0);
    layers.forEach((layer) => layer.eval());
    expect(use()).toBe(0);
    expect(noGrad(use)).toBe((1 + 4) * 64 * 64 * 4);
    layers.forEach((layer) => layer.train());
    expect(memory().liveBytes).toBe(bare);
    layers.forEach((layer) => layer.eval());
    noGrad(use);
    layers.forEach((layer) => layer.dispose());
    expect(memory().liveBytes).toBe(before);
  });

  it('are each part of MultiheadAttention’s weight, whatever inputs are the same', () => {
    scope(() => {
      manualSeed(7);
      const layer = new MultiheadAttention(32, 4).eval();
      const [a, b, c] = [randn([2, 33, 32]), randn([2, 33, 32]), randn([2, 33, 32])];
      for (const inputs of [
        [a, a, a],
        [a, b, b],
        [a, b, c],
        [b, a, a],
        [c, c, c],
        [c, a, b],
      ] as const) {
        const expected = layer.forward(...inputs); // with gradients, by libtorch
        expect(
          difference(
            noGrad(() => layer.forward(...inputs)),
            expected,
          ),
        ).toBeLessThan(1e-5); // two products and a softmax
      }
      layer.dispose();
    });
  });
});
