/**
 * Worker threads make an epoch's batches ahead.
 *
 * The order follows from seed and epoch, and each sample has its own random stream, so the number of workers
 * does not change the batches. Workers share decoded samples (`cache.ts`).
 */
import { performance } from 'node:perf_hooks';
import { Random, ReclmisError, type ResizeRule, type Vocabulary } from '@reclmis/core';
import {
  Assembler,
  type AssembledBatch,
  type AssemblerSettings,
  type BatchJob,
  type BatchMemory,
  memoryOf,
} from './assemble.js';
import type { AugmentOptions } from './augment-options.js';
import { defaultCacheBytes, reserveCache } from './cache.js';
import { WorkerPool } from './pool.js';
import type { Batch, BatchShard, Case } from './types.js';

export interface LoaderOptions {
  readonly cases: readonly Case[];
  /** In pixels. */
  readonly size: number;
  /** How images and masks come to it. */
  readonly resize: ResizeRule;
  readonly batchSize: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default none: evaluation must not augment by accident. `{}` gives training's defaults. */
  readonly augment?: Partial<AugmentOptions> | null;
  /** In whose words the notes are, for flips; default: core's `chest`. */
  readonly vocabulary?: Vocabulary | null;
  /** Default false. */
  readonly shuffle?: boolean;
  /** Default false. */
  readonly dropLast?: boolean;
  /** Threads; default 1. 0: this thread, on request. */
  readonly workers?: number;
  /** Made ahead; default 2 per worker. Each takes 16 B S^2 bytes. */
  readonly prefetch?: number;
  /**
   * One process's part: its share of every batch (`case`), for training, or every `size`th batch whole
   * (`batch`), for evaluation, so that images are scored in the same batches with any number of processes.
   * Default: all.
   */
  readonly shard?: LoaderShard | undefined;
  /** For decoded samples; default `defaultCacheBytes`. 0: none. */
  readonly cacheBytes?: number;
}

export interface LoaderShard {
  readonly rank: number;
  readonly size: number;
  readonly by: 'case' | 'batch';
}

/** `to` excluded; shares differ by at most one case. */
export function shareOf(count: number, rank: number, size: number): { from: number; to: number } {
  return { from: Math.floor((rank * count) / size), to: Math.floor(((rank + 1) * count) / size) };
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
  private readonly shard: LoaderShard | null;
  private pool: WorkerPool | null = null;
  private local: Assembler | null = null;
  private readonly spares: BatchMemory[] = [];
  private closed = false;

  /** @throws OPTION_INVALID, DATA_SPLIT_EMPTY. Threads start with the first batch. */
  constructor(options: LoaderOptions) {
    const { cases, size, resize, batchSize, seed = 1, shuffle = false, dropLast = false } = options;
    const { workers = 1 } = options;
    const prefetch = options.prefetch ?? 2 * workers;
    requireInteger('size', size, 1);
    requireInteger('batchSize', batchSize, 1);
    requireInteger('workers', workers, 0);
    requireInteger('prefetch', prefetch, 0);
    if (cases.length === 0)
      throw new ReclmisError('DATA_SPLIT_EMPTY', 'Loader: expected at least one case, got none');
    const cache = reserveCache(cases.length, size, options.cacheBytes ?? defaultCacheBytes());
    const { augment = null, vocabulary = null } = options;
    this.settings = { cases, size, resize, seed, augment, vocabulary, cache };
    this.options = { batchSize, shuffle, dropLast, workers, prefetch };
    this.shard = options.shard ?? null;
  }

  get length(): number {
    const { batchSize, dropLast } = this.options;
    const count = this.settings.cases.length / batchSize;
    return dropLast ? Math.floor(count) : Math.ceil(count);
  }

  /** Case indices of each batch. */
  plan(epoch: number): number[][] {
    const { cases, seed } = this.settings;
    const { batchSize, shuffle } = this.options;
    const order = shuffle
      ? Random.from('order', seed, epoch).permutation(cases.length)
      : cases.map((_, i) => i);
    return Array.from({ length: this.length }, (_, b) => order.slice(b * batchSize, (b + 1) * batchSize));
  }

  private shares(epoch: number): { indices: number[]; shard?: BatchShard }[] {
    const plan = this.plan(epoch);
    const { shard } = this;
    if (!shard) return plan.map((indices) => ({ indices }));
    const { rank, size, by } = shard;
    if (by === 'batch') return plan.filter((_, i) => i % size === rank).map((indices) => ({ indices }));
    return plan.map((all) => {
      const { from, to } = shareOf(all.length, rank, size);
      const own = all.slice(from, to);
      const idle = own.length === 0;
      return { indices: idle ? all.slice(0, 1) : own, shard: { total: all.length, idle } };
    });
  }

  /**
   * An epoch's batches, in order. A batch's memory is reused when you request the next one.
   * @param from the first batch to give, from 0. @throws the coded error of an unreadable file, when its
   * batch is due
   */
  async *batches(epoch: number, from = 0): AsyncGenerator<Batch, void, undefined> {
    const shares = this.shares(epoch).slice(from);
    const jobs = shares.map(({ indices }): BatchJob => ({ epoch, indices }));
    const ahead = this.options.workers === 0 ? 1 : Math.max(1, this.options.prefetch);
    const queue: Promise<AssembledBatch>[] = [];
    let next = 0;
    const fill = (): void => {
      for (; queue.length < ahead && next < jobs.length; next += 1) {
        const promise = this.assemble(jobs[next] as BatchJob);
        promise.catch(() => undefined); // reported when the batch is due, or never after an early end
        queue.push(promise);
      }
    };
    fill();
    let given = 0;
    for (let head = queue.shift(); head !== undefined; head = queue.shift()) {
      const start = performance.now();
      const batch = await head;
      const waitMs = performance.now() - start;
      if (this.options.workers > 0) fill();
      const { shard } = shares[given++] ?? {};
      yield { ...batch, waitMs, ...(shard ? { shard } : {}) };
      this.spares.push(memoryOf(batch));
      fill();
    }
  }

  /** Rejects pending batches. May be called twice. */
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
    if (this.closed) throw new ReclmisError('INTERNAL', 'Loader: a batch was requested after close()');
    const spare = this.spares.pop();
    const filled = spare ? { ...job, spare } : job;
    if (this.options.workers === 0) return (this.local ??= new Assembler(this.settings)).batch(filled);
    return (this.pool ??= new WorkerPool(this.options.workers, this.settings)).run(filled);
  }
}
