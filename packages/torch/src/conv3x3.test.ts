import { afterEach, describe, expect, it } from 'vitest';
import { conv3x3, hasConv3x3 } from './conv3x3.js';
import { conv2d, randn } from './generated/functions.js';
import { countFlops } from './flops.js';
import { Conv2d, setConvolutionKernel } from './nn/index.js';
import { manualSeed, setThreads } from './runtime.js';
import { scope } from './scope.js';
import type { Tensor } from './tensor.js';

/** F(4x4, 3x3) rounds more than the direct sum: its worst element was off by 1.3e-5 of the largest in 64 channels; about twice that is allowed. */
const TOLERANCE = 3e-5;

interface Problem {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
  /** Gradient of the output. */
  readonly g: Tensor;
}

function problem([B, C, K, H, W]: readonly [number, number, number, number, number]): Problem {
  const like = { dtype: 'float64' } as const;
  const made = {
    x: randn([B, C, H, W], like),
    weight: randn([K, C, 3, 3], like),
    bias: randn([K], like),
    g: randn([B, K, H, W], like),
  };
  for (const leaf of [made.x, made.weight, made.bias]) leaf.requiresGrad_();
  return made;
}

const single = (leaf: Tensor): Tensor => leaf.detach().to({ dtype: 'float32' }).requiresGrad_();

/** Largest difference, as a share of the largest expected value. */
function difference(actual: Tensor | null, expected: Tensor | null): number {
  if (!actual || !expected) throw new Error('expected a gradient, got none');
  const right = expected.detach();
  return actual.detach().to({ dtype: 'float64' }).sub(right).abs().max().item() / right.abs().max().item();
}

describe.skipIf(!hasConv3x3())('conv3x3', () => {
  afterEach(() => {
    setConvolutionKernel('libtorch');
    setThreads(2);
  });

  it.each([
    [2, 16, 32, 8, 12], // whole tiles
    [2, 32, 16, 7, 10], // tiles that stick out at the bottom and at the right
    [3, 64, 64, 14, 14],
    [1, 16, 16, 1, 1], // smaller than a tile
    [1, 16, 16, 3, 21],
    [1, 80, 48, 33, 5], // more tiles than one piece of work, channels that are no power of two
  ] as const)(
    'equals the sum of the definition, and so do its gradients: %i x %i -> %i at %i x %i',
    (...shape) => {
      scope(() => {
        manualSeed(shape[1]);
        const { x, weight, bias, g } = problem(shape);
        const expected = conv2d(x, weight, bias, 1, 1);
        expected.backward(g);
        const [x32, weight32, bias32] = [single(x), single(weight), single(bias)];
        const actual = conv3x3(x32, weight32, bias32);
        expect(actual.shape).toEqual(expected.shape);
        actual.backward(g.to({ dtype: 'float32' }));
        expect(difference(actual, expected)).toBeLessThan(TOLERANCE);
        expect(difference(x32.grad, x.grad)).toBeLessThan(TOLERANCE);
        expect(difference(weight32.grad, weight.grad)).toBeLessThan(TOLERANCE);
        expect(difference(bias32.grad, bias.grad)).toBeLessThan(TOLERANCE);
      });
    },
  );

  it('takes any layout of input and weight, and no bias', () => {
    scope(() => {
      manualSeed(2);
      const { x, weight } = problem([2, 16, 16, 9, 9]);
      const [x32, weight32] = [single(x), single(weight)];
      const plain = conv3x3(x32, weight32, null).toFloat32Array();
      const other = conv3x3(
        x32.contiguous({ memoryFormat: 'channelsLast' }),
        weight32.contiguous({ memoryFormat: 'channelsLast' }),
        null,
      );
      expect(other.toFloat32Array()).toEqual(plain);
      expect(difference(other, conv2d(x, weight, null, 1, 1))).toBeLessThan(TOLERANCE);
    });
  });

  it('gives the same bits on one thread as on two', () => {
    const bits = (threads: number): Float32Array[] =>
      scope(() => {
        manualSeed(3);
        setThreads(threads);
        const { x, weight, bias, g } = problem([2, 32, 32, 30, 30]);
        const leaves = [single(x), single(weight), single(bias)] as const;
        const y = conv3x3(...leaves);
        y.backward(g.to({ dtype: 'float32' }));
        return [y, leaves[0].grad, leaves[1].grad].map((t) => t?.toFloat32Array() ?? new Float32Array());
      });
    expect(bits(1)).toEqual(bits(2));
  });

  it('refuses what it cannot do, by name', () => {
    scope(() => {
      const channels =
        (C: number, K: number): (() => Tensor) =>
        () =>
          conv3x3(randn([1, C, 4, 4]), randn([K, C, 3, 3]), null);
      expect(channels(8, 16)).toThrow(/multiples of 16/);
      expect(channels(16, 24)).toThrow(/multiples of 16/);
      expect(() => conv3x3(randn([1, 16, 4, 4], { dtype: 'float64' }), randn([16, 16, 3, 3]), null)).toThrow(
        /float32/,
      );
      expect(() => conv3x3(randn([1, 32, 4, 4]), randn([16, 16, 3, 3]), null)).toThrow(/32 channels/);
      expect(() => conv3x3(randn([1, 16, 4, 4]), randn([16, 16, 1, 1]), null)).toThrow(/OPERATOR_FAILED|3,3/);
    });
  });

  it('is what Conv2d uses when told to, where it fits, and counts as the convolution that it is', () => {
    scope(() => {
      manualSeed(4);
      const x = randn([1, 16, 8, 8]);
      const layers = [
        new Conv2d(16, 32, 3, { padding: 1 }),
        new Conv2d(16, 8, 3, { padding: 1 }),
        new Conv2d(16, 16, 3),
        new Conv2d(16, 16, 1),
      ];
      const before = layers.map((layer) => layer.forward(x));
      const direct = countFlops(() => layers[0]?.forward(x)).flops;
      expect(setConvolutionKernel('winograd')).toBe('libtorch');
      const after = layers.map((layer) => layer.forward(x));
      after.forEach((y, i) => expect(difference(y, before[i] ?? null)).toBeLessThan(TOLERANCE));
      expect(after[0]?.toFloat32Array()).not.toEqual(before[0]?.toFloat32Array()); // it did take the other way
      expect(countFlops(() => layers[0]?.forward(x)).flops).toEqual(direct);
      expect(direct.forward).toBe(2 * 32 * 8 * 8 * 16 * 9);
      for (const layer of layers) layer.dispose();
    });
  });
});
