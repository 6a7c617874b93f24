/** The loader's worker thread: answers jobs with batches, whose buffers it transfers, or the error. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { toReclmisError, type ErrorCode } from '@reclmis/core';
import {
  Assembler,
  type AssembledBatch,
  type AssemblerSettings,
  type BatchJob,
  memoryOf,
} from './assemble.js';

export interface WorkerRequest {
  readonly number: number;
  readonly job: BatchJob;
}

/** An error loses its class on the way and is rebuilt. */
export type WorkerReply =
  | { readonly number: number; readonly batch: AssembledBatch }
  | {
      readonly number: number;
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly remedy: string };
    };

if (!isMainThread && parentPort !== null) {
  const port = parentPort;
  const assembler = new Assembler(workerData as AssemblerSettings);
  // One by one, so that the batch needed first is ready first.
  let last: Promise<void> = Promise.resolve();
  port.on('message', ({ number, job }: WorkerRequest) => {
    last = last.then(async () => {
      try {
        const batch = await assembler.batch(job);
        const reply: WorkerReply = { number, batch };
        const { images, masks } = memoryOf(batch);
        port.postMessage(reply, [images, masks]);
      } catch (error) {
        const { code, message, remedy } = toReclmisError(error);
        const reply: WorkerReply = { number, error: { code, message, remedy } };
        port.postMessage(reply);
      }
    });
  });
}
