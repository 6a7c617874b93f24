/**
 * Normalisation layers, with PyTorch's parameters, keys and defaults.
 *
 * Deviation: no `num_batches_tracked` buffer. PyTorch reads it only for `momentum=None` (a cumulative average), which is
 * not offered; reference checkpoints that hold it load all the same, and PyTorch loads ours, where it counts as absent.
 */
import { ReclmisError } from '@reclmis/core';
import { batchNorm, layerNorm } from '../generated/functions.js';
import { batchNormRelu, isLaneMap } from '../maps.js';
import type { Tensor } from '../tensor.js';
import { checkSize, ones, zeros } from './init.js';
import { Module } from './module.js';

/** Options of batch normalisation. */
export interface BatchNormOptions {
  /** Added to the variance before the root, default 1e-5. */
  readonly eps?: number;
  /** Weight of the new batch in the running statistics, default 0.1. */
  readonly momentum?: number;
}

/** A batch normalisation as those who compute its statistics need it. */
export interface BatchNormLayer {
  /** [C] each. */
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly eps: number;
  readonly momentum: number;
}

/** Normalises `x` in training and moves the layer's running statistics. */
export type BatchStatistics = (x: Tensor, layer: BatchNormLayer) => Tensor;

let statistics: BatchStatistics | null = null;

/** Runs `body` with other batch statistics than those of this process's batch, e.g. those of the batch of all processes. Synchronous. */
export function withBatchStatistics<T>(other: BatchStatistics, body: () => T): T {
  const before = statistics;
  statistics = other;
  try {
    return body();
  } finally {
    statistics = before;
  }
}

/**
 * (x - mean) / sqrt(variance + eps) * weight + bias per channel (dimension 1). In training, mean and biased variance are
 * the batch's, and the running statistics move towards mean and unbiased variance; in evaluation the running ones serve.
 */
abstract class BatchNorm extends Module {
  /** [C], starts at 1. */
  readonly weight: Tensor;
  /** [C], starts at 0. */
  readonly bias: Tensor;
  /** [C], starts at 0. */
  readonly runningMean: Tensor;
  /** [C], starts at 1. */
  readonly runningVar: Tensor;
  readonly #eps: number;
  readonly #momentum: number;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNormOptions = {}) {
    super();
    checkSize(this.constructor.name, 'channels', channels);
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.runningMean = this.buffer('running_mean', zeros([channels]));
    this.runningVar = this.buffer('running_var', ones([channels]));
    this.ignoreKey('num_batches_tracked');
    this.#eps = eps;
    this.#momentum = momentum;
  }

  protected abstract readonly ranks: readonly number[];

  /** Normalises `x`, of the same shape as the result. */
  forward(x: Tensor): Tensor {
    this.#check(x);
    const { weight, bias, runningMean, runningVar } = this;
    const [eps, momentum] = [this.#eps, this.#momentum];
    if (this.training && statistics)
      return statistics(x, { weight, bias, runningMean, runningVar, eps, momentum });
    return batchNorm(x, weight, bias, runningMean, runningVar, this.training, momentum, eps, true);
  }

  /** ReLU of `forward`, as one operator where there is one for such a map. */
  forwardRelu(x: Tensor): Tensor {
    const { weight, bias, runningMean, runningVar, training } = this;
    if (!(training && statistics) && weight.dtype === 'float32' && isLaneMap(x)) {
      this.#check(x);
      return batchNormRelu(x, weight, bias, runningMean, runningVar, training, this.#momentum, this.#eps);
    }
    // In place: batch normalisation's backward does not need its own output.
    return this.forward(x).relu_();
  }

  #check(x: Tensor): void {
    const shape = x.shape;
    if (!this.ranks.includes(shape.length)) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `${this.constructor.name}: expected ${this.ranks.join(' or ')} dimensions, got [${shape.join(', ')}]`,
      );
    }
    if (this.training && x.numel <= this.weight.numel) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `${this.constructor.name}: training needs more than one value per channel, got [${shape.join(', ')}]`,
      );
    }
  }
}

/** Batch normalisation of [B, C] or [B, C, L]. */
export class BatchNorm1d extends BatchNorm {
  protected override readonly ranks = [2, 3];
}

/** Batch normalisation of [B, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  protected override readonly ranks = [4];
}

/** Options of layer normalisation. */
export interface LayerNormOptions {
  /** Added to the variance before the root, default 1e-5. */
  readonly eps?: number;
}

/** Normalises over the last dimensions, `shape`, with biased variance, then scales and shifts each element. */
export class LayerNorm extends Module {
  /** Scale, in the normalised shape; initially 1. */
  readonly weight: Tensor;
  /** Offset, in the normalised shape; initially 0. */
  readonly bias: Tensor;
  readonly #shape: readonly number[];
  readonly #eps: number;

  constructor(shape: number | readonly number[], { eps = 1e-5 }: LayerNormOptions = {}) {
    super();
    this.#shape = typeof shape === 'number' ? [shape] : [...shape];
    this.#shape.forEach((size) => checkSize('LayerNorm', 'size', size));
    this.weight = this.parameter('weight', ones(this.#shape));
    this.bias = this.parameter('bias', zeros(this.#shape));
    this.#eps = eps;
  }

  /** Normalises `x`, of the same shape as the result. */
  forward(x: Tensor): Tensor {
    // In the weights' dtype: float32 under autocast too, as libtorch's own list has it for CUDA; on a CPU, 1.13 has no kernel for
    // mixed types. A model in half precision keeps its own.
    const { dtype } = this.weight;
    const input = x.dtype === dtype ? x : x.to({ dtype });
    return layerNorm(input, this.#shape, this.weight, this.bias, this.#eps);
  }
}
