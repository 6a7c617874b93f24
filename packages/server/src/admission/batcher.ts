/**
 * Dynamic micro-batching: requests that come close together are computed in one run of the network.
 *
 * Jobs wait in one queue and leave it in order. While the model computes, they gather; an idle model waits a moment for those that are known to
 * come. A batch is a stretch of the queue with the same key, of at most so many units (cases) and so much cost (pixels); what is alone too large is
 * alone. A batch that cannot grow any more is handed on while the one before it is computed, so that its images are prepared meanwhile. The queue
 * is bounded, and a job whose signal is aborted leaves it; if all jobs of a batch are gone, the batch is told. Who is still on the way may hold a
 * place in the queue, so that more are refused before they arrive.
 */
import { ReclmisError } from '@reclmis/core';

export interface BatcherOptions<In, Out> {
  /** Computes a batch, one result an item; may be called once more before the call before has ended. */
  readonly run: (items: readonly In[], signal: AbortSignal) => Promise<readonly Out[]>;
  /** Jobs that may wait. */
  readonly maxQueue: number;
  /** Units of a batch. */
  readonly maxUnits: number;
  /** Cost of a batch. */
  readonly maxCost: number;
  /** Milliseconds that the first job of a batch waits, while nothing is computed, for others that are expected. */
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
  /** Batches on their way: none, one that is computed, or that and the one of `ahead`. */
  private running = 0;
  /** The batch that is prepared while the one before it is computed; its jobs wait still. */
  private ahead: readonly Entry<In, Out>[] = [];
  /** Jobs that are expected. */
  private coming = 0;
  /** Places in the queue that are kept for jobs on the way. */
  private kept = 0;
  /** When the latest batch ended. */
  private ended = 0;
  /** Mean milliseconds of a unit; 0 before the first batch. */
  private unitTime = 0;

  constructor(private readonly options: BatcherOptions<In, Out>) {}

  /** Jobs that wait. */
  get length(): number {
    return this.waiting.length + this.ahead.filter(({ signal }) => !signal.aborted).length;
  }

  /** Whether the next job would be refused: none may wait, or as many wait and are on the way as may. */
  get full(): boolean {
    const taken = this.length + this.kept;
    return taken >= this.options.maxQueue && (this.running > 0 || taken > 0);
  }

  /** Keeps a place in the queue until what is returned is disposed of, or given to `submit`. @throws SERVER_BUSY */
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

  /** Seconds until what waits now is computed, by the time that recent batches took; 1 to 60. */
  get retryAfter(): number {
    const units = [...this.ahead, ...this.waiting].reduce((sum, { units }) => sum + units, 1);
    return Math.min(60, Math.max(1, Math.ceil((units * this.unitTime) / 1000)));
  }

  /** Puts a job at the end of the queue, in its place if it has one. @throws SERVER_BUSY; the signal's reason; what `run` throws */
  submit(job: Job<In>, place?: Disposable): Promise<Done<Out>> {
    const { signal } = job;
    return new Promise((resolve, reject) => {
      place?.[Symbol.dispose](); // what it kept, the job takes
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

  /** Announces a job, for which an idle model waits a moment, until what is returned is disposed of: when the job is queued, or will not come. */
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

  /** Begins a batch when it is time for one. */
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

  /** How many jobs are the next batch: the first, and those after it that go with it; and whether no other can join them. */
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
    this.schedule(); // the next one may be complete already
    try {
      await this.attempt(batch, begun, units);
    } finally {
      for (const { signal, onAbort } of batch) signal.removeEventListener('abort', onAbort);
      const now = performance.now();
      const milliseconds = now - Math.max(begun, this.ended); // without the time that the batch before took
      this.ended = now;
      const each = milliseconds / Math.max(1, units);
      this.unitTime = this.unitTime === 0 ? each : this.unitTime + RECENT * (each - this.unitTime);
      this.options.onBatch?.({ jobs: batch.length, units, milliseconds });
      this.running -= 1;
      this.ahead = []; // what was ahead is computed now
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
