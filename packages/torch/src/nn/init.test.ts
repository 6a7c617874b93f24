import { beforeAll, expect, test } from 'vitest';
import { manualSeed, setThreads } from '../runtime.js';
import type { Tensor } from '../tensor.js';
import { Conv1d, Conv2d, ConvTranspose2d, Embedding, Linear, MultiheadAttention } from './index.js';

/**
 * Uniform within `bound`: the largest of n >= 1000 draws is below 0.99 of it with probability < 5e-5, and the
 * deviation is bound / sqrt(3) to 10 % (relative error about 0.45 / sqrt(n) < 0.015).
 */
function expectUniform(tensor: Tensor | null, bound: number): void {
  if (!tensor) throw new Error('there is no such tensor');
  const values = tensor.toFloat32Array();
  expect(values.length).toBeGreaterThanOrEqual(1000);
  const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  expect(largest).toBeLessThanOrEqual(bound * (1 + 1e-6)); // the bound itself rounds to float32
  expect(largest).toBeGreaterThan(0.99 * bound);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  expect(deviation / (bound / Math.sqrt(3))).toBeGreaterThan(0.9);
  expect(deviation / (bound / Math.sqrt(3))).toBeLessThan(1.1);
}

beforeAll(() => setThreads(1)); // faster for tensors this small

test('a seed gives PyTorch’s values', () => {
  // Printed by torch.manual_seed(1); torch.rand(8). The layer draws them in this order and scales 2u - 1 by
  // 1/sqrt(3).
  const u = [0.7576, 0.2793, 0.4031, 0.7347, 0.0293, 0.7999, 0.3971, 0.7544];
  manualSeed(1);
  const layer = new Linear(3, 2);
  const drawn = [...layer.weight.toFloat32Array(), ...(layer.bias?.toFloat32Array() ?? [])];
  expect(drawn).toHaveLength(8);
  // Four printed digits: 5e-5, times 2/sqrt(3).
  drawn.forEach((value, i) =>
    expect(Math.abs(value - (2 * (u[i] ?? NaN) - 1) / Math.sqrt(3))).toBeLessThan(6e-5),
  );
});

test('weights and biases of convolutions and linear layers lie within 1/sqrt(fan-in)', () => {
  manualSeed(7);
  const linear = new Linear(100, 1000);
  expectUniform(linear.weight, 0.1);
  expectUniform(linear.bias, 0.1);
  const conv1 = new Conv1d(8, 1200, 3, { groups: 2 });
  expectUniform(conv1.weight, 1 / Math.sqrt(12));
  expectUniform(conv1.bias, 1 / Math.sqrt(12));
  const conv2 = new Conv2d(4, 1000, [3, 2]);
  expectUniform(conv2.weight, 1 / Math.sqrt(24));
  expectUniform(conv2.bias, 1 / Math.sqrt(24));
  const transposed = new ConvTranspose2d(3, 1000, 2); // fan-in over [Cout, kH, kW], as in PyTorch
  expectUniform(transposed.weight, 1 / Math.sqrt(4000));
  expectUniform(transposed.bias, 1 / Math.sqrt(4000));
});

test('attention starts Xavier uniform over the packed matrix, with zero biases', () => {
  manualSeed(7);
  const layer = new MultiheadAttention(32, 4);
  expectUniform(layer.inProjWeight, Math.sqrt(6 / (32 + 96)));
  expectUniform(layer.outProj.weight, 1 / Math.sqrt(32));
  expect(layer.inProjBias.toFloat32Array().every((v) => v === 0)).toBe(true);
  expect(layer.outProj.bias?.toFloat32Array().every((v) => v === 0)).toBe(true);
  expect(layer.outProj.bias?.requiresGrad).toBe(true);
});

test('embeddings start standard normal', () => {
  manualSeed(7);
  const values = new Embedding(100, 100).weight.toFloat64Array();
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.05); // five deviations of the mean of 10,000
  expect(Math.abs(variance - 1)).toBeLessThan(0.075); // five deviations, sqrt(2 / 10,000) each
  expect(values.some((v) => Math.abs(v) > 3)).toBe(true);
});
