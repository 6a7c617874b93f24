/**
 * Calibration: the range that an activation's 256 steps cover. A whole range wastes steps on outliers, a
 * narrower one clips them. Of the whole range and the middle 99.999 % to 99.9 %, the one with the least
 * squared error over samples wins.
 */
import { joined } from './check.js';
import { encodeModel } from './onnx-model.js';
import type { OnnxGraph } from './onnx-graph.js';
import { openOnnx, type Values } from './session.js';

export interface Range {
  readonly low: number;
  readonly high: number;
}

export type CalibrationInputs = Readonly<Record<string, Values>>;

/** Per tensor and case; 4,096 of 32 cases hold the 99.999th percentile. */
const SAMPLES = 4096;
/**
 * Multiples of the golden ratio modulo 1 as offsets: strides of whole or half rows would sample only one or
 * two columns.
 */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Shares of the samples clipped at either end. */
const CUTS = [0, 1e-5, 1e-4, 5e-4, 1e-3] as const;

/** Finds ranges by running the float graph. @throws EXPORT_DIFFERS if onnxruntime fails. */
export async function calibrate(
  graph: OnnxGraph,
  tensors: readonly string[],
  cases: readonly CalibrationInputs[],
  signal?: AbortSignal,
): Promise<Map<string, Range>> {
  const outputs = tensors
    .filter((name) => graph.inputs.every((input) => input.name !== name))
    .map((name) => ({ name, type: 'float32' as const, shape: [] }));
  const session = await openOnnx(encodeModel({ ...graph, outputs }, 'calibration', { shapes: false }));
  const samples = new Map(tensors.map((name) => [name, new Samples()]));
  try {
    for (const inputs of cases) {
      signal?.throwIfAborted();
      const results = await session.run(inputs);
      for (const [name, all] of samples) {
        const given = inputs[name]?.data;
        const values = given instanceof Float32Array ? given : results.get(name);
        if (values) all.add(values);
      }
    }
  } finally {
    await session.release();
  }
  return new Map([...samples].map(([name, all]) => [name, all.range()]));
}

export class Samples {
  private readonly parts: Float32Array[] = [];
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;

  add(values: Float32Array): void {
    let { low, high } = this;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    [this.low, this.high] = [low, high];
    const step = Math.max(1, values.length / SAMPLES);
    const count = Math.min(SAMPLES, values.length);
    const place = (i: number): number => Math.floor((i + ((i * GOLDEN) % 1)) * step); // i for a step of 1
    this.parts.push(Float32Array.from({ length: count }, (_, i) => values[place(i)] ?? 0));
  }

  range(): Range {
    const sorted = joined(this.parts).sort();
    let best: Range = { low: Math.min(this.low, 0), high: Math.max(this.high, 0) };
    if (sorted.length === 0) return { low: 0, high: 0 };
    let least = Number.POSITIVE_INFINITY;
    for (const cut of CUTS) {
      const k = Math.floor(cut * sorted.length);
      const range =
        k === 0
          ? best
          : {
              low: Math.min(sorted[k] ?? 0, 0),
              high: Math.max(sorted[sorted.length - 1 - k] ?? 0, 0),
            };
      const error = squaredError(sorted, range);
      if (error < least) [least, best] = [error, range];
    }
    return best;
  }
}

function squaredError(values: Float32Array, { low, high }: Range): number {
  const scale = Math.max(high - low, 1e-6) / 255;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const kept = Math.min(high, Math.max(low, value));
    const rounded = Math.round((kept - low) / scale) * scale + low;
    sum += (rounded - value) ** 2;
  }
  return sum;
}
