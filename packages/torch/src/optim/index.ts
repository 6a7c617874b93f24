/** Optimisers, gradient clipping, averages of weights and learning-rate schedules, as the namespace `optim`. */
export { Adam, AdamW, type AdamOptions } from './adam.js';
export { moveAverages } from './average.js';
export { clipGradNorm } from './clip.js';
export {
  constant,
  cosine,
  cosineWarmRestarts,
  exponential,
  oneCycle,
  type CosineOptions,
  type ExponentialOptions,
  type OneCycleOptions,
  type Schedule,
  type ScheduleOptions,
  type WarmRestartsOptions,
} from './schedules.js';
