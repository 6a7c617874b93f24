/** Does a job in the decoders' thread, in Node and in browsers alike. */
import type { Job, JobAnswer } from './jobs.js';
import { decodeJpegExtended } from './jpeg-extended.js';
import { decodeJpegLossless } from './jpeg-lossless.js';
import { MissingDecoder, type WasmDecoders } from './wasm.js';
import { ReclmisError } from '@reclmis/core';

/** Never rejects. @param onLoaded called when the decoder has been loaded, before it decodes */
export async function answer(job: Job, decoders: WasmDecoders, onLoaded?: () => void): Promise<JobAnswer> {
  try {
    if (job.kind !== 'jpeg-lossless' && job.kind !== 'jpeg-extended') await decoders.load(job.kind);
    onLoaded?.();
    const { data, planes } = await decoded(job, decoders);
    return { data, planes, memory: decoders.memory };
  } catch (error) {
    if (error instanceof MissingDecoder) return { refused: 'missing', message: error.message, broken: true };
    // Their messages may quote the stream's comments. C++ exceptions, which leave a decoder intact, arrive as numbers
    // or as `CppException`; anything else may have broken it.
    const message =
      error instanceof ReclmisError ? error.message : 'the decoder finds a compressed frame damaged';
    return { refused: 'damaged', message, broken: !(error instanceof ReclmisError) && !isException(error) };
  }
}

function isException(error: unknown): boolean {
  return typeof error === 'number' || (error instanceof Error && error.name === 'CppException');
}

async function decoded(
  job: Job,
  decoders: WasmDecoders,
): Promise<{ readonly data: Uint8Array; readonly planes: boolean }> {
  switch (job.kind) {
    case 'jpeg-lossless':
      return { data: bytesOf(decodeJpegLossless(job.bytes), job.depth), planes: false };
    case 'jpeg-extended':
      return { data: bytesOf(decodeJpegExtended(job.bytes), job.depth), planes: false };
    default:
      return decoders.decode(job.kind, job);
  }
}

function bytesOf(samples: Uint16Array, depth: number): Uint8Array {
  return depth === 1 ? Uint8Array.from(samples) : new Uint8Array(samples.buffer);
}
