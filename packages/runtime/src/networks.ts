/** Opening and running networks, with coded errors. */
import { ReclmisError } from '@reclmis/core';
import type { Inputs, Kept, Network } from './seams.js';

/** Or rejects at once with the signal's reason, and later releases the network. */
export function unlessAborted(opening: Promise<Network>, signal: AbortSignal | undefined): Promise<Network> {
  if (!signal) return opening;
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
      opening.then((network) => network.release()).catch(() => undefined); // nobody is waiting
    };
    signal.addEventListener('abort', abort, { once: true });
    opening.finally(() => signal.removeEventListener('abort', abort)).then(resolve, reject);
  });
}

/** @throws INFERENCE_FAILED, for another number of values than `length` too */
export async function runNetwork(
  network: Network,
  inputs: Inputs,
  output: string,
  length: number,
  kept?: Kept,
): Promise<Float32Array> {
  const result = await withCode(network.run(inputs, output, kept));
  if (result.length !== length) {
    throw new ReclmisError('INFERENCE_FAILED', `${output}: expected ${length} values, got ${result.length}`);
  }
  return result;
}

/** @throws INFERENCE_FAILED for whatever it throws */
export function withCode<T>(running: Promise<T>): Promise<T> {
  return running.catch((cause: unknown) => {
    throw new ReclmisError('INFERENCE_FAILED', `onnxruntime: ${firstLine(cause)}`, { cause });
  });
}

export function firstLine(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return (text.split('\n')[0] ?? '').slice(0, 300);
}
