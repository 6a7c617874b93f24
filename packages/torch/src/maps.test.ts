import { afterEach, describe, expect, it } from 'vitest';
import { cat, conv2d, eye, randn, stack, zeros } from './generated/functions.js';
import {
  attendAndJoin,
  batchNormRelu,
  channelMax,
  instanceNorm,
  isLaneMap,
  pixelMeanMax,
  projectedMeanMax,
  reluMean,
  upsampleJoin,
  weighJoin,
} from './maps.js';
import { native } from './native.js';
import { BatchNorm2d, gelu, InstanceNorm2d, upsampleNearest2d } from './nn/index.js';
import { manualSeed, setThreads } from './runtime.js';
import { scope } from './scope.js';
import { Tensor, type DType } from './tensor.js';
import { trace } from './trace.js';

/**
 * Relative to the largest element: float32 has 6e-8, and sums of up to 1,000 lose some digits; bfloat16
 * rounds inputs, results and gradients to 2e-3 each.
 */
const TOLERANCE = { float32: 2e-6, bfloat16: 1.2e-2 } as const;
type Narrow = keyof typeof TOLERANCE;

type Form = (leaves: readonly Tensor[]) => Tensor;
const first = ([x]: readonly Tensor[]): Tensor => x as Tensor;

/** Float64 values that `dtype` holds exactly. */
function exact(shape: readonly number[], dtype: DType): Tensor {
  return randn(shape).to({ dtype }).to({ dtype: 'float64' });
}

/** The leaf as a kernel gets it: in its dtype, maps channels-last. */
function narrow(leaf: Tensor, dtype: DType): Tensor {
  const x = leaf.detach().to({ dtype });
  return (x.shape.length === 4 && x.shape[1] !== 1 ? x.contiguous({ memoryFormat: 'channelsLast' }) : x)
    .clone()
    .requiresGrad_();
}

function difference(actual: Tensor | null, expected: Tensor | null): number {
  if (!actual || !expected) throw new Error('expected a gradient, got none');
  const right = expected.detach();
  return actual.detach().to({ dtype: 'float64' }).sub(right).abs().max().item() / right.abs().max().item();
}

/** Compares results and gradients with the definition in float64. `types`: the leaves' dtypes where not all `dtype`. */
function compare(
  shapes: readonly (readonly number[])[],
  dtype: Narrow,
  definition: Form,
  kernel: Form,
  types: readonly DType[] = shapes.map(() => dtype),
): void {
  scope(() => {
    manualSeed(shapes[0]?.[1] ?? 0);
    const leaves = shapes.map((shape, i) => exact(shape, types[i] as DType).requiresGrad_());
    const expected = definition(leaves);
    const g = exact(expected.shape, dtype);
    expected.backward(g);
    const own = leaves.map((leaf, i) => narrow(leaf, types[i] as DType));
    const actual = kernel(own);
    expect(actual.dtype).toBe(dtype);
    expect(actual.shape).toEqual(expected.shape);
    // In another layout than the map's, which the kernels must handle.
    actual.backward(g.to({ dtype }));
    expect(difference(actual, expected)).toBeLessThan(TOLERANCE[dtype]);
    own.forEach((leaf, i) =>
      expect(difference(leaf.grad, leaves[i]?.grad ?? null)).toBeLessThan(TOLERANCE[dtype]),
    );
  });
}

const DTYPES = ['float32', 'bfloat16'] as const;

describe.skipIf(!native().hasLanes())('passes over maps', () => {
  afterEach(() => setThreads(2));

  const maps = [
    [2, 8, 3, 5],
    [3, 40, 7, 9], // a block of 32 channels and one of 8
    [2, 64, 33, 31], // several pieces, the last one shorter
  ] as const;
  const cases = maps.flatMap((shape) => DTYPES.map((dtype) => [shape, dtype] as const));

  it.each(cases)('batch normalisation with ReLU is the two in a row: %j, %s', (shape, dtype) => {
    const C = shape[1];
    const running = (): [Tensor, Tensor] => [zeros([C]), zeros([C]).add(1)];
    const [mean, variance] = running();
    const normalise: Form = ([x, weight, bias]) => {
      const dims = [0, 2, 3];
      const map = x as Tensor;
      const centred = map.sub(map.mean(dims, true));
      const scaled = centred.mul(centred.square().mean(dims, true).add(1e-5).rsqrt());
      return scaled
        .mul((weight as Tensor).view([1, C, 1, 1]))
        .add((bias as Tensor).view([1, C, 1, 1]))
        .relu();
    };
    compare(
      [shape, [C], [C]],
      dtype,
      normalise,
      ([x, weight, bias]) =>
        batchNormRelu(x as Tensor, weight as Tensor, bias as Tensor, mean, variance, true, 0.1, 1e-5),
      [dtype, 'float32', 'float32'],
    );
    mean.dispose();
    variance.dispose();
  });

  it.each(cases.flatMap((one) => [true, false].map((relu) => [...one, relu] as const)))(
    'batch normalisation plus a map is their sum: %j, %s, ReLU %s',
    (shape, dtype, relu) => {
      const C = shape[1];
      scope(() => {
        const [mean, variance] = [zeros([C]), zeros([C]).add(1)];
        compare(
          [shape, [C], [C], shape],
          dtype,
          ([x, weight, bias, plus]) => {
            const dims = [0, 2, 3];
            const centred = (x as Tensor).sub((x as Tensor).mean(dims, true));
            const scaled = centred.mul(centred.square().mean(dims, true).add(1e-5).rsqrt());
            const [w, b] = [weight, bias].map((t) => (t as Tensor).view([1, C, 1, 1])) as [Tensor, Tensor];
            const sum = scaled
              .mul(w)
              .add(b)
              .add(plus as Tensor);
            return relu ? sum.relu() : sum;
          },
          ([x, weight, bias, plus]) => {
            const layer = [weight, bias].map((t) => t as Tensor) as [Tensor, Tensor];
            const map = plus as Tensor;
            return batchNormRelu(x as Tensor, ...layer, mean, variance, true, 0.1, 1e-5, map, relu);
          },
          [dtype, 'float32', 'float32', dtype],
        );
      });
    },
  );

  it.each(cases)(
    'with running statistics it is the two in a row as well, and leaves them: %j, %s',
    (shape, dtype) => {
      const C = shape[1];
      scope(() => {
        manualSeed(C);
        const [mean, variance] = [randn([C]), randn([C]).square().add(0.5)];
        const before = [mean, variance].map((t) => t.clone().toFloat32Array());
        const columns = (t: Tensor): Tensor => t.to({ dtype: 'float64' }).view([1, C, 1, 1]);
        compare(
          [shape, [C], [C]],
          dtype,
          ([x, weight, bias]) =>
            (x as Tensor)
              .sub(columns(mean))
              .mul(columns(variance).add(1e-5).rsqrt())
              .mul(columns(weight as Tensor))
              .add(columns(bias as Tensor))
              .relu(),
          ([x, weight, bias]) =>
            batchNormRelu(x as Tensor, weight as Tensor, bias as Tensor, mean, variance, false, 0.1, 1e-5),
          [dtype, 'float32', 'float32'],
        );
        expect([mean, variance].map((t) => t.toFloat32Array())).toEqual(before);
      });
    },
  );

  it.each([
    ...maps.map((shape) => [shape, 0.01] as const),
    [[2, 16, 3, 2], 1] as const,
    [[2, 24, 90, 1], 1] as const,
  ])('instance normalisation with leaky ReLU is the two in a row: %j, slope %d', (shape, slope) => {
    const C = shape[1];
    for (const affine of [true, false]) {
      compare(
        affine ? [shape, [C], [C]] : [shape],
        'float32',
        ([x, weight, bias]) => {
          const map = (x as Tensor).sub((x as Tensor).mean([2, 3], true));
          const scaled = map.mul(map.square().mean([2, 3], true).add(1e-5).rsqrt());
          const moved =
            weight && bias ? scaled.mul(weight.view([1, C, 1, 1])).add(bias.view([1, C, 1, 1])) : scaled;
          return moved.leakyRelu(slope);
        },
        ([x, weight, bias]) => instanceNorm(x as Tensor, weight ?? null, bias ?? null, 1e-5, slope),
      );
    }
  });

  it('takes the place of libtorch’s operators in the layer', () => {
    scope(() => {
      manualSeed(6);
      using layer = new InstanceNorm2d(16);
      const x = randn([2, 16, 5, 7]).add(30);
      const plain = layer.forwardLeakyRelu(x.contiguous(), 0.1); // not channels-last
      const own = layer.forwardLeakyRelu(x.contiguous({ memoryFormat: 'channelsLast' }), 0.1);
      expect(difference(own, plain.to({ dtype: 'float64' }))).toBeLessThan(4e-6); // a mean of 30 in float32 is known to 2e-6
      using narrow = new InstanceNorm2d(15); // no whole lanes
      expect(narrow.forwardLeakyRelu(x.narrow(1, 0, 15), 0.1).shape).toEqual([2, 15, 5, 7]);
    });
  });

  it.each([[[3, 5, 7]], [[2, 1000]], [[1]]])('GELU is x / 2 (1 + erf(x / sqrt 2)): %j', (shape) => {
    compare(
      [shape],
      'float32',
      (x) => first(x).mul(4).mul(Math.SQRT1_2).erf().add(1).mul(first(x).mul(4)).mul(0.5),
      (x) => gelu(first(x).mul(4)),
    );
  });

  it('GELU takes any strides, also of its gradient, passes on NaN, and is 0 and x far from 0', () => {
    scope(() => {
      manualSeed(7);
      const wide = (x: Tensor): Tensor => x.detach().to({ dtype: 'float64' }).requiresGrad_();
      for (const x of [randn([4, 6, 9]).transpose(1, 2), randn([4, 6, 9]).narrow(2, 1, 5)]) {
        const [own, other] = [x.detach().requiresGrad_(), wide(x)];
        const g = randn([...x.shape].reverse()).permute([2, 1, 0]);
        gelu(own).backward(g);
        gelu(other).backward(g.to({ dtype: 'float64' }));
        expect(difference(own.grad, other.grad)).toBeLessThan(2e-6);
      }
      const odd = Tensor.fromFloat32(Float32Array.of(NaN, -200, 200, 0, -0.001), [5]);
      const [nan, ...rest] = gelu(odd).toFloat32Array();
      expect(nan).toBeNaN();
      [-0, 200, 0, -0.00049960106].forEach((value, i) => expect(rest[i]).toBeCloseTo(value, 8));
    });
  });

  it('moves running statistics as the layer does, and keeps the digits of a mean far from zero', () => {
    scope(() => {
      manualSeed(5);
      const x = randn([2, 16, 9, 11]).add(300).contiguous({ memoryFormat: 'channelsLast' });
      const layers = [new BatchNorm2d(16), new BatchNorm2d(16)] as const;
      const plain = layers[0].forward(x).relu();
      const own = layers[1].forwardThen(x, { relu: true });
      // A mean of 300 in float32: x itself is known to 3e-5 of a deviation.
      expect(own.sub(plain).abs().max().item()).toBeLessThan(1e-4);
      expect(difference(layers[1].runningMean, layers[0].runningMean.to({ dtype: 'float64' }))).toBeLessThan(
        1e-6,
      );
      expect(difference(layers[1].runningVar, layers[0].runningVar.to({ dtype: 'float64' }))).toBeLessThan(
        1e-5,
      );
      for (const layer of layers) layer.dispose();
    });
  });

  it.each(cases)('upsampling and the join with skips: %j, %s', ([B, C, H, W], dtype) => {
    for (const skips of [[], [24], [8, 16]]) {
      compare(
        [[B, C, H, W], ...skips.map((channels) => [B, channels, 2 * H, 2 * W])],
        dtype,
        ([x, ...others]) => cat([(x as Tensor).upsampleNearest2d([2 * H, 2 * W]), ...others], 1),
        ([x, ...others]) => upsampleJoin(x as Tensor, others),
      );
    }
  });

  it.each(cases)('the mean over channels of ReLU: %j, %s', (shape, dtype) => {
    compare(
      [shape],
      dtype,
      (x) => first(x).relu().mean([1]),
      (x) => reluMean(first(x)),
    );
  });

  it.each(cases)('the maximum over channels: %j, %s', (shape, dtype) => {
    // In bfloat16 some pixels have several largest channels, which share the gradient.
    compare(
      [shape],
      dtype,
      (x) => first(x).amax([1]),
      (x) => channelMax(first(x)),
    );
  });

  it.each([
    [1, 8, 1, 1],
    [2, 24, 3, 5],
    [2, 128, 17, 19], // several pieces of pixels, the last one shorter
  ])('mean and maximum over the pixels: [%i, %i, %i, %i]', (...shape) => {
    compare(
      [shape],
      'float32',
      (x) => cat([first(x).mean([2, 3], true), first(x).amax([2, 3], true)], 1),
      (x) => cat(pixelMeanMax(first(x)), 1),
    );
  });

  it('shares a maximum’s gradient among equal pixels of all pieces', () => {
    scope(() => {
      const x = zeros([1, 128, 20, 20]);
      x.narrow(1, 3, 1).narrow(2, 0, 1).narrow(3, 5, 1).fill_(2);
      x.narrow(1, 3, 1).narrow(2, 19, 1).narrow(3, 7, 1).fill_(2);
      const leaf = x.contiguous({ memoryFormat: 'channelsLast' }).requiresGrad_();
      pixelMeanMax(leaf)[1].sum().backward();
      const gradient = leaf.grad?.sum([2, 3]).toFloat32Array() ?? [];
      for (const value of gradient) expect(value).toBeCloseTo(1, 4); // 400 shares of 1/400 round
      expect(leaf.grad?.narrow(1, 3, 1).max().item()).toBe(0.5);
      expect(leaf.grad?.narrow(1, 4, 1).max().item()).toBe(leaf.grad?.narrow(1, 4, 1).min().item());
    });
  });

  it.each([
    [
      [2, 8, 3, 5],
      [2, 24, 3, 5],
      [2, 40, 3, 5],
    ], // blocks of 32 channels and of 8
    [[2, 128, 17, 19]], // several pieces
  ])('maps times weights of their channels, joined: %j, %j, %j', (...maps) => {
    const weights = maps.map(([B, C]) => [B as number, C as number, 1, 1]);
    compare(
      [...maps, ...weights],
      'float32',
      (all) =>
        cat(
          maps.map((_, i) => (all[i] as Tensor).mul(all[maps.length + i] as Tensor)),
          1,
        ),
      (all) => weighJoin(all.slice(0, maps.length), all.slice(maps.length)),
    );
  });

  it.each([
    [[1, 8, 1, 1], 8],
    [[2, 24, 3, 5], 40], // a panel of 16 channels and one of 8, on both sides
    [[3, 64, 9, 11], 64], // several pieces, the last one shorter and odd
    [[1, 16, 37, 29], 128],
  ] as const)('mean and maximum over the channels of two 1x1 convolutions: %j to %i', (shape, K) => {
    const weights = [K, shape[1], 1, 1];
    compare(
      [shape, weights, weights],
      'float32',
      ([x, toMean, toMax]) =>
        stack([
          conv2d(x as Tensor, toMean as Tensor)
            .relu()
            .mean([1]),
          conv2d(x as Tensor, toMax as Tensor).amax([1]),
        ]),
      ([x, toMean, toMax]) => stack(projectedMeanMax(x as Tensor, toMean as Tensor, toMax as Tensor)),
    );
  });

  it('gives a maximum’s gradient to the first of equal channels', () => {
    scope(() => {
      const x = zeros([1, 8, 2, 2]).add(1).contiguous({ memoryFormat: 'channelsLast' });
      const toMax = zeros([16, 8, 1, 1]);
      toMax.narrow(0, 5, 1).fill_(2);
      toMax.narrow(0, 14, 1).fill_(2);
      toMax.requiresGrad_();
      const [mean, maximum] = projectedMeanMax(x, zeros([16, 8, 1, 1]), toMax);
      expect([...mean.toFloat32Array(), ...maximum.toFloat32Array()]).toEqual([0, 0, 0, 0, 16, 16, 16, 16]);
      maximum.sum().backward();
      const rows = toMax.grad?.view([16, 8]).sum([1]).toFloat32Array();
      expect([...(rows ?? [])]).toEqual(Array.from({ length: 16 }, (_, k) => (k === 5 ? 8 * 4 : 0)));
    });
  });

  it.each(DTYPES)('attention on the skip, joined with the map below: %s', (dtype) => {
    for (const [C, D, H, W] of [
      [8, 8, 1, 1],
      [24, 40, 3, 5],
      [64, 64, 7, 6],
    ] as const) {
      compare(
        [
          [2, C, 2 * H, 2 * W],
          [2, 1, 2 * H, 2 * W],
          [2, D, H, W],
        ],
        dtype,
        ([skip, attention, below]) =>
          cat([(skip as Tensor).mul(attention as Tensor), upsampleNearest2d(below as Tensor, 2)], 1),
        ([skip, attention, below]) => attendAndJoin(skip as Tensor, attention as Tensor, below as Tensor),
      );
    }
  });

  it('gives the same bits on one thread as on two', () => {
    const bits = (threads: number): Float32Array[] =>
      scope(() => {
        manualSeed(3);
        setThreads(threads);
        const x = narrow(randn([2, 32, 40, 38]), 'float32');
        const layer = new BatchNorm2d(32);
        const y = layer.forwardThen(x, { relu: true });
        const weights = [randn([16, 32, 1, 1]), randn([16, 32, 1, 1])] as const;
        for (const weight of weights) weight.requiresGrad_();
        const [mean, maximum] = projectedMeanMax(y, ...weights);
        const attention = reluMean(y).add(channelMax(y)).add(mean).add(maximum).unsqueeze(1);
        const [means, maxima] = pixelMeanMax(y);
        const weighed = weighJoin([y, y], [means.mul(maxima), maxima]).narrow(1, 0, 32);
        const summed = y.add(weighed).contiguous({ memoryFormat: 'channelsLast' });
        const joined = attendAndJoin(summed, attention, narrow(randn([2, 8, 20, 19]), 'float32'));
        joined.backward(randn(joined.shape));
        const all = [
          joined,
          x.grad,
          ...weights.map((weight) => weight.grad),
          layer.weight.grad,
          layer.bias.grad,
          layer.runningVar,
        ];
        const found = all.map((t) => t?.toFloat32Array() ?? new Float32Array());
        layer.dispose();
        return found;
      });
    expect(bits(1)).toEqual(bits(2));
  });

  it('passes NaN on, so a loss shows it', () => {
    scope(() => {
      const x = randn([1, 16, 4, 4]).contiguous({ memoryFormat: 'channelsLast' });
      x.narrow(1, 3, 1).fill_(NaN);
      expect(reluMean(x).isfinite().any().item()).toBe(0);
      expect(channelMax(x).isfinite().any().item()).toBe(0);
      const identity = eye(16).view([16, 16, 1, 1]);
      for (const y of projectedMeanMax(x, identity, identity)) expect(y.isfinite().any().item()).toBe(0);
      const layer = new BatchNorm2d(16);
      expect(layer.forwardThen(x, { relu: true }).isfinite().all().item()).toBe(0);
      layer.dispose();
    });
  });

  it('takes only channels-last maps of whole lanes, and names what it refuses', () => {
    scope(() => {
      const last = (shape: readonly number[], dtype: DType = 'float32'): Tensor =>
        randn(shape).to({ dtype }).contiguous({ memoryFormat: 'channelsLast' });
      expect(isLaneMap(last([2, 16, 4, 4]))).toBe(true);
      expect(isLaneMap(last([2, 16, 4, 4], 'bfloat16'))).toBe(true);
      expect(isLaneMap(last([2, 12, 4, 4]))).toBe(false);
      expect(isLaneMap(last([2, 16, 4, 4], 'float64'))).toBe(false);
      expect(isLaneMap(randn([2, 16, 4, 4]))).toBe(false);
      expect(isLaneMap(randn([16, 16]))).toBe(false);
      expect(() => reluMean(randn([2, 16, 4, 4]))).toThrow(/channels-last/);
      const [skip, below] = [last([2, 16, 4, 4]), last([2, 16, 4, 4])];
      expect(() => attendAndJoin(skip, randn([2, 1, 4, 4]), below)).toThrow(/half the skip's size/);
      const none = zeros([0, 16, 1, 1]);
      expect(() => projectedMeanMax(skip, none, none)).toThrow(/K a multiple of 8/);
    });
  });

  it('BatchNorm2d.forwardThen runs both operators where no kernel fits, and while a trace records', () => {
    scope(() => {
      manualSeed(6);
      const layer = new BatchNorm2d(16);
      const x = randn([2, 16, 4, 4]);
      expect(layer.forwardThen(x, { relu: true }).toFloat32Array()).toEqual(
        layer.forward(x).relu().toFloat32Array(),
      );
      layer.eval();
      const last = x.contiguous({ memoryFormat: 'channelsLast' });
      const plain = layer.forward(last).relu().toFloat32Array();
      const own = layer.forwardThen(last, { relu: true }).toFloat32Array();
      // One multiply-add instead of two: a unit or two of the last place of terms up to 4.
      own.forEach((value, i) => expect(Math.abs(value - (plain[i] ?? NaN))).toBeLessThan(1e-6));
      const recorded = trace({ x: last }, () => ({ y: layer.forwardThen(last, { relu: true }) }));
      expect(recorded.calls.map(({ name }) => name)).toEqual(['batch_norm', 'relu']);
      recorded.dispose();
      layer.dispose();
    });
  });
});
