/**
 * Initial values of parameters, as `torch.nn.init` draws them: from torch's own generator, in PyTorch's order (weight,
 * then bias), so that one seed gives the values that it gives in PyTorch.
 */
import { ReclmisError } from '@reclmis/core';
import { empty, ones, zeros } from '../generated/functions.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** A number for both axes, or one for each: [height, width]. */
export type Pair = number | readonly [number, number];

/** Both axes' numbers of a `Pair`. */
export function pair(value: Pair): [number, number] {
  return typeof value === 'number' ? [value, value] : [value[0], value[1]];
}

/** Checks a layer's size: an integer of at least `least`. */
export function checkSize(layer: string, name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${layer}: ${name} must be an integer of at least ${least}, got ${value}`,
    );
  }
}

/** A float32 tensor drawn uniformly from [-bound, bound). */
export function uniform(shape: readonly number[], bound: number): Tensor {
  return scope(() => empty(shape).uniform_(-bound, bound));
}

/** A float32 tensor drawn from the standard normal distribution. */
export function normal(shape: readonly number[]): Tensor {
  return scope(() => empty(shape).normal_(0, 1));
}

/** Inputs that one output sums over: the product of a weight's dimensions but the first. */
export function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

/**
 * PyTorch's default weight of convolutions and linear layers, `kaiming_uniform_(a=sqrt(5))`: its gain sqrt(2/(1+5)) makes
 * the bound sqrt(3) * sqrt(1/3) / sqrt(fanIn) = 1/sqrt(fanIn).
 */
export function kaimingUniform(shape: readonly number[]): Tensor {
  return uniform(shape, 1 / Math.sqrt(fanIn(shape)));
}

/** PyTorch's default bias for a weight of `weightShape`: uniform within 1/sqrt(fanIn). */
export function biasUniform(count: number, weightShape: readonly number[]): Tensor {
  return uniform([count], 1 / Math.sqrt(fanIn(weightShape)));
}

/** `xavier_uniform_` of a matrix [out, in]: uniform within sqrt(6 / (in + out)). */
export function xavierUniform(shape: readonly [number, number]): Tensor {
  return uniform(shape, Math.sqrt(6 / (shape[0] + shape[1])));
}

export { ones, zeros };
