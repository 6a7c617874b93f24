/**
 * Dynamic micro-batching: requests that come close together are computed in one run of the network.
 *
 * Jobs wait in one queue and leave it in order. While the model computes, they gather; an idle model waits a moment for company. A batch is a
 * stretch of the queue with the same key, of at most so many units (cases) and so much cost (pixels); what is alone too large is alone. The queue
 * is bounded, and a job whose signal is aborted leaves it; if all jobs of the running batch are gone, the batch is told.
 */
import { ReclmisError } from '@reclmis/core';

export interface BatcherOptions<In, Out> {
  /** Computes a batch, one result an item. */
  readonly run: (items: readonly In[], signal: AbortSignal) => Promise<readonly Out[]>;
  /** Jobs that may wait. */
  readonly maxQueue: number;
  /** Units of a batch. */
  readonly maxUnits: number;
  /** Cost of a batch. */
  readonly maxCost: number;
  /** Milliseconds that the first job of a batch waits for others while nothing is computed. */
  readonly wait: number;
  /** Told of each batch when it has ended. */
  readonly onBatch?: (batch: {
    readonly jobs: number;
    readonly units: number;
    readonly milliseconds: number;
  }) => void;
}

export interface Job<In> {
  readonly item: In;
  /** Jobs of different keys are never in one batch. */
  readonly key: string;
  readonly units: number;
  readonly cost: number;
  readonly signal: AbortSignal;
}

/** A result with what became of its job on the way. */
export interface Done<Out> {
  readonly value: Out;
  /** Milliseconds in the queue. */
  readonly waited: number;
  /** Units of the batch that the job was in. */
  readonly batch: number;
}

interface Entry<In, Out> extends Job<In> {
  readonly arrived: number;
  readonly resolve: (done: Done<Out>) => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
}

/** Weight of the latest batch in the mean time of a unit. */
const RECENT = 0.2;

export class Batcher<In, Out> {
  private readonly waiting: Entry<In, Out>[] = [];
  private timer: NodeJS.Timeout | null = null;
  private running = false;
  /** Mean milliseconds of a unit; 0 before the first batch. */
  private unitTime = 0;

  constructor(private readonly options: BatcherOptions<In, Out>) {}

  /** Jobs that wait. */
  get length(): number {
    return this.waiting.length;
  }

  /** Whether the next job would be refused: none may wait, or as many wait as may. */
  get full(): boolean {
    return this.waiting.length >= this.options.maxQueue && (this.running || this.waiting.length > 0);
  }

  /** Seconds until what waits now is computed, by the time that recent batches took; 1 to 60. */
  get retryAfter(): number {
    const units = this.waiting.reduce((sum, { units }) => sum + units, 1);
    return Math.min(60, Math.max(1, Math.ceil((units * this.unitTime) / 1000)));
  }

  /** Puts a job at the end of the queue. @throws SERVER_BUSY; the signal's reason; what `run` throws */
  submit(job: Job<In>): Promise<Done<Out>> {
    const { signal } = job;
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      if (this.full) {
        const { maxQueue } = this.options;
        throw new ReclmisError(
          'SERVER_BUSY',
          `${this.waiting.length} requests wait, the limit is ${maxQueue}`,
        );
      }
      const onAbort = (): void => {
        const at = this.waiting.indexOf(entry);
        if (at >= 0) this.waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      const entry: Entry<In, Out> = { ...job, arrived: performance.now(), resolve, reject, onAbort };
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.push(entry);
      this.schedule();
    });
  }

  /** Begins a batch when it is time for one. */
  private schedule(): void {
    const [first] = this.waiting;
    if (this.running || !first) return;
    const units = this.waiting.reduce((sum, job) => sum + job.units, 0);
    const left = first.arrived + this.options.wait - performance.now();
    if (left <= 0 || units >= this.options.maxUnits) {
      if (this.timer) clearTimeout(this.timer);
      this.timer = null;
      void this.compute(this.next());
    } else {
      this.timer ??= setTimeout(() => {
        this.timer = null;
        this.schedule();
      }, Math.ceil(left));
    }
  }

  /** Takes the next batch off the queue: the first job, and those after it that go with it. */
  private next(): Entry<In, Out>[] {
    const { maxUnits, maxCost } = this.options;
    let units = 0;
    let cost = 0;
    let count = 0;
    for (const job of this.waiting) {
      units += job.units;
      cost += job.cost;
      if (count > 0 && (job.key !== this.waiting[0]?.key || units > maxUnits || cost > maxCost)) break;
      count += 1;
    }
    return this.waiting.splice(0, count);
  }

  private async compute(batch: readonly Entry<In, Out>[]): Promise<void> {
    this.running = true;
    const begun = performance.now();
    const units = batch.reduce((sum, job) => sum + job.units, 0);
    try {
      await this.attempt(batch, begun, units);
    } finally {
      for (const { signal, onAbort } of batch) signal.removeEventListener('abort', onAbort);
      const milliseconds = performance.now() - begun;
      const each = milliseconds / Math.max(1, units);
      this.unitTime = this.unitTime === 0 ? each : this.unitTime + RECENT * (each - this.unitTime);
      this.options.onBatch?.({ jobs: batch.length, units, milliseconds });
      this.running = false;
      this.schedule();
    }
  }

  /** Runs a batch; where that fails, each of its jobs by itself, so that one cannot spoil the others. Never rejects. */
  private async attempt(batch: readonly Entry<In, Out>[], begun: number, units: number): Promise<void> {
    const live = batch.filter(({ signal }) => !signal.aborted);
    if (live.length === 0) return;
    const controller = new AbortController();
    const giveUp = (): void => {
      if (live.every(({ signal }) => signal.aborted)) controller.abort(live[0]?.signal.reason);
    };
    for (const { signal } of live) signal.addEventListener('abort', giveUp);
    try {
      const values = await this.options.run(
        live.map(({ item }) => item),
        controller.signal,
      );
      if (values.length !== live.length)
        throw new ReclmisError('INTERNAL', `a batch of ${live.length} gave ${values.length} results`);
      for (const [i, { resolve, arrived }] of live.entries())
        resolve({ value: values[i] as Out, waited: begun - arrived, batch: units });
    } catch (error) {
      if (live.length === 1) live[0]?.reject(error);
      else for (const job of live) await this.attempt([job], begun, job.units);
    } finally {
      for (const { signal } of live) signal.removeEventListener('abort', giveUp);
    }
  }
}
