/** The affine map of the last dimension, with PyTorch's parameters, keys and initialisation. */
import { linear } from '../generated/functions.js';
import type { Tensor } from '../tensor.js';
import { biasUniform, checkSize, kaimingUniform } from './init.js';
import { Module } from './module.js';

/** y = x weight^T + bias: [..., in] -> [..., out]. */
export class Linear extends Module {
  /** [out, in] */
  readonly weight: Tensor;
  /** [out] */
  readonly bias: Tensor | null;

  constructor(inputs: number, outputs: number, { bias = true }: { readonly bias?: boolean } = {}) {
    super();
    checkSize('Linear', 'inputs', inputs);
    checkSize('Linear', 'outputs', outputs);
    const shape = [outputs, inputs];
    this.weight = this.parameter('weight', kaimingUniform(shape));
    this.bias = bias ? this.parameter('bias', biasUniform(outputs, shape)) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias); // [..., out]
  }
}
