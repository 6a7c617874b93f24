/**
 * Averages gradients over the processes while the backward pass still runs: c10d::Reducer, the core of PyTorch's DistributedDataParallel (Li
 * et al. 2020). Gradients go in buckets, each sent off when its last gradient is there.
 */
import type { Tensor } from '../tensor.js';
import { distributedError } from './errors.js';
import type { Group } from './group.js';
import { requireDistributed } from './native.js';

/** PyTorch's: a small first bucket starts early, larger ones use the network better; bytes. */
const FIRST_BUCKET_BYTES = 1 << 20;
const BUCKET_BYTES = 25 << 20;

export class Reducer {
  readonly #id: number;
  #closed = false;

  /** @param parameters that require a gradient, all of which every backward pass reaches, in the order of use; the same everywhere. */
  constructor(
    private readonly group: Group,
    parameters: readonly Tensor[],
  ) {
    const ids = parameters.map(({ id }) => id);
    this.#id = distributedError(`rank ${group.rank}: reducer`, () =>
      requireDistributed().reducerOpen(group.id, ids, FIRST_BUCKET_BYTES, BUCKET_BYTES),
    );
  }

  /**
   * To be called before `loss.backward()`: that pass then ends with the mean over the ranks of each parameter's gradient. A pass without it
   * only adds to this process's gradients, which a later one takes along.
   */
  prepare(loss: Tensor): void {
    distributedError(`rank ${this.group.rank}: reducer`, () =>
      requireDistributed().reducerPrepare(this.#id, loss.id),
    );
  }

  dispose(): void {
    if (this.#closed) return;
    this.#closed = true;
    requireDistributed().reducerClose(this.#id);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
