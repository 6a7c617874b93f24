/** A table of vectors, with PyTorch's parameter, key and initialisation. */
import { ReclmisError } from '@reclmis/core';
import { embedding } from '../generated/functions.js';
import { noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { checkSize, normal } from './init.js';
import { Module } from './module.js';

export interface EmbeddingOptions {
  /** A padding row, which starts at zero and gets no gradient. */
  readonly paddingIndex?: number;
}

/** ids int64 [...] in 0..count-1 -> vectors [..., width]; rows start standard normal. */
export class Embedding extends Module {
  /** [count, width] */
  readonly weight: Tensor;
  readonly #paddingIndex: number;

  constructor(count: number, width: number, { paddingIndex }: EmbeddingOptions = {}) {
    super();
    checkSize('Embedding', 'count', count);
    checkSize('Embedding', 'width', width);
    if (
      paddingIndex !== undefined &&
      (!Number.isInteger(paddingIndex) || paddingIndex < 0 || paddingIndex >= count)
    ) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `Embedding: paddingIndex must be one of 0..${count - 1}, got ${paddingIndex}`,
      );
    }
    this.weight = this.parameter('weight', normal([count, width]));
    this.#paddingIndex = paddingIndex ?? -1; // -1: none, to libtorch
    if (paddingIndex !== undefined) {
      noGrad(() => scope(() => void this.weight.select(0, paddingIndex).zero_()));
    }
  }

  forward(ids: Tensor): Tensor {
    return embedding(this.weight, ids, this.#paddingIndex); // [..., width]
  }
}
