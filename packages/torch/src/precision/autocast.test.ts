/** Dtypes under autocast, what holds afterwards, and how closely results and gradients follow float32. */
import { describe, expect, it } from 'vitest';
import {
  autocast,
  type AutocastDType,
  cat,
  conv2d,
  type DType,
  float32,
  linear,
  manualSeed,
  memory,
  nn,
  randn,
  scope,
  type Tensor,
} from '../index.js';

/**
 * Relative error of rounding to bfloat16's 8 bits. A dot product with both factors rounded and float32 sums
 * errs by at most 2 u sum|a b|, and rounding the result adds u.
 */
const U = 2 ** -9;

const bf16 = <T>(body: () => T): T => autocast({ device: 'cpu', dtype: 'bfloat16' }, body);
const typeOf = (body: () => Tensor): DType => scope(() => bf16(body).dtype);

/** Largest |a - b| over the largest |b|. */
function distance(a: Tensor, b: Tensor): number {
  return scope(() => a.sub(b).abs().amax().item() / b.abs().amax().item());
}

describe('types under bfloat16 on a CPU', () => {
  it('follow libtorch’s lists', () => {
    scope(() => {
      const rows = randn([4, 8]);
      const narrow = rows.to({ dtype: 'bfloat16' });
      const square = randn([8, 8]);
      const map = randn([2, 8, 6, 6]);
      const cube = randn([2, 8, 8]);
      const norm = new nn.LayerNorm(8);
      // bfloat16: matrix products and convolutions.
      expect(typeOf(() => linear(rows, square))).toBe('bfloat16');
      expect(typeOf(() => rows.mm(square))).toBe('bfloat16');
      expect(typeOf(() => rows.matmul(square))).toBe('bfloat16');
      expect(typeOf(() => cube.bmm(cube))).toBe('bfloat16');
      expect(typeOf(() => cube.baddbmm(cube, cube))).toBe('bfloat16');
      expect(typeOf(() => conv2d(map, randn([8, 8, 3, 3])))).toBe('bfloat16');
      // float32 whatever comes in: losses, and our layer normalisation.
      expect(typeOf(() => narrow.sigmoid().binaryCrossEntropy(narrow.sigmoid()))).toBe('float32');
      expect(typeOf(() => narrow.binaryCrossEntropyWithLogits(narrow.sigmoid()))).toBe('float32');
      expect(typeOf(() => narrow.mseLoss(rows))).toBe('float32');
      expect(typeOf(() => norm.forward(narrow))).toBe('float32');
      // The widest of the arguments' types.
      expect(typeOf(() => cat([rows, narrow]))).toBe('float32');
      // The argument's type.
      expect(typeOf(() => rows.softmax(-1))).toBe('float32');
      expect(typeOf(() => narrow.softmax(-1))).toBe('bfloat16');
      expect(typeOf(() => rows.relu())).toBe('float32');
      norm.dispose();
    });
  });

  it('leave float64 and integers alone', () => {
    scope(() => {
      const wide = randn([4, 4]).to({ dtype: 'float64' });
      expect(typeOf(() => wide.add(1))).toBe('float64');
      expect(float32(wide)).toBe(wide);
      expect(scope(() => float32(wide.to({ dtype: 'float16' })).dtype)).toBe('float32');
    });
  });
});

describe('a block', () => {
  it('ends on a return and on a throw, and nests', () => {
    scope(() => {
      const x = randn([2, 2]);
      const type = (): DType => scope(() => x.mm(x).dtype);
      expect(type()).toBe('float32');
      bf16(() => {
        expect(type()).toBe('bfloat16');
        const off: AutocastDType = 'float32';
        autocast({ device: 'cpu', dtype: off }, () => {
          expect(type()).toBe('float32');
          expect(bf16(type)).toBe('bfloat16');
          expect(type()).toBe('float32');
        });
        expect(type()).toBe('bfloat16');
        expect(() =>
          autocast({ device: 'cpu', dtype: off }, () => {
            throw new RangeError('within');
          }),
        ).toThrow('within');
        expect(type()).toBe('bfloat16');
      });
      expect(type()).toBe('float32');
      expect(() => bf16(() => x.mm(randn([3, 3])))).toThrow('mm');
      expect(type()).toBe('float32');
    });
  });

  it('for another kind of device changes nothing on this one', () => {
    scope(() => {
      const x = randn([2, 2]);
      const type = autocast({ device: 'cuda:0', dtype: 'float16' }, () => x.mm(x).dtype);
      expect(type).toBe('float32');
    });
  });

  it('refuses float16 on a CPU, and a promise', () => {
    expect(() => autocast({ device: 'cpu', dtype: 'float16' }, () => 1)).toThrow(
      expect.objectContaining({ code: 'PRECISION_UNSUPPORTED' }) as Error,
    );
    expect(() => bf16(() => Promise.resolve(1))).toThrow('synchronous');
    expect(scope(() => randn([2, 2]).mm(randn([2, 2])).dtype)).toBe('float32');
  });

  it('casts a weight once, and drops the copy only at the end of the outermost block', () => {
    scope(() => {
      const weight = randn([256, 256]).requiresGrad_();
      const x = randn([1, 256]);
      const copy = 256 * 256 * 2; // bytes in bfloat16
      const before = memory().liveBytes;
      bf16(() => {
        const use = (): DType => scope(() => linear(x, weight).dtype);
        use();
        const once = memory().liveBytes - before;
        expect(once).toBeGreaterThanOrEqual(copy);
        bf16(use); // the end of the inner block keeps the outer one's copies
        expect(memory().liveBytes - before).toBe(once);
      });
      expect(memory().liveBytes).toBe(before);
    });
  });
});

describe('results', () => {
  it('of a product follow float32 within the rounding of its factors', () => {
    scope(() => {
      manualSeed(3);
      const x = randn([16, 64]);
      const weight = randn([16, 64]);
      const exact = linear(x, weight);
      // 5 % more for the squares of U and float32's own sums.
      const bound = linear(x.abs(), weight.abs())
        .mul(2 * U)
        .add(exact.abs().mul(U))
        .mul(1.05);
      const error = float32(bf16(() => linear(x, weight)))
        .sub(exact)
        .abs();
      expect(error.le(bound).all().item()).toBe(1);
      expect(error.amax().item()).toBeGreaterThan(0); // not float32 under another name
    });
  });

  it('of a small network, and its gradients, follow float32', () => {
    scope(() => {
      manualSeed(4);
      const conv = new nn.Conv2d(3, 8, 3, { padding: 1 });
      const bn = new nn.BatchNorm2d(8);
      const head = new nn.Linear(8, 2);
      const x = randn([4, 3, 12, 12]);
      const parameters = [conv, bn, head].flatMap((layer) => [...layer.parameters()]);
      const run = (dtype: AutocastDType): { loss: number; gradients: Tensor[] } => {
        for (const parameter of parameters) parameter.clearGrad();
        const logits = autocast({ device: 'cpu', dtype }, () =>
          head.forward(bn.forward(conv.forward(x)).relu().mean([2, 3])),
        );
        const loss = float32(logits).square().sum();
        loss.backward(); // outside the block
        return {
          loss: loss.item(),
          gradients: parameters.map((parameter) => parameter.grad?.clone() ?? randn([1])),
        };
      };
      const exact = run('float32');
      const rounded = run('bfloat16');
      // Three roundings of u lie between weight and logits, and the square doubles them: 6 u = 0.012.
      // Gradients pass as many again, and libtorch 1.13 may sum a convolution's in bfloat16: 0.1.
      expect(Math.abs(rounded.loss / exact.loss - 1)).toBeLessThan(6 * U);
      // The gradient of a bias before batch normalisation is rounding around 0.
      const convBias = [...conv.parameters()].length - 1;
      rounded.gradients.forEach((gradient, i) => {
        expect(gradient.dtype).toBe('float32');
        const reference = exact.gradients[i] as Tensor;
        if (i !== convBias) expect(distance(gradient, reference)).toBeLessThan(0.1);
      });
      for (const layer of [conv, bn, head]) layer.dispose();
    });
  });
});
