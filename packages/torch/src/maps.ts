/**
 * Joined passes over channels-last maps with gradients (`native/batch_norm_relu.cc`,
 * `native/instance_norm.cc`, `native/plam.cc`, `native/projected_mean_max.cc`, `native/upsample_join.cc`,
 * `native/channel_weights.cc`), which read memory less often.
 * The bits do not depend on the number of threads. All throw OPERATOR_FAILED for other shapes, layouts and
 * dtypes. B batch, C and D channels, H x W pixels.
 */
import { idOrNull, ids, invoke, isRecording, operator } from './invoke.js';
import { native } from './native.js';
import { Tensor } from './tensor.js';

const BATCH_NORM_RELU = operator('reclmis::batch_norm_relu', '');
const INSTANCE_NORM = operator('reclmis::instance_norm', '');
const RELU_MEAN = operator('reclmis::relu_mean', '');
const PROJECTED_MEAN_MAX = operator('reclmis::projected_mean_max', '');
const CHANNEL_MAX = operator('reclmis::channel_max', '');
const UPSAMPLE_JOIN = operator('reclmis::upsample_join', '');
const PIXEL_MEAN_MAX = operator('reclmis::pixel_mean_max', '');
const WEIGH_JOIN = operator('reclmis::weigh_join', '');
const ATTEND_AND_JOIN = operator('reclmis::attend_and_join', '');

/**
 * Whether these passes take `map`: [B,C,H,W] channels-last, float32 or bfloat16, C a multiple of 8, on a CPU
 * with AVX2 and FMA. False while a trace records, which knows libtorch's operators only.
 */
export function isLaneMap(map: Tensor): boolean {
  return !isRecording() && native().isLaneMap(map.id);
}

/**
 * ReLU of batch normalisation, [B,C,H,W] -> [B,C,H,W] of x's dtype. Training uses the batch's statistics and
 * updates the running ones; evaluation uses those. Weight, bias and statistics are float32 [C].
 * @param plus a map of x's shape, dtype and layout, added before the ReLU; null: none. @param relu false: no
 * ReLU.
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
  plus: Tensor | null = null,
  relu = true,
): Tensor {
  const tensors = [x, weight, bias, runningMean, runningVar].map((tensor) => tensor.id);
  const values = [...tensors, training, momentum, eps, idOrNull(plus), relu];
  return Tensor.adopt(invoke(BATCH_NORM_RELU, values) as number);
}

/**
 * Leaky ReLU of instance normalisation (Ulyanov et al. 2016), [B,C,H,W] -> [B,C,H,W], float32: each channel
 * of each sample by its own mean and biased variance.
 * @param weight [C], null: 1. @param bias [C], null: 0. @param slope of the ReLU for negative numbers; 1: no
 * ReLU.
 */
export function instanceNorm(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  eps: number,
  slope: number,
): Tensor {
  return Tensor.adopt(invoke(INSTANCE_NORM, [x.id, idOrNull(weight), idOrNull(bias), eps, slope]) as number);
}

/** Mean over the channels of ReLU(x), [B,C,H,W] -> [B,H,W]. */
export function reluMean(x: Tensor): Tensor {
  return Tensor.adopt(invoke(RELU_MEAN, [x.id]) as number);
}

/** Maximum over the channels, [B,C,H,W] -> [B,H,W]; ties share the gradient. */
export function channelMax(x: Tensor): Tensor {
  return Tensor.adopt(invoke(CHANNEL_MAX, [x.id]) as number);
}

/**
 * `reluMean` and `channelMax` of two 1x1 convolutions of `x` without bias, without storing their maps.
 * @param x [B,C,H,W], float32. @param toMean [K,C,1,1], K a multiple of 8. @param toMax the same shape.
 * @returns mean and maximum over the K channels, [B,H,W] each; the first of equal maxima gets the gradient.
 */
export function projectedMeanMax(x: Tensor, toMean: Tensor, toMax: Tensor): [Tensor, Tensor] {
  const [mean, maximum] = invoke(PROJECTED_MEAN_MAX, [x.id, toMean.id, toMax.id]) as [number, number];
  return [Tensor.adopt(mean), Tensor.adopt(maximum)];
}

/**
 * Joins, along the channels, `skip` times `attention` and `below` upsampled twofold (nearest), all of one
 * dtype.
 * @param skip [B,C,2H,2W]. @param attention [B,1,2H,2W], contiguous. @param below [B,D,H,W]. @returns
 * [B,C+D,2H,2W].
 */
export function attendAndJoin(skip: Tensor, attention: Tensor, below: Tensor): Tensor {
  return Tensor.adopt(invoke(ATTEND_AND_JOIN, [skip.id, attention.id, below.id]) as number);
}

/**
 * Joins, along the channels, `below` upsampled twofold (nearest) and the skips, all of one dtype.
 * @param below [B,D,H,W]. @param skips [B,C,2H,2W] each. @returns [B,D + all C,2H,2W].
 */
export function upsampleJoin(below: Tensor, skips: readonly Tensor[]): Tensor {
  return Tensor.adopt(invoke(UPSAMPLE_JOIN, [below.id, ids(skips)]) as number);
}

/** Mean and maximum over the pixels, [B,C,H,W] -> [B,C,1,1] each, float32; ties share the maximum's gradient. */
export function pixelMeanMax(x: Tensor): [Tensor, Tensor] {
  const [mean, maximum] = invoke(PIXEL_MEAN_MAX, [x.id]) as [number, number];
  return [Tensor.adopt(mean), Tensor.adopt(maximum)];
}

/**
 * Joins maps times weights of their channels, float32, along the channels.
 * @param maps [B,C,H,W] each. @param weights [B,C,1,1] of each. @returns [B,all C,H,W].
 */
export function weighJoin(maps: readonly Tensor[], weights: readonly Tensor[]): Tensor {
  return Tensor.adopt(invoke(WEIGH_JOIN, [ids(maps), ids(weights)]) as number);
}
