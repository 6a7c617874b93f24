/** Initial values as `torch.nn.init` draws them, weight before bias, so a seed gives PyTorch's values. */
import { ReclmisError } from '@reclmis/core';
import { empty, ones, where, zeros } from '../generated/functions.js';
import { noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** A number for both axes, or one for each: [height, width]. */
export type Pair = number | readonly [number, number];

export function pair(value: Pair): [number, number] {
  return typeof value === 'number' ? [value, value] : [value[0], value[1]];
}

/** @throws CONFIG_INVALID unless a layer's size is an integer of at least `least`. */
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

/** Inputs of one output: the product of all but the first dimension. */
export function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, size) => product * size, 1);
}

/** PyTorch's default weight, `kaiming_uniform_(a=sqrt(5))`: uniform within 1/sqrt(fanIn). */
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

/** Draws a parameter's values from a normal distribution, in place. */
export function normal_(parameter: Tensor, std: number, mean = 0): void {
  redraw(parameter, (values) => void values.normal_(mean, std));
}

/** The same, cut off at `limit` on both sides in absolute terms, as PyTorch's `trunc_normal_`. */
export function truncatedNormal_(parameter: Tensor, std: number, limit = 2): void {
  redraw(parameter, (values) => {
    // Values outside are rare, so they are drawn again; the inverse of the normal distribution would need
    // erfinv.
    values.normal_(0, std);
    for (let outside = values.abs().gt(limit); outside.any().item() !== 0; outside = values.abs().gt(limit))
      values.copy_(where(outside, empty(values.shape).normal_(0, std), values));
  });
}

/** Kaiming's uniform values for ReLU, fan in (He et al. 2015): within sqrt(6 / fan). */
export function kaimingUniform_(parameter: Tensor): void {
  const bound = Math.sqrt(6 / fanIn(parameter.shape));
  redraw(parameter, (values) => void values.uniform_(-bound, bound));
}

/**
 * Kaiming's normal values: deviation sqrt(2 / (1 + slope^2) / fan).
 * @param fan `in`, or `out` for the outputs that one input reaches. @param slope of the leaky ReLU that
 * follows; 0 for ReLU.
 */
export function kaimingNormal_(parameter: Tensor, fan: 'in' | 'out' = 'in', slope = 0): void {
  const [outputs = 1, inputs = 1] = parameter.shape;
  const count = fan === 'in' ? fanIn(parameter.shape) : (fanIn(parameter.shape) / inputs) * outputs;
  redraw(parameter, (values) => void values.normal_(0, Math.sqrt(2 / (1 + slope ** 2) / count)));
}

/** Xavier's uniform values: within sqrt(6 / (fan in + fan out)). */
export function xavierUniform_(parameter: Tensor): void {
  const [outputs = 1, inputs = 1] = parameter.shape;
  const field = fanIn(parameter.shape) / inputs;
  const bound = Math.sqrt(6 / (field * (inputs + outputs)));
  redraw(parameter, (values) => void values.uniform_(-bound, bound));
}

/** Sets a parameter to 0, in place; null is left. */
export function zero_(parameter: Tensor | null): void {
  if (parameter) redraw(parameter, (values) => void values.zero_());
}

function redraw(parameter: Tensor, draw: (values: Tensor) => void): void {
  noGrad(() =>
    scope(() => {
      const values = empty(parameter.shape);
      draw(values);
      parameter.copy_(values);
    }),
  );
}

export { ones, zeros };
