/**
 * Times all operators that libtorch runs during a body, forward and backward (`native/profiler.cc`). Costs
 * about a microsecond an operator.
 */
import { native } from './native.js';

export interface OperatorTime {
  /** E.g. `aten::conv2d`, `ConvolutionBackward0` or, with shapes, `aten::conv2d [8,3,224,224] [64,3,3,3]`. */
  readonly name: string;
  /** Without the operators it called, so that the sum is the whole. */
  readonly selfSeconds: number;
  /** With them. */
  readonly totalSeconds: number;
  readonly calls: number;
}

export interface ProfileOptions {
  /** Lists the same operator once per shapes; default false. */
  readonly shapes?: boolean;
  /** `cpu` (default), or a CUDA device, waited for after each operator: a profile of work, not of overlap. */
  readonly device?: string;
}

/**
 * Times the operators of a synchronous `body`. `lap()` returns what ran since the start or the last lap, most
 * self time first; `rest` is what no lap took.
 * @throws Error if another profile is running.
 */
export function profileOperators<T>(
  body: (lap: () => OperatorTime[]) => T,
  { shapes = false, device = 'cpu' }: ProfileOptions = {},
): { readonly result: T; readonly rest: readonly OperatorTime[] } {
  const addon = native();
  const lap = (): OperatorTime[] =>
    addon
      .takeProfile()
      .map(({ name, selfMicros, totalMicros, calls }) => ({
        name,
        selfSeconds: selfMicros / 1e6,
        totalSeconds: totalMicros / 1e6,
        calls,
      }))
      .sort((a, b) => b.selfSeconds - a.selfSeconds);
  addon.startProfiler(shapes, device);
  try {
    const result = body(lap);
    if (result instanceof Promise)
      throw new TypeError('profileOperators() is synchronous; its body returned a promise');
    return { result, rest: lap() };
  } finally {
    addon.stopProfiler();
  }
}
