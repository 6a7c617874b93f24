/** onnxruntime for checks, calibration and measurements. */
import { defined, ReclmisError } from '@reclmis/core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';

/** float32, or int64 for tokens. */
export interface Values {
  readonly data: Float32Array | BigInt64Array;
  readonly shape: readonly number[];
}

export interface OnnxSession {
  /** @returns outputs by name @throws EXPORT_DIFFERS if onnxruntime fails */
  run(inputs: Readonly<Record<string, Values>>): Promise<ReadonlyMap<string, Float32Array>>;
  release(): Promise<void>;
}

export interface SessionOptions {
  /** Within an operator; default all cores. */
  readonly threads?: number;
  readonly optimise?: boolean;
}

/** @param model bytes or a file. @throws EXPORT_DIFFERS if onnxruntime refuses it */
export async function openOnnx(
  model: Uint8Array | string,
  { threads, optimise = true }: SessionOptions = {},
): Promise<OnnxSession> {
  const ort = await import('onnxruntime-node');
  const options: InferenceSession.SessionOptions = {
    graphOptimizationLevel: optimise ? 'all' : 'disabled',
    logSeverityLevel: 4, // errors only
    ...defined({ intraOpNumThreads: threads }),
  };
  const session = await attempt('does not load the exported model', () =>
    typeof model === 'string'
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options),
  );
  return {
    run: async (inputs) => {
      const feeds: Record<string, OrtTensor> = {};
      for (const [name, { data, shape }] of Object.entries(inputs)) {
        feeds[name] =
          data instanceof Float32Array
            ? new ort.Tensor('float32', data, shape)
            : new ort.Tensor('int64', data, shape);
      }
      const results = await attempt('does not run the exported model', () => session.run(feeds));
      const outputs = new Map<string, Float32Array>();
      for (const [name, tensor] of Object.entries(results)) {
        if (tensor.data instanceof Float32Array) outputs.set(name, tensor.data);
      }
      return outputs;
    },
    release: () => session.release(),
  };
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const words = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
    throw new ReclmisError('EXPORT_DIFFERS', `onnxruntime ${what}: ${words}`, { cause });
  }
}
