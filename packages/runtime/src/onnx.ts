/** An onnxruntime network; Node's and browsers' packages share the interface. */
import type * as Ort from 'onnxruntime-common';
import type { Network } from './seams.js';

export interface OnnxRuntime {
  readonly InferenceSession: Pick<typeof Ort.InferenceSession, 'create'>;
  readonly Tensor: typeof Ort.Tensor;
}

/** Silences standard error, which quotes the model's names, escape sequences included. */
const FATAL = 4;

/** @throws any error for bytes that are no model. */
export async function openNetwork(
  { InferenceSession, Tensor }: OnnxRuntime,
  bytes: Uint8Array,
  options: Ort.InferenceSession.SessionOptions,
): Promise<Network> {
  const session = await InferenceSession.create(bytes, {
    graphOptimizationLevel: 'all',
    logSeverityLevel: FATAL,
    ...options,
  });
  return {
    async run(inputs, output) {
      const feeds: Record<string, Ort.Tensor> = {};
      for (const [name, { data, shape }] of Object.entries(inputs)) {
        feeds[name] =
          data instanceof Float32Array
            ? new Tensor('float32', data, shape)
            : new Tensor('int64', data, shape);
      }
      const results = await session.run(feeds, [output], { logSeverityLevel: FATAL });
      const data = await results[output]?.getData();
      for (const tensor of [...Object.values(feeds), ...Object.values(results)]) tensor.dispose();
      if (!(data instanceof Float32Array)) throw new Error(`${output} is not float32`);
      return data;
    },
    release: () => session.release(),
  };
}
