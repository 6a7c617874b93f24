/**
 * CUDA only: copies from page-locked memory, both 16-bit types, loss scaling on overflow. To run it on a
 * machine with a GPU: `LIBTORCH_USE_PYTORCH=1 npm run setup` first.
 */
import { describe, expect, it } from 'vitest';
import {
  autocast,
  devices,
  float32,
  linear,
  LossScaler,
  manualSeed,
  nn,
  randn,
  scope,
  Tensor,
} from '../index.js';

const device = 'cuda:0';

describe.skipIf(!devices().includes(device))('on CUDA', () => {
  it('staged copies arrive whole, though their staging memory is reused at once', () => {
    scope(() => {
      const size = 1 << 20;
      const copies = Array.from({ length: 16 }, (_, i) =>
        Tensor.fromFloat32(new Float32Array(size).fill(i), [size], { device }),
      );
      expect(copies.map((copy) => [copy.device, copy.amin().item(), copy.amax().item()])).toEqual(
        copies.map((_, i) => [device, i, i]),
      );
    });
  });

  it.each(['float16', 'bfloat16'] as const)('autocast to %s follows libtorch’s lists', (dtype) => {
    scope(() => {
      manualSeed(1);
      const x = randn([8, 32], { device });
      const weight = randn([32, 32], { device });
      const norm = new nn.LayerNorm(32).to(device);
      autocast({ device, dtype }, () => {
        const y = linear(x, weight);
        expect(y.dtype).toBe(dtype);
        expect(y.softmax(-1).dtype).toBe('float32');
        expect(norm.forward(y).dtype).toBe('float32');
        expect(y.binaryCrossEntropyWithLogits(x.sigmoid()).dtype).toBe('float32');
        // Factors rounded to 8 bits at worst: 2 u sum|a b| with u = 2^-9 and sum|a b| about 32 x 0.64 for
        // normal draws.
        expect(float32(y).sub(x.mm(weight.t())).abs().amax().item()).toBeLessThan(0.5);
      });
      norm.dispose();
    });
  });

  it('an overflow in float16 skips the step, and the halved factor then works', () => {
    scope(() => {
      const scaler = new LossScaler({ initialScale: 2 ** 20 });
      const weight = Tensor.fromFloat32([1], [1, 1], { device }).requiresGrad_();
      const x = Tensor.fromFloat32([1], [1, 1], { device });
      const taken: boolean[] = [];
      for (let i = 0; i < 6; i++) {
        weight.clearGrad();
        const y = autocast({ device, dtype: 'float16' }, () => linear(x, weight));
        scaler.scale(float32(y).sum()).backward(); // the gradient of y is the factor, in float16: infinite above 65504
        taken.push(scaler.unscale([weight]));
      }
      expect(taken).toEqual([false, false, false, false, false, true]);
      expect(scaler.factor).toBe(2 ** 15);
      expect(weight.grad?.item()).toBe(1);
    });
  });
});
