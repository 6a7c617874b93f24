/**
 * Time by operator, of everything that libtorch does while a body runs, forward and backward, also what was not called from here:
 * `native/profiler.cc` listens to libtorch's own observers. Being observed costs about a microsecond an operator.
 */
import { native } from './native.js';

/** What one kind of operator took. */
export interface OperatorTime {
  /** Such as `aten::conv2d`, a backward node such as `ConvolutionBackward0`, or, by shapes, `aten::conv2d [8,3,224,224] [64,3,3,3]`. */
  readonly name: string;
  /** Without the operators that it called: these add up to the whole. */
  readonly selfSeconds: number;
  /** With them. */
  readonly totalSeconds: number;
  readonly calls: number;
}

export interface ProfileOptions {
  /** Tells the same operator on other shapes apart; default false. */
  readonly shapes?: boolean;
  /** `cpu` (default), or a CUDA device, for which each operator then waits: a profile of the work, not of its overlap. */
  readonly device?: string;
}

/**
 * Runs a synchronous `body` and times its operators. `lap()`, which the body is given, returns what ran since the start or the last
 * lap, most self time first; what no lap took is the result's `rest`.
 * @throws Error when another profile is being taken.
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
