/**
 * Notices within seconds that another rank of a run is lost, also while the main thread is blocked in a collective, and ends this one.
 *
 * Every rank has a thread that beats once a second over TCP: rank 0's listens, the others connect to it. Rank 0 judges them (`verdict.ts`)
 * and tells all; the others judge rank 0. A rank that learns of a loss prints RANK_LOST with the lost rank's number and leaves at once.
 * Not over libtorch's TCPStore: its client waits without limit for a server whose process is stopped, which is what must be noticed.
 *
 * Meaning of a beat: the thread beats as long as the process runs, so a killed or stopped process and a dead machine show in any case.
 * A main thread that spins or waits for a dead disk while its process runs shows by `pulse`, where the training loop calls it.
 */
import { Worker } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import type { Patience } from './verdict.js';

/** Who this rank is, and how ranks learn where rank 0 listens. */
export interface HeartbeatOptions extends Partial<Patience> {
  readonly rank: number;
  readonly size: number;
  /** Host of rank 0. */
  readonly host: string;
  /**
   * Called once: rank 0 hands out the words by which the others find it, e.g. by a key of the run's store; others get null and give
   * back those words.
   */
  readonly agree: (words: string | null) => string | Promise<string>;
  /** Milliseconds between beats, 1,000 when not given. */
  readonly beatMs?: number;
}

/** What the thread is given. `shared` is two 32-bit numbers: progress, and 1 while computing. */
export interface HeartbeatData extends Patience {
  readonly rank: number;
  readonly size: number;
  readonly host: string;
  readonly beatMs: number;
  readonly shared: SharedArrayBuffer;
  /** `port/token` of rank 0; null in rank 0 itself. */
  readonly words: string | null;
}

/** From the thread. */
export type HeartbeatEvent =
  | { readonly kind: 'ready'; readonly words: string }
  | { readonly kind: 'left' }
  | { readonly kind: 'failed'; readonly message: string };

export const SILENT_MS = 20_000;
const STALL_MS = 600_000;

/** The main thread's progress, as the other ranks see it. */
export class Pulse {
  private readonly cells: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.cells = new Int32Array(shared);
  }

  /** The main thread got on and now computes: before each step's forward pass, say. */
  beat(): void {
    Atomics.add(this.cells, 0, 1);
    Atomics.store(this.cells, 1, 1);
  }

  /** What follows may take any time and says nothing about this rank: a collective, a backward pass with one in it, saving, the end. */
  rest(): void {
    Atomics.store(this.cells, 1, 0);
  }
}

/** A running heartbeat. */
export class Heartbeat {
  private constructor(
    private readonly thread: Worker,
    readonly pulse: Pulse,
  ) {}

  /** Begins. Every rank of the run must, at about the same time. @throws DISTRIBUTED_FAILED where rank 0 cannot listen or be reached. */
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

  /**
   * Ends the heartbeat in peace, so that this rank's end is no loss. Settles when rank 0 has heard it, in rank 0 when all others have
   * said so too.
   */
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
