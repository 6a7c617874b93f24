/**
 * Notices within seconds that another rank is lost, even while the main thread is blocked in a collective,
 * and ends this one.
 *
 * A thread in every rank beats once a second over TCP to rank 0, which judges the others (`verdict.ts`) and
 * tells all; they judge rank 0. A rank that learns of a loss prints RANK_LOST and exits at once. (A
 * TCPStore's client waits forever for a stopped server.)
 *
 * The thread beats while its process runs; a main thread that spins or waits for a dead disk shows through
 * `pulse`, which the training loop calls.
 */
import { Worker } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import type { Patience } from './verdict.js';

export interface HeartbeatOptions extends Partial<Patience> {
  readonly rank: number;
  readonly size: number;
  /** Host of rank 0. */
  readonly host: string;
  /** Exchanges rank 0's address, e.g. through the run's store: rank 0 passes it, others null; returns it. */
  readonly agree: (words: string | null) => string | Promise<string>;
  /** Between beats; default 1,000. */
  readonly beatMs?: number;
}

/** `shared`: two 32-bit numbers, progress, and 1 while computing. */
export interface HeartbeatData extends Patience {
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  readonly beatMs: number;
  readonly shared: SharedArrayBuffer;
  /** `port/token` of rank 0; null in rank 0. */
  readonly words: string | null;
}

export type HeartbeatEvent =
  | { readonly kind: 'ready'; readonly words: string }
  | { readonly kind: 'left' }
  | { readonly kind: 'failed'; readonly message: string };

export const SILENT_MS = 20_000;
const STALL_MS = 600_000;

export class Pulse {
  private readonly cells: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.cells = new Int32Array(shared);
  }

  /** Progress was made, and computing begins. */
  beat(): void {
    Atomics.add(this.cells, 0, 1);
    Atomics.store(this.cells, 1, 1);
  }

  /** What follows may take any time, e.g. a collective, or saving. */
  rest(): void {
    Atomics.store(this.cells, 1, 0);
  }
}

export class Heartbeat {
  private constructor(
    private readonly thread: Worker,
    readonly pulse: Pulse,
  ) {}

  /**
   * All ranks must call it at about the same time.
   * @throws DISTRIBUTED_FAILED if rank 0 cannot listen or be reached
   */
  static async start(options: HeartbeatOptions): Promise<Heartbeat> {
    const { rank, size, host, agree, beatMs = 1000, silentMs = SILENT_MS, stallMs = STALL_MS } = options;
    const shared = new SharedArrayBuffer(8);
    const words = rank === 0 ? null : await agree(null);
    const workerData: HeartbeatData = { rank, size, host, beatMs, silentMs, stallMs, shared, words };
    const thread = new Worker(new URL('./heartbeat-thread.js', import.meta.url), { workerData });
    const event = await nextEvent(thread);
    if (event.kind !== 'ready') {
      await thread.terminate();
      const why = event.kind === 'failed' ? event.message : 'its thread ended';
      throw new ReclmisError(
        'DISTRIBUTED_FAILED',
        `rank ${rank}: no heartbeat with rank 0 on ${host}: ${why}`,
      );
    }
    if (rank === 0) await agree(event.words);
    thread.unref();
    return new Heartbeat(thread, new Pulse(shared));
  }

  /** Resolves when rank 0 has heard it; in rank 0, when all others have left. */
  async leave(): Promise<void> {
    this.pulse.rest();
    const left = nextEvent(this.thread);
    this.thread.postMessage('leave');
    await left;
    await this.thread.terminate();
  }
}

function nextEvent(thread: Worker): Promise<HeartbeatEvent> {
  return new Promise((resolve) => {
    const settle = (event: HeartbeatEvent): void => {
      thread.off('message', settle).off('error', failed).off('exit', exited);
      resolve(event);
    };
    const failed = (error: Error): void => settle({ kind: 'failed', message: error.message });
    const exited = (): void => settle({ kind: 'left' });
    thread.on('message', settle).on('error', failed).on('exit', exited);
  });
}
