import { describe, expect, it } from 'vitest';
import { countFlops } from './flops.js';
import { conv2d, einsum, linear, memory, ones, zeros } from './index.js';
import { scope } from './scope.js';

describe('countFlops', () => {
  it('counts a convolution, and its backward once for the weight and once for the input', () => {
    scope(() => {
      const weight = ones([4, 3, 3, 3]).requiresGrad_();
      const forward = 2 * (2 * 4 * 8 * 8) * (3 * 3 * 3); // two for each tap of each output
      const count = (x: ReturnType<typeof zeros>): unknown =>
        countFlops(() => conv2d(x, weight, null, [1, 1], [1, 1])).flops;
      const kinds = (passes: number): unknown => ({ convolution: passes * forward, matrixProduct: 0 });
      const image = zeros([2, 3, 8, 8]);
      expect(count(image)).toEqual({ forward, backward: forward, products: 1, kinds: kinds(2) });
      const features = zeros([2, 3, 8, 8]).requiresGrad_();
      expect(count(features)).toEqual({ forward, backward: 2 * forward, products: 1, kinds: kinds(3) });
    });
  });

  it('counts a linear layer, and nothing backward where nothing is trained', () => {
    scope(() => {
      const { flops } = countFlops(() => linear(zeros([5, 7, 16]), ones([32, 16])));
      expect([flops.forward, flops.backward]).toEqual([2 * 5 * 7 * 32 * 16, 0]);
    });
  });

  it('refuses a product of three, and still frees what the body made', () => {
    const before = memory().handles;
    scope(() => {
      const x = ones([2, 2]);
      expect(() => countFlops(() => einsum('ij,jk,kl->il', [x, x, x]))).toThrow(RangeError);
    });
    expect(memory().handles).toBe(before);
  });
});
