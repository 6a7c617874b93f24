import { afterEach, describe, expect, it } from 'vitest';
import { hasConv3x3 } from './conv3x3.js';
import { convProductsPacked, packForProducts } from './conv-products.js';
import { countFlops } from './flops.js';
import { conv2d, randn, zeros } from './generated/functions.js';
import { invoke, operator } from './invoke.js';
import { BatchNorm2d, Conv2d, ConvTranspose2d, setConvolutionKernel, withTaps } from './nn/index.js';
import { autocast } from './precision/autocast.js';
import { manualSeed, setThreads } from './runtime.js';
import { noGrad, scope } from './scope.js';
import { Tensor } from './tensor.js';

/** Sums of up to 2,304 float32 products round to a few units in the sixth digit of the largest. */
const TOLERANCE = 3e-6;

/** B, C, K, kernel, stride, padding, H, W. */
type Case = readonly [
  number,
  number,
  number,
  [number, number],
  [number, number],
  [number, number],
  number,
  number,
];

const CASES: readonly Case[] = [
  [2, 64, 32, [1, 1], [1, 1], [0, 0], 8, 12], // the map itself
  [1, 32, 96, [1, 1], [1, 1], [0, 0], 7, 7], // fewer rows than a piece
  [2, 40, 24, [1, 1], [2, 2], [0, 0], 9, 6], // a whole map and a half of pixels that no patch holds
  [1, 3, 64, [7, 7], [2, 2], [3, 3], 21, 30], // a ResNet's stem
  [2, 16, 48, [3, 3], [2, 2], [1, 1], 13, 8],
  [3, 256, 16, [3, 3], [2, 2], [1, 1], 6, 7],
  [2, 5, 1, [3, 3], [1, 1], [1, 1], 9, 11], // one output, odd inputs
  [1, 3, 20, [4, 4], [4, 4], [0, 0], 16, 19], // patches side by side, columns left over
  [2, 9, 7, [2, 5], [3, 1], [1, 2], 10, 4], // nothing square
  [2, 8, 70, [1, 1], [3, 2], [1, 2], 5, 5], // patches outside the map
];

const run = (lanes: number, x: Tensor, weight: Tensor, bias: Tensor | null, of: Case): Tensor =>
  Tensor.adopt(
    invoke(operator('reclmis::conv2d', ''), [
      x.id,
      weight.id,
      bias?.id ?? null,
      of[4],
      of[5],
      lanes,
    ]) as number,
  );

/** Vector widths that this processor has: 8 floats (AVX2), 16 (AVX-512). */
const LANES = [8, 16].filter((lanes) =>
  scope(() => {
    try {
      const one = [1, 1] as [number, number];
      run(lanes, randn([1, 1, 1, 1]), randn([1, 1, 1, 1]), null, [1, 1, 1, one, one, [0, 0], 1, 1]);
      return true;
    } catch {
      return false;
    }
  }),
);

/** In float64. */
function problem([B, C, K, kernel, stride, padding, H, W]: Case): Record<
  'x' | 'weight' | 'bias' | 'y' | 'g',
  Tensor
> {
  const like = { dtype: 'float64' } as const;
  const x = randn([B, C, H, W], like).requiresGrad_();
  const weight = randn([K, C, ...kernel], like).requiresGrad_();
  const bias = randn([K], like).requiresGrad_();
  const y = conv2d(x, weight, bias, stride, padding);
  return { x, weight, bias, y, g: randn([...y.shape], like) };
}

const leafOf = (leaf: Tensor): Tensor => leaf.detach().to({ dtype: 'float32' }).requiresGrad_();

/** Largest difference over the largest expected value. */
function difference(actual: Tensor | null, expected: Tensor | null): number {
  if (!actual || !expected) throw new Error('expected a tensor, got none');
  const right = expected.detach();
  return actual.detach().to({ dtype: 'float64' }).sub(right).abs().max().item() / right.abs().max().item();
}

describe.skipIf(!hasConv3x3())('convolution by products', () => {
  afterEach(() => {
    setConvolutionKernel('libtorch');
    setThreads(2);
  });

  describe.each(LANES)('with vectors of %i floats', (lanes) => {
    it.each(CASES)(
      'equals the definition, and so do its gradients: %j, %j, %j, %j, %j, %j, %j x %j',
      (...of) => {
        scope(() => {
          manualSeed(of[1]);
          const { x, weight, bias, y, g } = problem(of);
          y.backward(g);
          const [map, weight32, bias32] = [leafOf(x), leafOf(weight), leafOf(bias)];
          const actual = run(lanes, map, weight32, bias32, of);
          expect(actual.shape).toEqual(y.shape);
          actual.backward(g.to({ dtype: 'float32' }));
          expect(difference(actual, y)).toBeLessThan(TOLERANCE);
          expect(difference(map.grad, x.grad)).toBeLessThan(TOLERANCE);
          expect(difference(weight32.grad, weight.grad)).toBeLessThan(TOLERANCE);
          expect(difference(bias32.grad, bias.grad)).toBeLessThan(TOLERANCE);
        });
      },
    );
  });

  it.each(CASES)('adds a map and clamps in evaluation: %j, %j, %j, %j, %j, %j, %j x %j', (...of) => {
    scope(() => {
      manualSeed(of[2]);
      const { x, weight, bias, y, g } = problem(of);
      const [map, shift, plus] = [leafOf(x), leafOf(bias), leafOf(g)];
      const packed = packForProducts(leafOf(weight));
      const shape = { kernel: of[3], stride: of[4], padding: of[5] };
      const both = noGrad(() => convProductsPacked(map, packed, shift, plus, true, shape));
      expect(difference(both, y.add(g).relu())).toBeLessThan(TOLERANCE);
      const plain = noGrad(() => convProductsPacked(map, packed, shift, null, false, shape));
      expect(difference(plain, y)).toBeLessThan(TOLERANCE);
    });
  });

  it('gives the same bits with one thread and with three', () => {
    scope(() => {
      const bits = (of: Case, threads: number): Float32Array[] => {
        setThreads(threads);
        manualSeed(4);
        const { x, weight, bias, g } = problem(of);
        const leaves = [x, weight, bias].map(leafOf) as [Tensor, Tensor, Tensor];
        const y = run(0, ...leaves, of);
        y.backward(g.to({ dtype: 'float32' }));
        return [y, ...leaves.map(({ grad }) => grad as Tensor)].map((tensor) => tensor.toFloat32Array());
      };
      // 600 patches of 2,304 numbers: several stages of the weights' gradient.
      const large: Case = [1, 256, 16, [3, 3], [2, 2], [1, 1], 48, 50];
      for (const of of [...CASES.slice(0, 4), large]) expect(bits(of, 3)).toEqual(bits(of, 1));
    });
  });

  it.each([
    { channels: [16, 8], kernel: 2, options: { stride: 2 } },
    { channels: [24, 40], kernel: 3, options: { stride: 2, padding: 1, outputPadding: 1, bias: false } },
    {
      channels: [8, 16],
      kernel: [1, 4],
      options: { stride: [3, 1], padding: [0, 2], outputPadding: [1, 0] },
    },
  ] as const)(
    'transposed equals the definition, and so do its gradients: %o',
    ({ channels, kernel, options }) => {
      scope(() => {
        manualSeed(11);
        const layer = new ConvTranspose2d(channels[0], channels[1], kernel, options);
        const x = randn([2, channels[0], 5, 6]).requiresGrad_();
        const leaves = [x, ...layer.parameters()];
        const g = randn([...layer.forward(x).shape]);
        const gradients = (): Tensor[] => {
          const y = layer.forward(x);
          y.backward(g);
          const found = [y.detach(), ...leaves.map(({ grad }) => (grad as Tensor).clone())];
          for (const leaf of leaves) leaf.clearGrad();
          return found;
        };
        const libtorch = gradients();
        setConvolutionKernel('winograd');
        const { flops } = countFlops(() =>
          gradients().forEach((own, i) => {
            const expected = (libtorch[i] as Tensor).to({ dtype: 'float64' });
            expect(difference(own, expected)).toBeLessThan(2 * TOLERANCE); // both round
          }),
        );
        expect(flops.products).toBe(1);
        layer.dispose();
      });
    },
  );

  it('takes any layout of maps and weights', () => {
    scope(() => {
      const of: Case = [2, 16, 32, [3, 3], [2, 2], [1, 1], 9, 9];
      const { x, weight } = problem(of);
      const [x32, weight32] = [leafOf(x), leafOf(weight)];
      const last = { memoryFormat: 'channelsLast' } as const;
      const other = run(0, x32.contiguous(last), weight32.contiguous(last), null, of);
      expect(other.toFloat32Array()).toEqual(run(0, x32, weight32, null, of).toFloat32Array());
    });
  });

  it('passes NaN on, also through the ReLU', () => {
    scope(() => {
      const x = Tensor.fromFloat32([NaN, 1, -1], [1, 1, 1, 3]);
      const shape = { kernel: [1, 1], stride: [1, 1], padding: [0, 0] } as const;
      for (const K of [1, 32]) {
        const packed = packForProducts(Tensor.fromFloat32(new Float32Array(K).fill(2), [K, 1, 1, 1]));
        const y = noGrad(() => convProductsPacked(x, packed, zeros([K]), null, true, shape));
        expect([...y.toFloat32Array().slice(0, 3)]).toEqual([NaN, 2, 0]);
      }
    });
  });

  it('of no maps gives none, and gradients of 0', () => {
    scope(() => {
      const leaves = [zeros([0, 8, 4, 4]), randn([16, 8, 1, 1]), randn([16])] as [Tensor, Tensor, Tensor];
      for (const leaf of leaves) leaf.requiresGrad_();
      const y = run(0, ...leaves, CASES[0] as Case);
      expect(y.shape).toEqual([0, 16, 4, 4]);
      y.sum().backward();
      for (const { grad } of leaves.slice(1)) expect(grad?.abs().max().item()).toBe(0);
    });
  });

  it('names what it refuses', () => {
    scope(() => {
      const x = randn([1, 8, 4, 4]);
      const refused =
        (weight: Tensor, stride: number[], padding: number[]): (() => unknown) =>
        () =>
          invoke(operator('reclmis::conv2d', ''), [x.id, weight.id, null, stride, padding]);
      expect(refused(randn([16, 9, 1, 1]), [1, 1], [0, 0])).toThrow(/input \[B,C,H,W\] and a weight/);
      expect(refused(randn([16, 8, 7, 7]), [1, 1], [1, 1])).toThrow(/kernel is larger than the padded map/);
      expect(refused(randn([16, 8, 1, 1]), [0, 1], [0, 0])).toThrow(/below its least/);
      expect(refused(randn([16, 8, 1, 1], { dtype: 'float64' }), [1, 1], [0, 0])).toThrow(/float32/);
    });
  });
});

describe.skipIf(!hasConv3x3())('a convolution with its normalisation', () => {
  afterEach(() => setConvolutionKernel('libtorch'));

  /** A layer whose statistics differ from those of a new one. */
  function layers(kernel: 1 | 3, stride: 1 | 2): { conv: Conv2d; norm: BatchNorm2d } {
    const conv = new Conv2d(16, 32, kernel, { stride, padding: (kernel - 1) / 2 });
    const norm = new BatchNorm2d(32);
    noGrad(() => {
      for (const tensor of [norm.weight, norm.bias, norm.runningMean]) tensor.normal_();
      norm.runningVar.uniform_(0.5, 2);
    });
    return { conv, norm };
  }

  it.each([
    [3, 1],
    [3, 2],
    [1, 1],
    [1, 2],
  ] as const)('is the same joined, kernel %i, stride %i', (kernel, stride) => {
    scope(() => {
      manualSeed(5);
      const { conv, norm } = layers(kernel, stride);
      conv.eval();
      norm.eval();
      const x = randn([2, 16, 9, 7]);
      const plain = noGrad(() => norm.forward(conv.forward(x)));
      const plus = randn([...plain.shape]);
      setConvolutionKernel('winograd');
      const joined = noGrad(() => [
        conv.forwardNorm(x, norm),
        conv.forwardNorm(x, norm, { relu: true }),
        conv.forwardNorm(x, norm, { plus, relu: true }),
      ]);
      const expected = [plain, plain.relu(), plain.add(plus).relu()];
      // Winograd's algorithm rounds to 1e-5 of the largest.
      joined.forEach((map, i) => expect(difference(map, expected[i] ?? null)).toBeLessThan(1e-5));
      // With gradients the layers run one after the other.
      expect(difference(conv.forwardNorm(x, norm, { plus, relu: true }), expected[2] ?? null)).toBeLessThan(
        1e-5,
      );
      conv.dispose();
      norm.dispose();
    });
  });

  it('follows every change of weights and statistics', () => {
    setConvolutionKernel('winograd');
    scope(() => {
      const { conv, norm } = layers(1, 1);
      const x = randn([2, 16, 9, 7]);
      const check = (): void => {
        conv.eval();
        norm.eval();
        const expected = noGrad(() => norm.forward(conv.forward(x)));
        expect(
          difference(
            noGrad(() => conv.forwardNorm(x, norm)),
            expected,
          ),
        ).toBeLessThan(1e-5);
      };
      check();
      for (const tensor of [conv.weight, norm.weight, norm.bias, norm.runningMean, norm.runningVar]) {
        noGrad(() => tensor.mul_(1.5));
        check();
      }
      norm.train().forward(conv.forward(x)); // the statistics alone, and the convolution stays in evaluation
      check();
      norm.train();
      conv.train().forwardNorm(x, norm, { relu: true });
      check();
      conv.dispose();
      norm.dispose();
    });
  });

  it('tells apart normalisations that have changed as often', () => {
    setConvolutionKernel('winograd');
    scope(() => {
      const [{ conv, norm }, other] = [layers(1, 1), layers(1, 1)];
      conv.eval();
      const x = randn([1, 16, 5, 5]);
      for (const one of [norm, other.norm, norm]) {
        one.eval();
        const [joined, apart] = noGrad(() => [conv.forwardNorm(x, one), one.forward(conv.forward(x))]);
        expect(difference(joined, apart)).toBeLessThan(1e-5);
      }
      for (const layer of [conv, norm, other.conv, other.norm]) layer.dispose();
    });
  });

  it('runs what classes below put in place of the layers', () => {
    class Doubled extends Conv2d {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    class Raised extends BatchNorm2d {
      override forward(x: Tensor): Tensor {
        return super.forward(x).add(3);
      }
    }
    setConvolutionKernel('winograd');
    scope(() => {
      const { conv, norm } = layers(1, 1);
      const [doubled, raised] = [new Doubled(16, 32, 1), new Raised(32)];
      for (const layer of [conv, norm, doubled, raised]) layer.eval();
      const x = randn([1, 16, 5, 5]);
      const same = (one: Conv2d, other: BatchNorm2d): void => {
        const [joined, apart] = noGrad(() => [one.forwardNorm(x, other), other.forward(one.forward(x))]);
        expect(joined.toFloat32Array()).toEqual(apart.toFloat32Array());
      };
      same(conv, raised);
      same(doubled, raised);
      const [own, libtorch] = noGrad(() => [doubled.forwardNorm(x, norm), norm.forward(doubled.forward(x))]);
      expect(difference(own, libtorch)).toBeLessThan(1e-5); // libtorch's normalisation rounds otherwise
      for (const layer of [conv, norm, doubled, raised]) layer.dispose();
    });
  });

  it('is heard by taps, and counted like its parts', () => {
    setConvolutionKernel('winograd');
    scope(() => {
      const { conv, norm } = layers(1, 2);
      conv.eval();
      norm.eval();
      const x = randn([1, 16, 8, 8]);
      const joined = (): Tensor => noGrad(() => conv.forwardNorm(x, norm, { relu: true }));
      let heard = 0;
      const hear = (): void => {
        heard++;
      };
      withTaps(conv, new Map([['', hear]]), joined);
      expect(heard).toBe(1);
      const { flops } = countFlops(joined);
      expect(flops).toMatchObject({ forward: 2 * 16 * 32 * 4 * 4, backward: 0, products: 1 });
      conv.dispose();
      norm.dispose();
    });
  });

  it('leaves 16-bit precision to libtorch', () => {
    setConvolutionKernel('winograd');
    scope(() => {
      const { conv, norm } = layers(1, 1);
      conv.eval();
      norm.eval();
      const x = randn([1, 16, 8, 8]);
      const [joined, apart] = noGrad(() =>
        autocast({ device: 'cpu', dtype: 'bfloat16' }, (): [Tensor, Tensor] => [
          conv.forwardNorm(x, norm),
          norm.forwardThen(conv.forward(x), {}),
        ]),
      );
      expect(joined.dtype).toBe('bfloat16');
      expect(joined.toFloat32Array()).toEqual(apart.toFloat32Array());
      conv.dispose();
      norm.dispose();
    });
  });
});
