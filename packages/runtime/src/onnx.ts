/** An onnxruntime network; Node's and browsers' packages share the interface. */
import type * as Ort from 'onnxruntime-common';
import type { Inputs, Kept, Network } from './seams.js';

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
  const feedsOf = (inputs: Inputs): Tensors =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, { data, shape }]) => [
        name,
        data instanceof Float32Array ? new Tensor('float32', data, shape) : new Tensor('int64', data, shape),
      ]),
    );
  const run = async (feeds: Tensors, outputs: readonly string[], more: Tensors = {}): Promise<Tensors> => {
    try {
      return await session.run({ ...feeds, ...more }, outputs, { logSeverityLevel: FATAL });
    } finally {
      free(feeds);
    }
  };
  return {
    async run(inputs, output, kept) {
      if (kept !== undefined && !(kept instanceof KeptTensors))
        throw new Error('features of another platform');
      const results = await run(feedsOf(inputs), [output], kept?.tensors());
      const data = await results[output]?.getData();
      free(results);
      if (!(data instanceof Float32Array)) throw new Error(`${output} is not float32`);
      return data;
    },
    async keep(inputs, outputs) {
      return new KeptTensors(await run(feedsOf(inputs), outputs));
    },
    release: () => session.release(),
  };
}

type Tensors = Readonly<Record<string, Ort.Tensor>>;

class KeptTensors implements Kept {
  constructor(private made: Tensors | null) {}

  tensors(): Tensors {
    if (this.made === null) throw new Error('the features were already released');
    return this.made;
  }

  release(): Promise<void> {
    free(this.made ?? {});
    this.made = null;
    return Promise.resolve();
  }
}

function free(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}
