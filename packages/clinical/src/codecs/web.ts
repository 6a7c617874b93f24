/** Decoders in a Web Worker. */
import { ReclmisError } from '@reclmis/core';
import type { FrameDecoder } from '../dicom/codec.js';
import type { JobMessage, JobReply } from './jobs.js';
import { DecoderQueue, type StartThread } from './queue.js';

/** Milliseconds to fetch the worker's script and a decoder, on a slow line. */
const LOAD_TIME = 60_000;

/** @param base address of the folder with the decoders' WebAssembly files; absent: where the bundler put them */
function startThread(base: string | undefined): StartThread {
  return (onReply, onEnd) => {
    const worker = new Worker(new URL('./web-worker.js', import.meta.url), { type: 'module' });
    let running = false;
    worker.onmessage = ({ data }: MessageEvent<JobReply>) => {
      running = true;
      onReply(data);
    };
    worker.onerror = () => onEnd(!running);
    return {
      send: (number, job) => {
        const message: JobMessage = base === undefined ? { number, job } : { number, job, base };
        worker.postMessage(message, [job.bytes.buffer as ArrayBuffer]);
      },
      hold: () => undefined,
      end: () => worker.terminate(),
    };
  };
}

const queues = new Map<string | undefined, DecoderQueue>();

/**
 * Returns a decoder whose worker all with the same address share.
 * @param folder relative to the page or absolute, with or without a slash at its end
 * @throws OPTION_INVALID
 */
export function decodeInWorker(folder?: string): FrameDecoder {
  const base = folder === undefined ? undefined : folderAddress(folder);
  return (request) => {
    let queue = queues.get(base);
    if (queue === undefined) {
      queue = new DecoderQueue(startThread(base), { loadTime: LOAD_TIME });
      queues.set(base, queue);
    }
    return queue.decode(request);
  };
}

/** Absolute, since the worker would take it relative to its own script. */
function folderAddress(folder: string): string {
  const page = (globalThis as { readonly location?: { readonly href: string } }).location?.href;
  if (!URL.canParse(folder, page))
    throw new ReclmisError('OPTION_INVALID', 'decoders: expected the address of a folder');
  return `${new URL(folder, page).href.replace(/\/$/, '')}/`;
}
