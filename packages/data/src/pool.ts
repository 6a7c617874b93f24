/** The loader's worker threads: a job goes to the least busy one. */
import { Worker } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import { oneLine } from '@reclmis/files';
import type { AssembledBatch, AssemblerSettings, BatchJob } from './assemble.js';
import type { WorkerReply, WorkerRequest } from './worker.js';

interface Pending {
  readonly resolve: (batch: AssembledBatch) => void;
  readonly reject: (error: Error) => void;
}

/** Only pending jobs keep the process alive. */
class Thread {
  readonly pending = new Map<number, Pending>();
  private readonly worker: Worker;
  private failure: Error | null = null;

  constructor(settings: AssemblerSettings) {
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: settings, execArgv: [] });
    this.worker.on('message', (reply: WorkerReply) => this.settle(reply));
    this.worker.on('error', (error) => this.fail(`a loader thread failed (${oneLine(error)})`, error));
    this.worker.on('exit', (code) => this.fail(`a loader thread ended early with status ${code}`));
    this.worker.unref();
  }

  run(number: number, job: BatchJob): Promise<AssembledBatch> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) {
        reject(this.failure);
        return;
      }
      this.pending.set(number, { resolve, reject });
      this.worker.ref();
      const request: WorkerRequest = { number, job };
      const { spare } = job;
      this.worker.postMessage(request, spare ? [spare.images, spare.masks] : []);
    });
  }

  async close(): Promise<void> {
    this.fail('the loader was closed');
    await this.worker.terminate();
  }

  private settle(reply: WorkerReply): void {
    // An answer may arrive while its thread is ended: without the thread the process might not wait for that.
    if (this.failure !== null) return;
    const waiting = this.pending.get(reply.number);
    this.pending.delete(reply.number);
    if (this.pending.size === 0) this.worker.unref();
    if ('batch' in reply) waiting?.resolve(reply.batch);
    else
      waiting?.reject(
        new ReclmisError(reply.error.code, reply.error.message, { remedy: reply.error.remedy }),
      );
  }

  private fail(message: string, cause?: unknown): void {
    this.failure ??= new ReclmisError('INTERNAL', message, { cause });
    for (const { reject } of this.pending.values()) reject(this.failure);
    this.pending.clear();
  }
}

export class WorkerPool {
  private readonly threads: readonly Thread[];
  private number = 0;

  constructor(count: number, settings: AssemblerSettings) {
    this.threads = Array.from({ length: count }, () => new Thread(settings));
  }

  run(job: BatchJob): Promise<AssembledBatch> {
    const idlest = this.threads.reduce((best, next) => (next.pending.size < best.pending.size ? next : best));
    this.number += 1;
    return idlest.run(this.number, job);
  }

  async close(): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.close()));
  }
}
