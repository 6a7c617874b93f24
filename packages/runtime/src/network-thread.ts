/** The thread of Node's networks: onnxruntime blocks the calling thread. */
import { isMainThread, parentPort } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-common';
import { openNetwork } from './onnx.js';
import type { Inputs, Kept, Network } from './seams.js';

/** `network` is the number from `open`. */
export type ThreadRequest = { readonly number: number } & (
  | {
      readonly kind: 'open';
      readonly bytes: Uint8Array;
      readonly options: InferenceSession.SessionOptions;
    }
  | {
      readonly kind: 'run';
      readonly network: number;
      readonly inputs: Inputs;
      readonly output: string;
      /** The number from `keep`. */
      readonly kept: number | null;
    }
  | {
      readonly kind: 'keep';
      readonly network: number;
      readonly inputs: Inputs;
      readonly outputs: readonly string[];
    }
  | { readonly kind: 'forget'; readonly kept: number }
  | { readonly kind: 'release'; readonly network: number }
);

export type ThreadReply = { readonly number: number } & Answer;

/** `missing`: onnxruntime does not start. */
type Answer =
  | { readonly network: number }
  | { readonly kept: number }
  | { readonly data: Float32Array }
  | { readonly done: true }
  | { readonly error: string; readonly missing: boolean };

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const networks = new Map<number, Network>();
  const kept = new Map<number, Kept>();
  const networkOf = (number: number): Network => {
    const network = networks.get(number);
    if (!network) throw new Error('the network was already released');
    return network;
  };
  const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

  const answer = async (request: ThreadRequest): Promise<Answer> => {
    switch (request.kind) {
      case 'open': {
        let ort;
        try {
          ort = await import('@reclmis/onnxruntime');
          ort.env.logLevel = 'fatal';
        } catch (error) {
          return { error: messageOf(error), missing: true };
        }
        networks.set(request.number, await openNetwork(ort, request.bytes, request.options));
        return { network: request.number };
      }
      case 'run': {
        const features = request.kept === null ? undefined : kept.get(request.kept);
        if (request.kept !== null && !features) throw new Error('the features were already released');
        const result = await networkOf(request.network).run(request.inputs, request.output, features);
        return { data: result.slice() }; // copied: onnxruntime's memory stays here
      }
      case 'keep': {
        kept.set(request.number, await networkOf(request.network).keep(request.inputs, request.outputs));
        return { kept: request.number };
      }
      case 'forget': {
        await kept.get(request.kept)?.release();
        kept.delete(request.kept);
        return { done: true };
      }
      case 'release': {
        const network = networks.get(request.network);
        networks.delete(request.network);
        await network?.release();
        return { done: true };
      }
    }
  };

  port.on('message', (request: ThreadRequest) => {
    const { number } = request;
    answer(request)
      .catch((error: unknown): Answer => ({ error: messageOf(error), missing: false }))
      .then((given) => {
        const reply: ThreadReply = { number, ...given };
        port.postMessage(reply, 'data' in given ? [given.data.buffer as ArrayBuffer] : []);
      })
      .catch(() => undefined); // the port is closed: nobody is waiting
  });
}
