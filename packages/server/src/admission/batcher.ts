/**
 * Dynamic micro-batching: requests that arrive close together are computed in one run of the network.
 *
 * Jobs leave the queue in order. They accumulate while the model computes; an idle model waits a moment for
 * announced jobs. A batch is a stretch of the queue with one key, limited in units (cases) and cost (pixels);
 * a larger job runs alone. A batch that cannot grow is handed over early, so its images are prepared while
 * the previous one computes. Aborted jobs leave the queue; a batch is aborted once all its jobs are.
 */
import { ReclmisError } from '@reclmis/core';

export interface BatcherOptions<In, Out> {
  /** One result per item; may be called again before the previous call has ended. */
  readonly run: (items: readonly In[], signal: AbortSignal) => Promise<readonly Out[]>;
  readonly maxQueue: number;
  readonly maxUnits: number;
  readonly maxCost: number;
  /** Milliseconds that a batch's first job waits for announced ones while the model is idle. */
  readonly wait: number;
  readonly onBatch?: (batch: {
    readonly jobs: number;
    readonly units: number;
    readonly milliseconds: number;
  }) => void;
}

export interface Job<In> {
  readonly item: In;
  /** Different keys are never batched together. */
  readonly key: string;
  readonly units: number;
  readonly cost: number;
  readonly signal: AbortSignal;
}

export interface Done<Out> {
  readonly value: Out;
  /** Milliseconds. */
  readonly waited: number;
  readonly batch: number;
}

interface Entry<In, Out> extends Job<In> {
  readonly arrived: number;
  readonly resolve: (done: Done<Out>) => void;
  readonly reject: (reason: unknown) => void;
  readonly onAbort: () => void;
}

/** Weight of the latest batch in the running mean time per unit. */
const RECENT = 0.2;

export class Batcher<In, Out> {
  private readonly waiting: Entry<In, Out>[] = [];
  private timer: NodeJS.Timeout | null = null;
  /** 0 to 2: the one being computed and the one in `ahead`. */
  private running = 0;
  /** Prepared while the previous batch computes; its jobs count as waiting. */
  private ahead: readonly Entry<In, Out>[] = [];
  private coming = 0;
  private kept = 0;
  private ended = 0;
  /** Mean milliseconds per unit; 0 before the first batch. */
  private unitTime = 0;

  constructor(private readonly options: BatcherOptions<In, Out>) {}

  get length(): number {
    return this.waiting.length + this.ahead.filter(({ signal }) => !signal.aborted).length;
  }

  /** Whether the next job would be refused. */
  get full(): boolean {
    const taken = this.length + this.kept;
    return taken >= this.options.maxQueue && (this.running > 0 || taken > 0);
  }

  /** Reserves a place until the object is disposed or passed to `submit`. @throws SERVER_BUSY */
  place(): Disposable {
    this.checkRoom();
    this.kept += 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (held) this.kept -= 1;
        held = false;
      },
    };
  }

  /** Estimated seconds until the queue is computed, from recent batches; 1 to 60. */
  get retryAfter(): number {
    const units = [...this.ahead, ...this.waiting].reduce((sum, { units }) => sum + units, 1);
    return Math.min(60, Math.max(1, Math.ceil((units * this.unitTime) / 1000)));
  }

  /** In its reserved place, if any. @throws SERVER_BUSY; the signal's reason; what `run` throws */
  submit(job: Job<In>, place?: Disposable): Promise<Done<Out>> {
    const { signal } = job;
    return new Promise((resolve, reject) => {
      place?.[Symbol.dispose]();
      signal.throwIfAborted();
      this.checkRoom();
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

  /** Announces a job until the object is disposed (once it is queued, or will not come). */
  expect(): Disposable {
    this.coming += 1;
    let expected = true;
    return {
      [Symbol.dispose]: () => {
        if (!expected) return;
        expected = false;
        this.coming -= 1;
        this.schedule();
      },
    };
  }

  private checkRoom(): void {
    if (!this.full) return;
    const waiting = this.length + this.kept;
    throw new ReclmisError(
      'SERVER_BUSY',
      `${waiting} requests are waiting, the limit is ${this.options.maxQueue}`,
    );
  }

  private schedule(): void {
    const [first] = this.waiting;
    if (this.running > 1 || !first) return;
    const { count, complete } = this.next();
    const left = this.coming === 0 ? 0 : first.arrived + this.options.wait - performance.now();
    if (complete || (this.running === 0 && left <= 0)) {
      if (this.timer) clearTimeout(this.timer);
      this.timer = null;
      void this.compute(this.waiting.splice(0, count));
    } else if (this.running === 0) {
      this.timer ??= setTimeout(() => {
        this.timer = null;
        this.schedule();
      }, Math.ceil(left));
    }
  }

  /** The first job and those after it that fit; `complete` if no more can join. */
  private next(): { count: number; complete: boolean } {
    const { maxUnits, maxCost } = this.options;
    let units = 0;
    let cost = 0;
    let count = 0;
    for (const job of this.waiting) {
      units += job.units;
      cost += job.cost;
      if (count > 0 && (job.key !== this.waiting[0]?.key || units > maxUnits || cost > maxCost))
        return { count, complete: true };
      count += 1;
    }
    return { count, complete: units >= maxUnits || cost >= maxCost };
  }

  private async compute(batch: readonly Entry<In, Out>[]): Promise<void> {
    this.running += 1;
    if (this.running > 1) this.ahead = batch;
    const begun = performance.now();
    const units = batch.reduce((sum, job) => sum + job.units, 0);
    this.schedule();
    try {
      await this.attempt(batch, begun, units);
    } finally {
      for (const { signal, onAbort } of batch) signal.removeEventListener('abort', onAbort);
      const now = performance.now();
      const milliseconds = now - Math.max(begun, this.ended); // excludes the previous batch's time
      this.ended = now;
      const each = milliseconds / Math.max(1, units);
      this.unitTime = this.unitTime === 0 ? each : this.unitTime + RECENT * (each - this.unitTime);
      this.options.onBatch?.({ jobs: batch.length, units, milliseconds });
      this.running -= 1;
      this.ahead = [];
      this.schedule();
    }
  }

  /** If a batch fails, runs each job separately, so one cannot spoil the others. Never rejects. */
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
