/** A step of an exponential moving average. */
import { foreachAdd, foreachAdd_ } from '../generated/functions.js';
import { noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/**
 * a = a + part (x - a) for each pair, in place; where x equals a, a keeps its bits.
 * @param averages floating point. @param values of the same shapes and dtypes. @param part in [0, 1]
 */
export function moveAverages(averages: readonly Tensor[], values: readonly Tensor[], part: number): void {
  if (averages.length === 0) return;
  noGrad(() =>
    scope(() => foreachAdd_(averages, foreachAdd(values, averages, { alpha: -1 }), { alpha: part })),
  );
}
