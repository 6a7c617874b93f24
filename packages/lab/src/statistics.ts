import { quantile } from '@reclmis/core';

/** Times per image, in seconds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Nine in ten are at most this. */
  readonly p90: number;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function spread(values: readonly number[]): Spread {
  return {
    median: median(values),
    min: quantile(values, 0),
    max: quantile(values, 1),
    p90: quantile(values, 0.9),
  };
}
