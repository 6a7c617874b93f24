/** Layers and their base class, as the namespace `nn`. */
export {
  causalMask,
  MultiheadAttention,
  type AttentionOptions,
  type MultiheadAttentionOptions,
} from './attention.js';
export {
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  setConvolutionKernel,
  type ConvolutionKernel,
  type ConvOptions,
  type ConvTransposeOptions,
} from './conv.js';
export { Dropout } from './dropout.js';
export { Embedding, type EmbeddingOptions } from './embedding.js';
export {
  gelu,
  maxPool2d,
  resizeBilinear2d,
  upsampleAndJoin,
  upsampleNearest2d,
  type PoolOptions,
} from './functional.js';
export {
  kaimingNormal_,
  kaimingUniform_,
  normal_,
  truncatedNormal_,
  xavierUniform_,
  zero_,
  type Pair,
} from './init.js';
export { type AfterLinear, Linear } from './linear.js';
export { Module, type LoadOptions, type LoadReport } from './module.js';
export { isTappable, isTapped, withTaps, type Tap } from './tap.js';
export {
  BatchNorm1d,
  BatchNorm2d,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  withBatchStatistics,
  type AfterNorm,
  type BatchNormLayer,
  type BatchNormOptions,
  type BatchStatistics,
  type GroupNormOptions,
  type LayerNormOptions,
} from './norm.js';
