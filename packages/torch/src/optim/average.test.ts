import { expect, test } from 'vitest';
import { Tensor } from '../tensor.js';
import { moveAverages } from './index.js';

test('moves each average its part of the way, and leaves the values alone', () => {
  const averages = [Tensor.fromFloat64([1, -2]), Tensor.fromFloat64([0.1])];
  const values = [Tensor.fromFloat64([5, -2]), Tensor.fromFloat64([0.1])];
  moveAverages(averages, values, 0.25);
  expect([...(averages[0]?.toFloat64Array() ?? [])]).toEqual([2, -2]);
  expect(averages[1]?.item()).toBe(0.1);
  expect([...(values[0]?.toFloat64Array() ?? [])]).toEqual([5, -2]);
  moveAverages(averages, values, 1);
  expect([...(averages[0]?.toFloat64Array() ?? [])]).toEqual([5, -2]);
  moveAverages([], [], 0.5);
});
