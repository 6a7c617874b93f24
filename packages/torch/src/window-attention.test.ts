import { afterEach, describe, expect, it } from 'vitest';
import { randn, zeros } from './generated/functions.js';
import { native } from './native.js';
import { manualSeed, setThreads } from './runtime.js';
import { noGrad, scope } from './scope.js';
import { Tensor } from './tensor.js';
import { attendWindows } from './window-attention.js';

interface Case {
  readonly B: number;
  readonly H: number;
  readonly W: number;
  /** Side of a window. */
  readonly M: number;
  readonly shift: number;
  readonly heads: number;
  readonly D: number;
}

const BARRED = -100;

/** Largest difference over the largest expected value. */
function worst(actual: Tensor, expected: Tensor): number {
  const [a, b] = [actual, expected].map((x) => x.to({ dtype: 'float64' })) as [Tensor, Tensor];
  return a.sub(b).abs().max().item() / b.abs().max().item();
}

const band = (place: number, side: number, { M, shift }: Case): number =>
  Number(place >= side - M) + Number(place >= side - shift);

/** By libtorch's operators, as the paper has it: pad, roll, cut into windows, attend, and back. */
function definition(qkv: Tensor, outside: Tensor | null, table: Tensor, sizes: Case): Tensor {
  const { B, H, W, M, shift, heads: h, D } = sizes;
  const [C, T] = [h * D, M * M];
  const [rows, columns] = [Math.ceil(H / M), Math.ceil(W / M)];
  const [tall, wide] = [rows * M, columns * M];
  // Padding by zeros, of what lies above `outside`.
  const above = outside ? qkv.sub(outside) : qkv;
  const padded = above.view([B, H, W, 3 * C]).pad([0, 0, 0, wide - W, 0, tall - H]);
  const [q, k, v] = (outside ? padded.add(outside) : padded)
    .roll([-shift, -shift], [1, 2])
    .view([B, rows, M, columns, M, 3, h, D])
    .permute([5, 0, 1, 3, 6, 2, 4, 7])
    .reshape([3, B, rows * columns, h, T, D])
    .unbind(0) as [Tensor, Tensor, Tensor];
  const places = Array.from({ length: T * T }, (_, i) => {
    const [a, b] = [Math.floor(i / T), i % T];
    const down = Math.floor(a / M) - Math.floor(b / M) + M - 1;
    return down * (2 * M - 1) + (a % M) - (b % M) + M - 1;
  });
  const bias = table
    .index([Tensor.fromInt64(places, [T, T])])
    .permute([2, 0, 1])
    .view([1, 1, h, T, T]);
  const mask = Float64Array.from({ length: rows * columns * T * T }, (_, i) => {
    const window = Math.floor(i / (T * T));
    const region = (t: number): number => {
      const row = Math.floor(window / columns) * M + Math.floor(t / M);
      return 3 * band(row, tall, sizes) + band((window % columns) * M + (t % M), wide, sizes);
    };
    return shift > 0 && region(Math.floor(i / T) % T) !== region(i % T) ? BARRED : 0;
  });
  return q
    .mul(D ** -0.5)
    .matmul(k.transpose(-2, -1))
    .add(bias)
    .add(Tensor.fromFloat64(mask, [1, rows * columns, 1, T, T]))
    .softmax(-1)
    .matmul(v) // [B,n,h,T,D]
    .view([B, rows, columns, h, M, M, D])
    .permute([0, 1, 4, 2, 5, 3, 6])
    .reshape([B, tall, wide, C])
    .roll([shift, shift], [1, 2])
    .narrow(1, 0, H)
    .narrow(2, 0, W)
    .reshape([B, H * W, C]);
}

describe.skipIf(!native().hasLanes())('attention within windows', () => {
  afterEach(() => setThreads(2));

  it.each<[string, Case]>([
    ['of one window', { B: 2, H: 4, W: 4, M: 4, shift: 0, heads: 2, D: 8 }],
    ['of several', { B: 2, H: 4, W: 6, M: 2, shift: 0, heads: 1, D: 24 }],
    ['of moved windows', { B: 1, H: 6, W: 9, M: 3, shift: 1, heads: 3, D: 8 }],
    ['of one moved window', { B: 2, H: 3, W: 3, M: 3, shift: 1, heads: 2, D: 16 }],
    ['of a padded map', { B: 2, H: 5, W: 7, M: 3, shift: 0, heads: 2, D: 8 }],
    ['of moved windows of a padded map', { B: 2, H: 5, W: 7, M: 4, shift: 2, heads: 2, D: 8 }],
    ['of Swin-Unet’s second stage', { B: 1, H: 28, W: 28, M: 7, shift: 3, heads: 6, D: 32 }],
  ])('%s is the definition, and so are its gradients', (_name, sizes) => {
    scope(() => {
      const { B, H, W, M, shift, heads, D } = sizes;
      const C = heads * D;
      manualSeed(3);
      const padding = H % M !== 0 || W % M !== 0;
      const leaves = [
        randn([B, H * W, 3 * C]),
        randn([(2 * M - 1) ** 2, heads]),
        ...(padding ? [randn([3 * C])] : []),
      ].map((x) => x.requiresGrad_());
      const [qkv, table, outside = null] = leaves as [Tensor, Tensor, Tensor?];
      const options = { sides: [H, W], window: M, shift, heads, table, outside, barred: BARRED } as const;
      const y = attendWindows(qkv, options);
      const g = randn(y.shape);
      y.backward(g);

      const wide = leaves.map((x) => x.detach().to({ dtype: 'float64' }).requiresGrad_());
      const expected = definition(wide[0] as Tensor, wide[2] ?? null, wide[1] as Tensor, sizes);
      expected.backward(g.to({ dtype: 'float64' }));
      // Sums of at most 784 float32 products (6e-8 each), relative to the largest; a wrong place differs by about 1.
      expect(worst(y, expected)).toBeLessThan(2e-6);
      leaves.forEach((leaf, i) =>
        expect(worst(leaf.grad as Tensor, wide[i]?.grad as Tensor)).toBeLessThan(4e-6),
      );
      // Without gradients no weights are kept.
      expect(noGrad(() => attendWindows(qkv, options)).toFloat32Array()).toEqual(y.detach().toFloat32Array());
    });
  });

  it('has the same bits with any number of threads', () => {
    scope(() => {
      manualSeed(5);
      const [x, padded, bias, g] = [randn([3, 35, 48]), randn([48]), randn([25, 2]), randn([3, 35, 16])];
      const pass = (threads: number): Float32Array[] => {
        setThreads(threads);
        const [qkv, outside, table] = [x, padded, bias].map((part) => part.clone().requiresGrad_()) as [
          Tensor,
          Tensor,
          Tensor,
        ];
        const y = attendWindows(qkv, {
          ...{ sides: [5, 7], window: 3, shift: 1, heads: 2, barred: BARRED },
          ...{ table, outside },
        });
        y.backward(g);
        return [y, ...[qkv, outside, table].map(({ grad }) => grad as Tensor)].map((part) =>
          part.detach().toFloat32Array(),
        );
      };
      expect(pass(1)).toEqual(pass(2));
    });
  });

  it('refuses other shapes, dtypes and shifts, and padding without its tokens', () => {
    scope(() => {
      const whole = { sides: [4, 4], window: 2, shift: 1, heads: 2, barred: BARRED, outside: null } as const;
      const table = zeros([9, 2]);
      const refused = expect.objectContaining({ code: 'OPERATOR_FAILED' }) as Error;
      const x = zeros([1, 16, 48]);
      expect(attendWindows(x, { ...whole, table }).shape).toEqual([1, 16, 16]);
      for (const [input, options] of [
        [zeros([1, 15, 48]), { table }],
        [x.to({ dtype: 'float64' }), { table }],
        [x, { table: zeros([9, 1]) }],
        [x, { table, heads: 4 }],
        [x, { table, shift: 2 }],
        [x, { table: zeros([25, 2]), window: 3 }],
      ] as const) {
        expect(() => attendWindows(input, { ...whole, ...options })).toThrow(refused);
      }
    });
  });
});
