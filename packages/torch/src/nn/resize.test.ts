import { expect, test } from 'vitest';
import { scope } from '../scope.js';
import { spread } from '../testing/gradient.js';
import type { Tensor } from '../tensor.js';
import { resizeByProducts } from './functional.js';
import { resizeBilinear2d } from './index.js';

/** Output and gradient of `x` in float32, both times the same incoming gradient. */
function both(resize: typeof resizeBilinear2d, size: [number, number], corners: boolean): Tensor[] {
  const x = spread([2, 3, 7, 5]).to({ dtype: 'float32' }).requiresGrad_(true);
  const y = resize(x, size, corners);
  y.mul(spread(y.shape, 5).to({ dtype: 'float32' }))
    .sum()
    .backward();
  return [y, x.grad as Tensor];
}

test.each([
  ['up', [14, 10]],
  ['up by no whole number', [16, 9]],
  ['down', [3, 2]],
  ['to one pixel', [1, 1]],
  ['to the same size', [7, 5]],
] as const)('resizing %s by products is what libtorch gives', (_, [rows, columns]) => {
  scope(() => {
    for (const corners of [true, false]) {
      const ours = both(resizeByProducts, [rows, columns], corners);
      const theirs = both(resizeBilinear2d, [rows, columns], corners);
      ours.forEach((x, i) => {
        const other = theirs[i] as Tensor;
        expect(x.shape).toEqual(other.shape);
        expect(x.sub(other).abs().max().item()).toBeLessThan(1e-6); // float32 sums of a few values below 1
      });
    }
  });
});
