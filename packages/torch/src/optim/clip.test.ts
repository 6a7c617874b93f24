import { expect, test } from 'vitest';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { clipGradNorm } from './index.js';

function withGradient(gradient: readonly number[]): Tensor {
  const parameter = Tensor.fromFloat32(gradient.map(() => 0)).requiresGrad_();
  scope(() => void (parameter.grad = Tensor.fromFloat32(gradient)));
  return parameter;
}

function gradientOf(parameter: Tensor): number[] {
  return scope(() => [...(parameter.grad?.toFloat32Array() ?? [])]);
}

test('scales all gradients by the norm over all of them', () => {
  const [a, b, none] = [withGradient([3, 0]), withGradient([4]), Tensor.fromFloat32([1]).requiresGrad_()];
  expect(clipGradNorm([a, none, b], 1)).toBeCloseTo(5, 6); // 3-4-5
  expect(gradientOf(a)[0]).toBeCloseTo(0.6, 6); // the 1e-6 added to the norm shifts it by 1.2e-7
  expect(gradientOf(b)[0]).toBeCloseTo(0.8, 6);
  expect(none.grad).toBeNull();
});

test('leaves gradients alone that are within the bound or have a non-finite norm', () => {
  const a = withGradient([3, 4]);
  expect(clipGradNorm([a], 5.5)).toBeCloseTo(5, 6);
  expect(gradientOf(a)).toEqual([3, 4]);
  const b = withGradient([Infinity, 1]);
  expect(clipGradNorm([b], 1)).toBe(Infinity);
  expect(gradientOf(b)).toEqual([Infinity, 1]);
  const c = withGradient([NaN, 1]);
  expect(clipGradNorm([c], 1)).toBeNaN();
  expect(clipGradNorm([], 1)).toBe(0);
  expect(() => clipGradNorm([a], 0)).toThrow(/max must be above 0, got 0/);
});
