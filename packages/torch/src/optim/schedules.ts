/**
 * Learning-rate schedules as functions of the step, which may be fractional and counts epochs, as PyTorch's
 * schedulers do, or batches. With `warmup`, the rate first rises linearly to the peak; the schedule's own
 * step 0 is step `warmup`.
 */
import { ReclmisError } from '@reclmis/core';

/** The learning rate at a step, 0 and later. */
export type Schedule = (step: number) => number;

export interface ScheduleOptions {
  /** The peak learning rate, above 0. */
  readonly lr: number;
  /** Steps of linear warm-up, default 0. */
  readonly warmup?: number;
  /** Start of the warm-up as a fraction of `lr`, 0 to 1. Default 0. */
  readonly warmupStart?: number;
}

export interface CosineOptions extends ScheduleOptions {
  /** In all, warm-up included; the rate is `min` afterwards. */
  readonly steps: number;
  /** The last learning rate, default 0. */
  readonly min?: number;
}

export interface WarmRestartsOptions extends ScheduleOptions {
  /** Steps of the first cycle. */
  readonly period: number;
  /** Length of a cycle relative to the one before, at least 1. Default 1. */
  readonly factor?: number;
  /** At the end of each cycle, default 0. */
  readonly min?: number;
}

export interface ExponentialOptions extends ScheduleOptions {
  /** Factor of each step, 0 to 1. */
  readonly gamma: number;
  /** The least learning rate, default 0. */
  readonly min?: number;
}

export interface OneCycleOptions {
  /** The peak learning rate, above 0. */
  readonly lr: number;
  /** In all. */
  readonly steps: number;
  /** Share of the steps up to the peak, in (0, 1). Default 0.3. */
  readonly rise?: number;
  /** The first rate, as a fraction of the peak. Default 1/25. */
  readonly start?: number;
  /** The least learning rate, at the end, default 0; at least a 10,000th of the first rate. */
  readonly min?: number;
}

function check(schedule: string, name: string, value: number, good: boolean, expected: string): void {
  if (!good) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `${schedule} schedule: ${name} must be ${expected}, got ${value}`,
    );
  }
}

function withWarmup(name: string, options: ScheduleOptions, after: Schedule): Schedule {
  const { lr, warmup = 0, warmupStart = 0 } = options;
  check(name, 'lr', lr, lr > 0 && Number.isFinite(lr), 'above 0');
  check(name, 'warmup', warmup, warmup >= 0 && Number.isFinite(warmup), 'at least 0');
  check(name, 'warmupStart', warmupStart, warmupStart >= 0 && warmupStart <= 1, 'within 0 and 1');
  return (step) => {
    check(name, 'step', step, step >= 0, 'at least 0');
    if (step < warmup) return lr * (warmupStart + (1 - warmupStart) * (step / warmup));
    return after(step - warmup);
  };
}

function checkMin(name: string, min: number, lr: number): void {
  check(name, 'min', min, min >= 0 && min <= lr, `within 0 and lr (${lr})`);
}

/** Half a cosine from `lr` (part 0) to `min` (part 1). */
function halfCosine(lr: number, min: number, part: number): number {
  return min + ((lr - min) * (1 + Math.cos(Math.PI * part))) / 2;
}

export function constant(options: ScheduleOptions): Schedule {
  return withWarmup('constant', options, () => options.lr);
}

/** Cosine annealing (Loshchilov and Hutter 2017, eq. 5, one cycle), PyTorch's `CosineAnnealingLR` in closed form. */
export function cosine(options: CosineOptions): Schedule {
  const { lr, steps, min = 0, warmup = 0 } = options;
  check('cosine', 'steps', steps, steps > warmup && Number.isFinite(steps), `above the warm-up (${warmup})`);
  checkMin('cosine', min, lr);
  const span = steps - warmup;
  return withWarmup('cosine', options, (step) => halfCosine(lr, min, Math.min(step / span, 1)));
}

/** Cosine annealing with warm restarts (SGDR, same paper), PyTorch's `CosineAnnealingWarmRestarts`. */
export function cosineWarmRestarts(options: WarmRestartsOptions): Schedule {
  const { lr, period, factor = 1, min = 0 } = options;
  check('cosine warm restarts', 'period', period, period > 0 && Number.isFinite(period), 'above 0');
  check('cosine warm restarts', 'factor', factor, factor >= 1 && Number.isFinite(factor), 'at least 1');
  checkMin('cosine warm restarts', min, lr);
  return withWarmup('cosine warm restarts', options, (step) => {
    let start = 0;
    let length = period;
    if (factor === 1) {
      start = Math.floor(step / period) * period;
    } else {
      // Short, since cycles grow geometrically.
      while (step - start >= length) {
        start += length;
        length *= factor;
      }
    }
    return halfCosine(lr, min, (step - start) / length);
  });
}

/** lr gamma^step, PyTorch's `ExponentialLR`, but at least `min`. */
export function exponential(options: ExponentialOptions): Schedule {
  const { lr, gamma, min = 0 } = options;
  check('exponential', 'gamma', gamma, gamma > 0 && gamma <= 1, 'above 0 and at most 1');
  checkMin('exponential', min, lr);
  return withWarmup('exponential', options, (step) => Math.max(lr * gamma ** step, min));
}

/**
 * One cycle (Smith and Topin 2018), PyTorch's `OneCycleLR` with cosines and its default factors: up from `start` to the peak at step `rise * steps - 1`, then down to `min` at the
 * last step. Only the rate cycles, not Adam's first moment.
 */
export function oneCycle({ lr, steps, rise = 0.3, start = 1 / 25, min = 0 }: OneCycleOptions): Schedule {
  check('one-cycle', 'lr', lr, lr > 0 && Number.isFinite(lr), 'above 0');
  check('one-cycle', 'steps', steps, steps >= 1 && Number.isFinite(steps), 'at least 1');
  check('one-cycle', 'rise', rise, rise > 0 && rise < 1, 'within (0, 1)');
  check('one-cycle', 'start', start, start > 0 && start <= 1, 'above 0 and at most 1');
  checkMin('one-cycle', min, lr);
  const first = lr * start;
  const last = Math.max(min, first / 1e4);
  const peak = Math.max(0, rise * steps - 1);
  const end = Math.max(peak, steps - 1);
  return (step) => {
    check('one-cycle', 'step', step, step >= 0, 'at least 0');
    if (step < peak) return halfCosine(first, lr, step / peak);
    return end === peak ? lr : halfCosine(lr, last, Math.min(1, (step - peak) / (end - peak)));
  };
}
