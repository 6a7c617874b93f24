import { afterEach, describe, expect, it } from 'vitest';
import { conv3x3, conv3x3Packed, conv3x3Transform, hasConv3x3 } from './conv3x3.js';
import { conv2d, randn, zeros } from './generated/functions.js';
import { countFlops } from './flops.js';
import { invoke, operator } from './invoke.js';
import { Kept } from './kept.js';
import { Conv2d, setConvolutionKernel } from './nn/index.js';
import { Adam } from './optim/index.js';
import { autocast } from './precision/autocast.js';
import { manualSeed, memory, setThreads } from './runtime.js';
import { noGrad, scope } from './scope.js';
import { Tensor } from './tensor.js';

/** F(4x4, 3x3) rounds about twice as much as the direct sum: up to 5e-6 of the largest element with 512 channels. */
const TOLERANCE = 1e-5;

/** The sums' error, and for bfloat16 half a unit of the largest element's last place. */
const MAP_TOLERANCE = { float32: TOLERANCE, bfloat16: TOLERANCE + 2 ** -8 } as const;
type MapType = keyof typeof MAP_TOLERANCE;

interface Problem {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly g: Tensor;
}

/** In float64, with values that `maps` can hold exactly. */
function problem(
  [B, C, K, H, W]: readonly [number, number, number, number, number],
  maps: MapType = 'float32',
): Problem {
  const like = { dtype: 'float64' } as const;
  const map = (shape: number[]): Tensor => randn(shape).to({ dtype: maps }).to(like);
  const made = {
    x: map([B, C, H, W]),
    weight: randn([K, C, 3, 3], like),
    bias: randn([K], like),
    g: map([B, K, H, W]),
  };
  for (const leaf of [made.x, made.weight, made.bias]) leaf.requiresGrad_();
  return made;
}

const leafOf = (leaf: Tensor, dtype: MapType = 'float32'): Tensor =>
  leaf.detach().to({ dtype }).requiresGrad_();

const withLanes = (lanes: number, x: Tensor, weight: Tensor, bias: Tensor, dilation = 1): Tensor => {
  const values = [x.id, weight.id, bias.id, lanes, undefined, dilation];
  return Tensor.adopt(invoke(operator('reclmis::conv3x3', ''), values) as number);
};

/** Vector widths that this processor has: 8 floats (AVX2), 16 (AVX-512). */
const LANES = [8, 16].filter((lanes) =>
  scope(() => {
    try {
      withLanes(lanes, randn([1, 16, 1, 1]), randn([16, 16, 3, 3]), randn([16]));
      return true;
    } catch {
      return false;
    }
  }),
);

/** Largest difference over the largest expected value. */
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

  describe.each(LANES)('with vectors of %i floats', (lanes) => {
    it.each(
      (
        [
          [2, 16, 32, 8, 12], // whole tiles
          [2, 32, 16, 7, 10], // tiles that stick out at bottom and right
          [3, 64, 64, 14, 14],
          [1, 16, 16, 1, 1], // smaller than a tile
          [1, 16, 16, 3, 21],
          [1, 80, 48, 33, 5], // channels no power of two
          [1, 256, 240, 13, 14],
          [1, 16, 32, 18, 15, 2],
          [2, 32, 16, 13, 25, 6], // some of its maps of every sixth pixel are a row or column shorter
          [1, 16, 16, 5, 7, 9], // reaches over the whole map
          [2, 144, 112, 9, 9], // several blocks of inputs and outputs, the last ones smaller
          [2, 48, 80, 37, 41], // more tiles than suit blocks: all weights are transformed first
          [1, 512, 512, 1, 516], // many weights: their gradients in blocks, though of more tiles
        ] as const
      ).flatMap((shape) => (['float32', 'bfloat16'] as const).map((maps) => ({ shape, maps }))),
    )(
      'equals the sum of the definition, and so do its gradients: $shape, $maps',
      ({ shape: given, maps }) => {
        const [B, C, K, H, W, dilation = 1] = given;
        const shape = [B, C, K, H, W] as const;
        scope(() => {
          manualSeed(shape[1]);
          const { x, weight, bias, g } = problem(shape, maps);
          const expected = conv2d(x, weight, bias, 1, dilation, dilation);
          expected.backward(g);
          const [map, weight32, bias32] = [leafOf(x, maps), leafOf(weight), leafOf(bias)];
          const actual = withLanes(lanes, map, weight32, bias32, dilation);
          expect(actual.shape).toEqual(expected.shape);
          expect(actual.dtype).toBe(maps);
          actual.backward(g.to({ dtype: maps }));
          expect(difference(actual, expected)).toBeLessThan(MAP_TOLERANCE[maps]);
          expect(difference(map.grad, x.grad)).toBeLessThan(MAP_TOLERANCE[maps]);
          expect(difference(weight32.grad, weight.grad)).toBeLessThan(TOLERANCE);
          expect(difference(bias32.grad, bias.grad)).toBeLessThan(TOLERANCE);
        });
      },
    );

    it('rounds a bfloat16 output to the nearest, ties to even, and keeps NaN', () => {
      scope(() => {
        // The bias alone: half a unit of 1's last place down and up to the even neighbour, and slightly more
        // than half.
        const bias = new Float32Array(16);
        bias.set([1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, 2 ** -130, NaN, Infinity]);
        const x = zeros([1, 16, 1, 1], { dtype: 'bfloat16' });
        const y = withLanes(lanes, x, zeros([16, 16, 3, 3]), Tensor.fromFloat32(bias, [16]));
        const expected = [1, 1 + 2 ** -6, 1 + 2 ** -7, 2 ** -130, NaN, Infinity];
        expect([...y.toFloat32Array().slice(0, 6)]).toEqual(expected);
      });
    });
  });

  it('casts maps to bfloat16 under autocast, and leaves weights and their gradients as they are', () => {
    scope(() => {
      manualSeed(6);
      setConvolutionKernel('winograd');
      const layer = new Conv2d(16, 32, 3, { padding: 1 });
      const x = randn([2, 16, 9, 9]).requiresGrad_();
      const y = autocast({ device: 'cpu', dtype: 'bfloat16' }, () => layer.forward(x));
      expect(y.dtype).toBe('bfloat16');
      const direct = conv3x3(x.detach().to({ dtype: 'bfloat16' }), layer.weight, layer.bias);
      expect(y.toFloat32Array()).toEqual(direct.toFloat32Array());
      y.sum().backward();
      expect([layer.weight.grad?.dtype, layer.bias?.grad?.dtype, x.grad?.dtype]).toEqual(
        Array(3).fill('float32'),
      );
      expect(layer.bias?.grad?.toFloat32Array()).toEqual(new Float32Array(32).fill(2 * 9 * 9)); // sums of ones
      layer.dispose();
    });
  });

  it('takes any layout of input and weight, and no bias', () => {
    scope(() => {
      manualSeed(2);
      const { x, weight } = problem([2, 16, 16, 9, 9]);
      const [x32, weight32] = [leafOf(x), leafOf(weight)];
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

  it.each([
    { maps: 'float32', shape: [2, 32, 96, 30, 30] },
    { maps: 'bfloat16', shape: [2, 32, 96, 30, 30] },
    { maps: 'float32', shape: [2, 96, 96, 21, 18] }, // blocks of weights in all directions
    { maps: 'float32', shape: [2, 32, 48, 37, 41] }, // too many tiles for blocks of weights
    { maps: 'float32', shape: [2, 256, 256, 28, 14] }, // two threads share the kept weight
  ] as const)('gives the same bits on one thread as on two: $shape, $maps', ({ maps, shape }) => {
    const bits = (threads: number): Float32Array[] =>
      scope(() => {
        manualSeed(3);
        setThreads(threads);
        const { x, weight, bias, g } = problem(shape);
        const leaves = [leafOf(x, maps), leafOf(weight), leafOf(bias)] as const;
        const y = conv3x3(...leaves);
        y.backward(g.to({ dtype: maps }));
        const kept = conv3x3(...leaves, conv3x3Transform(leaves[1]));
        expect(difference(kept, y.to({ dtype: 'float64' }))).toBeLessThan(2 * MAP_TOLERANCE[maps]);
        return [y, kept, leaves[0].grad, leaves[1].grad, leaves[2].grad].map(
          (t) => t?.toFloat32Array() ?? new Float32Array(),
        );
      });
    expect(bits(1)).toEqual(bits(2));
  });

  it('names what it refuses', () => {
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

  it('gives the same bits with a weight that was transformed before, until the weight changes', () => {
    scope(() => {
      manualSeed(7);
      const [x, weight] = [randn([2, 32, 9, 7]), randn([48, 32, 3, 3])];
      const kept = new Kept<{ weight: Tensor }>();
      const transformed = (): Tensor =>
        kept.of([weight], () => ({ weight: conv3x3Transform(weight) })).weight;
      const plain = conv3x3(x, weight, null).toFloat32Array();
      expect(conv3x3(x, weight, null, transformed()).toFloat32Array()).toEqual(plain);
      expect(transformed()).toBe(transformed());
      weight.mul_(2);
      const twice = conv3x3(x, weight, null, transformed()).toFloat32Array();
      expect(twice).toEqual(plain.map((value) => 2 * value)); // powers of two do not round
      weight.setData(weight.mul(0.5).contiguous({ memoryFormat: 'channelsLast' }));
      expect(conv3x3(x, weight, null, transformed()).toFloat32Array()).toEqual(plain);
      kept.dispose();
    });
  });

  it('transforms a kept weight again after an optimiser step in evaluation', () => {
    setConvolutionKernel('winograd');
    scope(() => {
      manualSeed(8);
      const layer = new Conv2d(16, 16, 3, { padding: 1 }).eval();
      const adam = new Adam(layer.namedParameters(), { lr: 0.1 });
      const x = randn([1, 16, 12, 12]);
      const evaluate = (): Float32Array => noGrad(() => layer.forward(x)).toFloat32Array();
      evaluate();
      layer.forward(x).square().sum().backward();
      adam.step();
      expect(evaluate()).toEqual(conv3x3(x, layer.weight, layer.bias).toFloat32Array());
      adam.dispose();
      layer.dispose();
    });
  });

  describe.each(['float32', 'bfloat16'] as const)('in evaluation, %s', (maps) => {
    it.each([1, 3])('adds a shift and another map and clamps, dilation %i', (dilation) => {
      scope(() => {
        manualSeed(9);
        const { x, weight, bias, g } = problem([2, 32, 48, 9, 7], maps);
        const [map, packed, shift] = [leafOf(x, maps), conv3x3Transform(leafOf(weight)), leafOf(bias)];
        const expected = conv2d(x, weight, bias, 1, dilation, dilation);
        const of = (plus: Tensor | null, relu: boolean): Tensor =>
          conv3x3Packed(map, packed, shift, plus, relu, dilation);
        const other = g.to({ dtype: maps });
        const sum = expected.add(other.to({ dtype: 'float64' }));
        expect(difference(of(null, false), expected)).toBeLessThan(MAP_TOLERANCE[maps]);
        expect(difference(of(null, true), expected.relu())).toBeLessThan(MAP_TOLERANCE[maps]);
        expect(difference(of(other, false), sum)).toBeLessThan(MAP_TOLERANCE[maps]);
        expect(difference(of(other, true), sum.relu())).toBeLessThan(MAP_TOLERANCE[maps]);
      });
    });
  });

  it('names a map that it cannot add', () => {
    scope(() => {
      const [x, packed] = [zeros([1, 16, 8, 8]), conv3x3Transform(zeros([32, 16, 3, 3]))];
      const adding = (plus: Tensor): Tensor => conv3x3Packed(x, packed, zeros([32]), plus, false);
      expect(() => adding(zeros([1, 32, 8, 1]))).toThrow(/the map to add is not of the result's shape/);
      expect(() => adding(zeros([1, 32, 8, 8], { dtype: 'bfloat16' }))).toThrow(/shape and type/);
    });
  });

  it.each([
    [0, 8, 8],
    [2, 0, 8],
    [2, 8, 0],
  ])('of %i maps of %i x %i pixels gives none, and gradients of 0', (B, H, W) => {
    scope(() => {
      const [x, weight, bias] = [zeros([B, 16, H, W]), randn([32, 16, 3, 3]), randn([32])];
      for (const leaf of [x, weight, bias]) leaf.requiresGrad_();
      const y = conv3x3(x, weight, bias);
      expect(y.shape).toEqual([B, 32, H, W]);
      y.sum().backward();
      expect(x.grad?.shape).toEqual([B, 16, H, W]);
      for (const { grad } of [weight, bias]) expect(grad?.abs().max().item()).toBe(0);
    });
  });

  it('keeps a transformed weight only in evaluation without gradients, and frees it with the layer', () => {
    setConvolutionKernel('winograd');
    const before = memory().liveBytes;
    const layer = new Conv2d(16, 16, 3, { padding: 1 });
    const bare = memory().liveBytes;
    const use = (): number => {
      scope(() => void layer.forward(zeros([1, 16, 12, 12])));
      return memory().liveBytes - bare;
    };
    expect(noGrad(use)).toBe(0); // in training
    layer.eval();
    expect(use()).toBe(0); // with gradients
    expect(noGrad(use)).toBeGreaterThanOrEqual(36 * 16 * 16 * 4);
    expect(noGrad(use)).toBeLessThan(2 * 36 * 16 * 16 * 4);
    layer.train();
    expect(memory().liveBytes).toBe(bare);
    noGrad(() => {
      layer.eval();
      use();
    });
    layer.dispose();
    expect(memory().liveBytes).toBe(before);
  });

  it('is used by Conv2d when chosen and where it fits, and counts as a convolution', () => {
    scope(() => {
      manualSeed(4);
      const x = randn([1, 16, 8, 8]);
      const layers = [
        new Conv2d(16, 32, 3, { padding: 1 }),
        new Conv2d(16, 8, 3, { padding: 1 }),
        new Conv2d(16, 16, 3),
        new Conv2d(16, 16, 1),
        new Conv2d(16, 16, 3, { padding: 2, dilation: 2 }),
        new Conv2d(16, 16, 3, { padding: 5, dilation: 5 }), // 25 tiles for 64 pixels: left to libtorch
      ];
      const before = layers.map((layer) => layer.forward(x));
      const direct = countFlops(() => layers[0]?.forward(x)).flops;
      expect(setConvolutionKernel('winograd')).toBe('libtorch');
      const after = layers.map((layer) => layer.forward(x));
      after.forEach((y, i) => expect(difference(y, before[i] ?? null)).toBeLessThan(TOLERANCE));
      const same = after.map((y, i) => y.toFloat32Array().join() === before[i]?.toFloat32Array().join());
      expect([0, 4, 5].map((i) => same[i])).toEqual([false, false, true]); // the other path was taken
      expect(countFlops(() => layers[0]?.forward(x)).flops).toEqual(direct);
      expect(direct.forward).toBe(2 * 32 * 8 * 8 * 16 * 9);
      for (const layer of layers) layer.dispose();
    });
  });
});
