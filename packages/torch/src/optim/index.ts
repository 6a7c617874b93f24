/** Optimisers, gradient clipping and learning-rate schedules, as the namespace `optim`. */
export { Adam, AdamW, type AdamOptions } from './adam.js';
export { clipGradNorm } from './clip.js';
export {
  constant,
  cosine,
  cosineWarmRestarts,
  exponential,
  type CosineOptions,
  type ExponentialOptions,
  type Schedule,
  type ScheduleOptions,
  type WarmRestartsOptions,
} from './schedules.js';
