/** Inverted dropout (Srivastava et al. 2014), as PyTorch's. */
import { ReclmisError } from '@reclmis/core';
import { dropout } from '../dropout.js';
import type { Tensor } from '../tensor.js';
import { Module } from './module.js';

export function checkDropout(layer: string, p: number): void {
  if (!(p >= 0 && p <= 1)) {
    throw new ReclmisError('CONFIG_INVALID', `${layer}: dropout must be within 0 and 1, got ${p}`);
  }
}

/** In training zeroes elements with probability `p`, divides the others by 1 - p; else the identity. */
export class Dropout extends Module {
  readonly p: number;

  constructor(p = 0.5) {
    super();
    checkDropout('Dropout', p);
    this.p = p;
  }

  /** Disposing the result never disposes `x`. */
  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }
}
