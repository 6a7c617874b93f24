/**
 * Initial values as `torch.nn.init` draws them: from torch's generator, weight before bias, so a seed gives
 * PyTorch's values.
 */
import { ReclmisError } from '@reclmis/core';
import { empty, ones, zeros } from '../generated/functions.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** A number for both axes, or one for each: [height, width]. */
export type Pair = number | readonly [number, number];

export function pair(value: Pair): [number, number] {
  return typeof value === 'number' ? [value, value] : [value[0], value[1]];
}

/** Checks that a layer's size is an integer of at least `least`. */
export function checkSize(layer: string, name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${layer}: ${name} must be an integer of at least ${least}, got ${value}`,
    );
  }
}

/** float32, uniform in [-bound, bound). */
export function uniform(shape: readonly number[], bound: number): Tensor {
  return scope(() => empty(shape).uniform_(-bound, bound));
}

/** float32, standard normal. */
export function normal(shape: readonly number[]): Tensor {
  return scope(() => empty(shape).normal_(0, 1));
}

/** Inputs of one output: the product of all but a weight's first dimension. */
export function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

/**
 * PyTorch's default weight of convolutions and linear layers, `kaiming_uniform_(a=sqrt(5))`: uniform within
 * 1/sqrt(fanIn).
 */
export function kaimingUniform(shape: readonly number[]): Tensor {
  return uniform(shape, 1 / Math.sqrt(fanIn(shape)));
}

/** PyTorch's default bias: uniform within 1/sqrt(fanIn). */
export function biasUniform(count: number, weightShape: readonly number[]): Tensor {
  return uniform([count], 1 / Math.sqrt(fanIn(weightShape)));
}

/** `xavier_uniform_` of a matrix [out, in]: uniform within sqrt(6 / (in + out)). */
export function xavierUniform(shape: readonly [number, number]): Tensor {
  return uniform(shape, Math.sqrt(6 / (shape[0] + shape[1])));
}

export { ones, zeros };
