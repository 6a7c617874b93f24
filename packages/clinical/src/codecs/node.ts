/** Decoders in a thread of Node's, with limits on its heap. */
import { Worker } from 'node:worker_threads';
import type { FrameDecoder } from '../dicom/codec.js';
import type { JobMessage, JobReply } from './jobs.js';
import { DecoderQueue, type StartThread } from './queue.js';

/** Megabytes of JavaScript objects; pixels and WebAssembly are outside of them, and limited by the frame's size. */
const MAX_HEAP = 512;

const startThread: StartThread = (onReply, onEnd) => {
  const worker = new Worker(new URL('./node-thread.js', import.meta.url), {
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP },
    stdout: true, // decoders that print would write to the command's output
    stderr: true,
  });
  worker.unref();
  worker.on('message', (reply: JobReply) => onReply(reply));
  worker.on('error', () => onEnd(false));
  worker.on('exit', () => onEnd(false));
  return {
    send: (number, job) => {
      const message: JobMessage = { number, job };
      worker.postMessage(message, [job.bytes.buffer as ArrayBuffer]);
    },
    hold: (held) => {
      if (held) worker.ref();
      else worker.unref();
    },
    end: () => void worker.terminate(),
  };
};

let queue: DecoderQueue | null = null;

/** Decodes a frame in the process's only thread for it. */
export const decodeInThread: FrameDecoder = (request) =>
  (queue ??= new DecoderQueue(startThread)).decode(request);

/** A thread of its own, for tests. */
export function ownQueue(timeScale: number): DecoderQueue {
  return new DecoderQueue(startThread, { timeScale });
}
