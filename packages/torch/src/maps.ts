/**
 * Passes over channels-last maps, each an operator of our own with its gradient (`native/batch_norm_relu.cc`, `native/plam.cc`,
 * `native/projected_mean_max.cc`): fewer readings of memory
 * than libtorch's operators in a row. For maps that `isLaneMap` accepts; the bits do not depend on the number of threads.
 *
 * B batch, C and D channels, H x W pixels.
 */
import { invoke, isRecording, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const BATCH_NORM_RELU = operator('reclmis::batch_norm_relu', '');
const RELU_MEAN = operator('reclmis::relu_mean', '');
const PROJECTED_MEAN_MAX = operator('reclmis::projected_mean_max', '');
const CHANNEL_MAX = operator('reclmis::channel_max', '');
const ATTEND_AND_JOIN = operator('reclmis::attend_and_join', '');

/**
 * Whether these passes take `map`: [B,C,H,W] in channels-last, float32 or bfloat16, C a multiple of 8, on a CPU with AVX2 and FMA. Never while a trace
 * records, which is of libtorch's operators alone.
 */
export function isLaneMap(map: Tensor): boolean {
  return !isRecording() && native().isLaneMap(map.id);
}

/**
 * ReLU of batch normalisation, [B,C,H,W] -> [B,C,H,W] of x's dtype: in training by the batch's statistics, and the running ones are moved as libtorch
 * does; else by the running ones. Weight, bias and running statistics are float32 [C].
 * @throws OPERATOR_FAILED for other shapes, layouts and dtypes.
 */
export function batchNormRelu(
  x: Tensor,
  weight: Tensor,
  bias: Tensor,
  runningMean: Tensor,
  runningVar: Tensor,
  training: boolean,
  momentum: number,
  eps: number,
): Tensor {
  const tensors = [x, weight, bias, runningMean, runningVar].map((tensor) => tensor.id);
  return Tensor.adopt(invoke(BATCH_NORM_RELU, [...tensors, training, momentum, eps]) as number);
}

/** Mean over the channels of ReLU(x), [B,C,H,W] -> [B,H,W]. @throws OPERATOR_FAILED for other layouts and dtypes. */
export function reluMean(x: Tensor): Tensor {
  return Tensor.adopt(invoke(RELU_MEAN, [x.id]) as number);
}

/** Maximum over the channels, [B,C,H,W] -> [B,H,W]; equal ones share the gradient. @throws OPERATOR_FAILED for other layouts and dtypes. */
export function channelMax(x: Tensor): Tensor {
  return Tensor.adopt(invoke(CHANNEL_MAX, [x.id]) as number);
}

/**
 * `reluMean` and `channelMax` of two 1x1 convolutions of `x` without bias, whose results never become maps.
 * @param x [B,C,H,W], float32. @param toMean [K,C,1,1], K a multiple of 8. @param toMax of the same shape.
 * @returns mean and maximum over the K channels, [B,H,W] each; the first of equal largest ones gets the gradient.
 * @throws OPERATOR_FAILED for other shapes, layouts and dtypes.
 */
export function projectedMeanMax(x: Tensor, toMean: Tensor, toMax: Tensor): [Tensor, Tensor] {
  const [mean, maximum] = invoke(PROJECTED_MEAN_MAX, [x.id, toMean.id, toMax.id]) as [number, number];
  return [Tensor.adopt(mean), Tensor.adopt(maximum)];
}

/**
 * `skip` times `attention` and, after its channels, `below` with each pixel repeated twice along both axes.
 * @param skip [B,C,2H,2W]. @param attention [B,1,2H,2W], of skip's dtype, contiguous. @param below [B,D,H,W], of skip's dtype.
 * @returns [B,C+D,2H,2W]. @throws OPERATOR_FAILED for other shapes, layouts and dtypes.
 */
export function attendAndJoin(skip: Tensor, attention: Tensor, below: Tensor): Tensor {
  return Tensor.adopt(invoke(ATTEND_AND_JOIN, [skip.id, attention.id, below.id]) as number);
}
