/**
 * Measures the machine's peak: the model's most expensive convolution, 3x3 64 -> 64 channels, and a square
 * matrix product. A multiply-add counts as two.
 */
import { conv2d, noGrad, randn, scope, type DType, type MemoryFormat } from '@reclmis/torch';
import type { Engine } from '../engine/engine.js';
import type { Precision } from '../config/precisions.js';
import { PhaseClock } from './clock.js';

/** GFLOP/s. */
export interface Peak {
  readonly convolution: {
    readonly contiguous: number;
    readonly channelsLast: number;
    readonly best: number;
  };
  readonly matrixProduct: number;
}

const CHANNELS = 64;
const KERNEL = 3;
/** Seconds; at least three times. */
const SECONDS = 1.5;
const LEAST_REPETITIONS = 3;
const MOST_REPETITIONS = 50;

const DTYPES = { fp32: 'float32', bf16: 'bfloat16', fp16: 'float16' } as const satisfies Record<
  Precision,
  DType
>;

/** @param batch images at once. @param size their side */
export function measurePeak(engine: Engine, batch: number, size = 224): Peak {
  const rate = (format: MemoryFormat): number => convolutionRate(engine, batch, size, format);
  const contiguous = rate('contiguous');
  const channelsLast = rate('channelsLast');
  return {
    convolution: { contiguous, channelsLast, best: Math.max(contiguous, channelsLast) },
    matrixProduct: productRate(engine),
  };
}

function convolutionRate(
  { device, precision }: Engine,
  batch: number,
  size: number,
  memoryFormat: MemoryFormat,
): number {
  return noGrad(() =>
    scope(() => {
      const place = { device, dtype: DTYPES[precision] };
      const input = randn([batch, CHANNELS, size, size], place).contiguous({ memoryFormat });
      const weight = randn([CHANNELS, CHANNELS, KERNEL, KERNEL], place).contiguous({ memoryFormat });
      const flops = 2 * batch * CHANNELS * size * size * CHANNELS * KERNEL * KERNEL;
      return flops / best(device, () => void conv2d(input, weight, null, 1, 1)) / 1e9;
    }),
  );
}

function productRate({ device, precision }: Engine): number {
  const n = device.startsWith('cuda') ? 8192 : 2048;
  return noGrad(() =>
    scope(() => {
      const place = { device, dtype: DTYPES[precision] };
      const a = randn([n, n], place);
      const b = randn([n, n], place);
      return (2 * n ** 3) / best(device, () => void a.mm(b)) / 1e9;
    }),
  );
}

/** The shortest of several, in seconds, without the first. */
function best(device: string, work: () => void): number {
  const clock = new PhaseClock(device);
  scope(work);
  const begun = clock.now();
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < MOST_REPETITIONS; i++) {
    const before = clock.now();
    if (i >= LEAST_REPETITIONS && before - begun > SECONDS) break;
    scope(work);
    least = Math.min(least, clock.now() - before);
  }
  return least;
}
