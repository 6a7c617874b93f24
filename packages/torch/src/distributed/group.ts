/** A group of processes and its blocking collectives, which all must call in the same order. */
import { ReclmisError } from '@reclmis/core';
import { scope } from '../scope.js';
import { Tensor } from '../tensor.js';
import { distributedError } from './errors.js';
import { distributedBackends, requireDistributed } from './native.js';
import { DEFAULT_TIMEOUT_MS, type Store } from './store.js';

export interface GroupOptions {
  readonly store: Store;
  /** From 0. */
  readonly rank: number;
  readonly size: number;
  /** `gloo` (default) for the CPU, `nccl` for CUDA devices. */
  readonly backend?: 'gloo' | 'nccl';
  /** Host name or address at which the others reach this process; gloo binds to it. */
  readonly address: string;
  /** Limit of one collective; default 5 minutes. */
  readonly timeoutMs?: number;
}

export class Group {
  readonly rank: number;
  readonly size: number;
  /** The group's number in the addon. */
  readonly id: number;
  #closed = false;

  /** Waits for all processes. @throws DISTRIBUTED_MISSING, DISTRIBUTED_FAILED, OPTION_INVALID */
  constructor(options: GroupOptions) {
    const { store, rank, size, backend = 'gloo', address, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    if (!Number.isInteger(size) || size < 1 || !Number.isInteger(rank) || rank < 0 || rank >= size)
      throw new ReclmisError('OPTION_INVALID', `Group: expected a rank from 0 to ${size - 1}, got ${rank}`);
    const addon = requireDistributed();
    if (!distributedBackends().includes(backend)) {
      throw new ReclmisError('DISTRIBUTED_MISSING', `the libtorch addon was built without ${backend}`);
    }
    this.rank = rank;
    this.size = size;
    this.id = distributedError(`rank ${rank} of ${size}`, () =>
      addon.groupOpen(store.id, rank, size, backend, address, timeoutMs),
    );
  }

  /** Replaces `x` by its sum or maximum over the ranks. @param x contiguous, the same shape everywhere. */
  allReduce(x: Tensor, op: 'sum' | 'max' = 'sum'): void {
    this.#call('all-reduce', () => requireDistributed().groupAllReduce(this.id, x.id, op));
  }

  /** Replaces `x` by rank `root`'s. @param x contiguous, the same shape everywhere. */
  broadcast(x: Tensor, root = 0): void {
    this.#call('broadcast', () => requireDistributed().groupBroadcast(this.id, x.id, root));
  }

  /** Every rank's `x`, by rank; no gradients. @param x the same shape everywhere. */
  allGather(x: Tensor): Tensor[] {
    if (x.dtype === 'bool')
      return this.allGather(x.to({ dtype: 'uint8' })).map((y) => y.to({ dtype: 'bool' })); // gloo has no bool
    return this.#call('all-gather', () => requireDistributed().groupAllGather(this.id, x.id)).map((id) =>
      Tensor.adopt(id),
    );
  }

  /** Sum over the ranks. The gradient of `x` is the sum of the gradients of all ranks' results. */
  sum(x: Tensor): Tensor {
    return Tensor.adopt(this.#call('sum', () => requireDistributed().groupSum(this.id, x.id)));
  }

  /** Waits until every rank calls it. */
  barrier(): void {
    this.#call('barrier', () => requireDistributed().groupBarrier(this.id));
  }

  /** The largest of all ranks' numbers, as float64. */
  max(value: number): number {
    return scope(() => {
      const x = Tensor.fromFloat64(Float64Array.of(value), [1]);
      this.allReduce(x, 'max');
      return x.item();
    });
  }

  /** Every rank's text, by rank. */
  gatherText(text: string): string[] {
    return scope(() => {
      const bytes = Buffer.from(text);
      const length = this.max(bytes.length);
      const lengths = this.allGather(Tensor.fromFloat64(Float64Array.of(bytes.length), [1])).map((x) =>
        x.item(),
      );
      if (length === 0) return lengths.map(() => '');
      const padded = new Uint8Array(length);
      padded.set(bytes);
      return this.allGather(Tensor.fromBytes(padded, 'uint8', [length])).map((x, i) =>
        Buffer.from(x.toBytes().subarray(0, lengths[i])).toString(),
      );
    });
  }

  /** Rank 0's text. @param text ignored on the other ranks. */
  broadcastText(text: string): string {
    return this.gatherText(this.rank === 0 ? text : '')[0] ?? '';
  }

  /** Bytes given to all-reduce by this process; null where not counted (NCCL). */
  get bytesReduced(): number | null {
    const bytes = requireDistributed().groupBytes(this.id);
    return bytes < 0 ? null : bytes;
  }

  /** Leaves the group once no graph holds its sums. Safe to repeat. */
  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    requireDistributed().groupClose(this.id);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #call<R>(what: string, work: () => R): R {
    return distributedError(`rank ${this.rank} of ${this.size}: ${what}`, work);
  }
}
