/**
 * The loader: batches of an epoch in an order that depends on seed and epoch alone, made ahead of their use by worker threads.
 *
 * Whatever the number of workers, the batches are the same: the order is drawn here, and each sample's augmentation has a random
 * stream of its own, from seed, epoch and id. Decoded samples stay in memory that all workers share (see `cache.ts`).
 */
import { performance } from 'node:perf_hooks';
import { Random, ReclmisError } from '@reclmis/core';
import { Assembler, type AssembledBatch, type AssemblerSettings, type BatchJob } from './assemble.js';
import type { AugmentOptions } from './augment.js';
import { defaultCacheBytes, reserveCache } from './cache.js';
import { WorkerPool } from './pool.js';
import type { Batch, Case } from './types.js';

export interface LoaderOptions {
  readonly cases: readonly Case[];
  /** S, the side of the square model input in pixels. */
  readonly size: number;
  readonly batchSize: number;
  /** Decides order and augmentation; default 1. */
  readonly seed?: number;
  /** Default none: evaluation must not augment by accident. `{}` gives training's defaults. */
  readonly augment?: Partial<AugmentOptions> | null;
  /** Draw a new order each epoch; default false: the order of the cases. */
  readonly shuffle?: boolean;
  /** Leave out a last batch of fewer than `batchSize` cases; default false. */
  readonly dropLast?: boolean;
  /** Threads; 0 makes each batch in this thread when it is asked for; default 1. */
  readonly workers?: number;
  /** Batches that are made ahead; default 2 for each worker. Each takes 16 B S^2 bytes. */
  readonly prefetch?: number;
  /** Bound on the memory for decoded samples, in bytes; default 2 GiB or a quarter of the machine's memory. 0: decode anew each time. */
  readonly cacheBytes?: number;
}

function requireInteger(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `Loader: ${name} must be an integer of at least ${least}, got ${value}`,
    );
  }
}

export class Loader {
  private readonly settings: AssemblerSettings;
  private readonly options: Required<
    Pick<LoaderOptions, 'batchSize' | 'shuffle' | 'dropLast' | 'workers' | 'prefetch'>
  >;
  private pool: WorkerPool | null = null;
  private local: Assembler | null = null;
  private closed = false;

  /** @throws OPTION_INVALID, DATA_SPLIT_EMPTY. Threads start with the first batch. */
  constructor(options: LoaderOptions) {
    const { cases, size, batchSize, seed = 1, shuffle = false, dropLast = false, workers = 1 } = options;
    const prefetch = options.prefetch ?? 2 * workers;
    requireInteger('size', size, 1);
    requireInteger('batchSize', batchSize, 1);
    requireInteger('workers', workers, 0);
    requireInteger('prefetch', prefetch, 0);
    if (cases.length === 0)
      throw new ReclmisError('DATA_SPLIT_EMPTY', 'Loader: expected at least one case, got none');
    const cache = reserveCache(cases.length, size, options.cacheBytes ?? defaultCacheBytes());
    this.settings = { cases, size, seed, augment: options.augment ?? null, cache };
    this.options = { batchSize, shuffle, dropLast, workers, prefetch };
  }

  /** How many batches an epoch has. */
  get length(): number {
    const { batchSize, dropLast } = this.options;
    const count = this.settings.cases.length / batchSize;
    return dropLast ? Math.floor(count) : Math.ceil(count);
  }

  /** The indices of the cases of each batch of an epoch. */
  plan(epoch: number): number[][] {
    const { cases, seed } = this.settings;
    const { batchSize, shuffle } = this.options;
    const order = shuffle
      ? Random.from('order', seed, epoch).permutation(cases.length)
      : cases.map((_, i) => i);
    return Array.from({ length: this.length }, (_, b) => order.slice(b * batchSize, (b + 1) * batchSize));
  }

  /**
   * The batches of an epoch, in order. Leaving the iteration early is fine: what was made ahead is dropped.
   * @param from The first batch to give, from 0: an epoch that was left goes on with the batches that it would have had.
   * @throws the coded error of a file that cannot be read, when its batch is due
   */
  async *batches(epoch: number, from = 0): AsyncGenerator<Batch, void, undefined> {
    const jobs = this.plan(epoch)
      .slice(from)
      .map((indices): BatchJob => ({ epoch, indices }));
    const ahead = this.options.workers === 0 ? 1 : Math.max(1, this.options.prefetch);
    const queue: Promise<AssembledBatch>[] = [];
    let next = 0;
    const fill = (): void => {
      for (; queue.length < ahead && next < jobs.length; next += 1) {
        const promise = this.assemble(jobs[next] as BatchJob);
        promise.catch(() => undefined); // it is reported when its batch is due, or not at all after an early end
        queue.push(promise);
      }
    };
    fill();
    for (let head = queue.shift(); head !== undefined; head = queue.shift()) {
      const start = performance.now();
      const batch = await head;
      const waitMs = performance.now() - start;
      if (this.options.workers > 0) fill();
      yield { ...batch, waitMs };
      fill();
    }
  }

  /** Ends the threads. A batch that somebody still waits for is rejected; further ones cannot be asked for. Twice is fine. */
  async close(): Promise<void> {
    this.closed = true;
    const { pool } = this;
    this.pool = null;
    this.local = null;
    await pool?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async assemble(job: BatchJob): Promise<AssembledBatch> {
    if (this.closed) throw new ReclmisError('INTERNAL', 'Loader: a batch was asked for after close()');
    if (this.options.workers === 0) return (this.local ??= new Assembler(this.settings)).batch(job);
    return (this.pool ??= new WorkerPool(this.options.workers, this.settings)).run(job);
  }
}
