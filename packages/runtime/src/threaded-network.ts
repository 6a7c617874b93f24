/**
 * Runs Node's networks in a thread (`network-thread.ts`), so the event loop stays free. The thread lives from
 * the first network opened to the last released, and keeps the process alive only while somebody waits.
 */
import { Worker } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import { oneLine } from '@reclmis/files';
import type { InferenceSession } from 'onnxruntime-common';
import type { ThreadReply, ThreadRequest } from './network-thread.js';
import type { Kept, Network } from './seams.js';

type WithoutNumber<T> = T extends unknown ? Omit<T, 'number'> : never;

interface Waiting {
  readonly resolve: (reply: ThreadReply) => void;
  readonly reject: (error: Error) => void;
}

class NetworkThread {
  private readonly worker = new Worker(new URL('./network-thread.js', import.meta.url), { execArgv: [] });
  private readonly waiting = new Map<number, Waiting>();
  private number = 0;
  private failure: Error | null = null;
  /** Networks open or opening. */
  uses = 0;

  constructor() {
    this.worker.on('message', (reply: ThreadReply) => {
      if (this.failure !== null) return; // shutting down
      const waiting = this.waiting.get(reply.number);
      this.waiting.delete(reply.number);
      if (this.waiting.size === 0) this.worker.unref();
      if (!('error' in reply)) waiting?.resolve(reply);
      else if (reply.missing)
        waiting?.reject(
          new ReclmisError('RUNTIME_MISSING', `onnxruntime does not start (${oneLine(reply.error)})`),
        );
      else waiting?.reject(new Error(reply.error));
    });
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new Error('the network’s thread ended')));
    this.worker.unref();
  }

  call(request: WithoutNumber<ThreadRequest>, transfer: readonly ArrayBuffer[] = []): Promise<ThreadReply> {
    return new Promise((resolve, reject) => {
      if (this.failure !== null) {
        reject(this.failure);
        return;
      }
      const number = ++this.number;
      this.waiting.set(number, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ number, ...request }, transfer);
    });
  }

  async end(): Promise<void> {
    this.fail(new Error('the network was already released'));
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}

/**
 * Returns a function that opens networks and may own the bytes. It throws RUNTIME_MISSING, or any error for
 * bytes that are no model.
 */
export function networkOpener(
  options: InferenceSession.SessionOptions,
): (bytes: Uint8Array) => Promise<Network> {
  let current: NetworkThread | null = null;

  const leave = async (thread: NetworkThread): Promise<void> => {
    thread.uses -= 1;
    if (thread.uses > 0) return;
    if (current === thread) current = null;
    await thread.end();
  };

  return async (bytes) => {
    const thread = (current ??= new NetworkThread());
    thread.uses += 1;
    try {
      const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
      const reply = await thread.call({ kind: 'open', bytes, options }, whole ? [bytes.buffer] : []);
      if (!('network' in reply)) throw new Error('the network’s thread sent an unexpected reply');
      return networkOf(thread, reply.network, leave);
    } catch (error) {
      await leave(thread);
      throw error;
    }
  };
}

class KeptInThread implements Kept {
  private open = true;

  constructor(
    private readonly thread: NetworkThread,
    readonly number: number,
  ) {}

  async release(): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.thread.call({ kind: 'forget', kept: this.number });
  }
}

function networkOf(
  thread: NetworkThread,
  network: number,
  leave: (thread: NetworkThread) => Promise<void>,
): Network {
  let open = true;
  return {
    async run(inputs, output, features) {
      if (features !== undefined && !(features instanceof KeptInThread))
        throw new Error('features of another platform');
      const kept = features?.number ?? null;
      const reply = await thread.call({ kind: 'run', network, inputs, output, kept });
      if (!('data' in reply)) throw new Error('the network’s thread sent an unexpected reply');
      return reply.data;
    },
    async keep(inputs, outputs) {
      const reply = await thread.call({ kind: 'keep', network, inputs, outputs });
      if (!('kept' in reply)) throw new Error('the network’s thread sent an unexpected reply');
      return new KeptInThread(thread, reply.kept);
    },
    async release() {
      if (!open) return;
      open = false;
      await thread.call({ kind: 'release', network });
      await leave(thread);
    },
  };
}
