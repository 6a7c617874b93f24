/**
 * Normalisation layers, with PyTorch's parameters, keys and defaults.
 *
 * Deviation: no `num_batches_tracked` buffer, which PyTorch reads only for `momentum=None`, not offered here.
 * Checkpoints load in both directions all the same.
 */
import { ReclmisError } from '@reclmis/core';
import { batchNorm, groupNorm, layerNorm } from '../generated/functions.js';
import { batchNormRelu, instanceNorm, isLaneMap } from '../maps.js';
import type { Tensor } from '../tensor.js';
import { checkSize, ones, zeros } from './init.js';
import { Module } from './module.js';
import { hasOwnForward } from './tap.js';

export interface BatchNormOptions {
  /** Added to the variance before the root, default 1e-5. */
  readonly eps?: number;
  /** Share of the new batch in the running statistics, default 0.1. */
  readonly momentum?: number;
}

/** What follows a normalisation. */
export interface AfterNorm {
  /** A map of the same shape, added. */
  readonly plus?: Tensor;
  /** Default false. */
  readonly relu?: boolean;
}

export interface BatchNormLayer {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  readonly eps: number;
  readonly momentum: number;
}

/** Normalises `x` in training and updates the layer's running statistics. */
export type BatchStatistics = (x: Tensor, layer: BatchNormLayer) => Tensor;

let statistics: BatchStatistics | null = null;

/** Runs a synchronous `body` with other batch statistics, e.g. over the batch of all processes. */
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
 * (x - mean) / sqrt(variance + eps) * weight + bias per channel (dimension 1). Training uses the batch's mean
 * and biased variance, and moves the running statistics towards its mean and unbiased variance; evaluation
 * uses those.
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
  /** Added to the variance. */
  readonly eps: number;
  readonly #momentum: number;
  #trainings = 0;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNormOptions = {}) {
    super();
    checkSize(this.constructor.name, 'channels', channels);
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.runningMean = this.buffer('running_mean', zeros([channels]));
    this.runningVar = this.buffer('running_var', ones([channels]));
    this.ignoreKey('num_batches_tracked');
    this.eps = eps;
    this.#momentum = momentum;
  }

  /** How often training began: it changes the running statistics without a trace in their versions. */
  get trainings(): number {
    return this.#trainings;
  }

  override train(on = true): this {
    if (on) this.#trainings++;
    return super.train(on);
  }

  protected abstract readonly ranks: readonly number[];

  forward(x: Tensor): Tensor {
    this.#check(x);
    const { weight, bias, runningMean, runningVar } = this;
    const [eps, momentum] = [this.eps, this.#momentum];
    if (this.training && statistics)
      return statistics(x, { weight, bias, runningMean, runningVar, eps, momentum });
    return batchNorm(x, weight, bias, runningMean, runningVar, this.training, momentum, eps, true);
  }

  /** `forward`, the sum with another map, then ReLU: by one operator where one fits. */
  forwardThen(x: Tensor, { plus, relu = false }: AfterNorm): Tensor {
    const { weight, bias, runningMean, runningVar, training } = this;
    const own = hasOwnForward(this, BatchNorm);
    const fits = !own && !(training && statistics) && weight.dtype === 'float32' && isLaneMap(x);
    if (fits && (plus === undefined || (plus.dtype === x.dtype && isLaneMap(plus)))) {
      this.#check(x);
      const [eps, momentum] = [this.eps, this.#momentum];
      return batchNormRelu(
        x,
        weight,
        bias,
        runningMean,
        runningVar,
        training,
        momentum,
        eps,
        plus ?? null,
        relu,
      );
    }
    const normal = this.forward(x);
    const sum = plus === undefined ? normal : normal.add(plus);
    // In place: neither the sum's backward nor batch normalisation's reads its output.
    return relu ? sum.relu_() : sum;
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

export interface LayerNormOptions {
  /** Added to the variance before the root, default 1e-5. */
  readonly eps?: number;
}

/** Normalises over the last dimensions, `shape`, with biased variance; scales and shifts each element. */
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

  forward(x: Tensor): Tensor {
    // In the weights' dtype, so float32 under autocast, as libtorch on CUDA; on a CPU, 1.13 has no kernel for
    // mixed types.
    const { dtype } = this.weight;
    const input = x.dtype === dtype ? x : x.to({ dtype });
    return layerNorm(input, this.#shape, this.weight, this.bias, this.#eps);
  }
}

/** Options of group and instance normalisation. */
export interface GroupNormOptions {
  /** Added to the variance before the root, default 1e-5. */
  readonly eps?: number;
}

/**
 * Normalises each sample's groups of neighbouring channels over their pixels, with biased variance, then
 * scales and shifts each channel (Wu and He 2018). The same in training and evaluation.
 */
export class GroupNorm extends Module {
  /** [C], starts at 1. */
  readonly weight: Tensor;
  /** [C], starts at 0. */
  readonly bias: Tensor;
  readonly #groups: number;
  readonly #eps: number;

  constructor(groups: number, channels: number, { eps = 1e-5 }: GroupNormOptions = {}) {
    super();
    checkSize('GroupNorm', 'channels', channels);
    checkSize('GroupNorm', 'groups', groups);
    if (channels % groups !== 0) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `GroupNorm: groups must divide the channels, got ${groups} groups for ${channels} channels`,
      );
    }
    this.weight = this.parameter('weight', ones([channels]));
    this.bias = this.parameter('bias', zeros([channels]));
    this.#groups = groups;
    this.#eps = eps;
  }

  /** [B, C, ...] -> the same shape. */
  forward(x: Tensor): Tensor {
    const { dtype } = this.weight;
    const input = x.dtype === dtype ? x : x.to({ dtype });
    return groupNorm(input, this.#groups, this.weight, this.bias, this.#eps);
  }
}

/**
 * Normalises each channel of each sample over its pixels, with scale and shift per channel (Ulyanov et al.
 * 2016), without running statistics.
 */
export class InstanceNorm2d extends GroupNorm {
  readonly #eps: number;

  constructor(channels: number, options: GroupNormOptions = {}) {
    super(channels, channels, options);
    this.#eps = options.eps ?? 1e-5;
  }

  /** Leaky ReLU of `forward`, by one operator where one fits. @param slope for negative numbers. */
  forwardLeakyRelu(x: Tensor, slope: number): Tensor {
    const { weight, bias } = this;
    if (x.dtype === 'float32' && weight.dtype === 'float32' && isLaneMap(x)) {
      return instanceNorm(x, weight, bias, this.#eps, slope);
    }
    return this.forward(x).leakyRelu(slope);
  }
}
