/**
 * libtorch for TypeScript. Nothing is loaded until the first tensor.
 *
 * @packageDocumentation
 */
export * from './generated/functions.js';
export { buildAddon, type BuildAddonOptions } from './build-addon.js';
export { attend, takesAttention, type AttendOptions } from './attention.js';
export { attendWindows, type WindowAttendOptions } from './window-attention.js';
export { dropout } from './dropout.js'; // replaces libtorch's
export { listen, type CallListener, type DType, type MemoryFormat, type Operator } from './invoke.js';
export { keep, noGrad, scope } from './scope.js';
export { Tensor } from './tensor.js';
export {
  exitNow,
  device,
  devices,
  emptyCache,
  trimHeap,
  generatorState,
  manualSeed,
  memory,
  resetPeak,
  setDeterministic,
  setGeneratorState,
  setThreads,
  synchronize,
  threads,
  version,
  type EngineVersion,
  type Memory,
} from './runtime.js';
export {
  autocast,
  float32,
  requireAutocast,
  type AutocastDType,
  type AutocastOptions,
} from './precision/autocast.js';
export { LossScaler, type LossScalerOptions, type LossScalerState } from './precision/loss-scaler.js';
export { profileOperators, type OperatorTime, type ProfileOptions } from './profiler.js';
export { countFlops, type Flops, type FlopsByKind } from './flops.js';
export { conv3x3, hasConv3x3 } from './conv3x3.js';
export {
  attendAndJoin,
  channelMax,
  instanceNorm,
  isLaneMap,
  pixelMeanMax,
  projectedMeanMax,
  reluMean,
  weighJoin,
} from './maps.js';
export {
  isTracedValue,
  trace,
  type Trace,
  type TracedArgument,
  type TracedCall,
  type TracedValue,
} from './trace.js';
export * as distributed from './distributed/index.js';
export * as nn from './nn/index.js';
export * as optim from './optim/index.js';
export * from './archive/index.js';
