/**
 * Averages gradients over the processes during the backward pass, in buckets: c10d::Reducer, the core of
 * PyTorch's DistributedDataParallel (Li et al. 2020).
 */
import type { Tensor } from '../tensor.js';
import { distributedError } from './errors.js';
import type { Group } from './group.js';
import { requireDistributed } from './native.js';

/** PyTorch's, in bytes: a small first bucket starts early, larger ones use the network better. */
const FIRST_BUCKET_BYTES = 1 << 20;
const BUCKET_BYTES = 25 << 20;

export class Reducer {
  readonly #id: number;
  #closed = false;

  /**
   * @param parameters require a gradient; in the order of use, the same everywhere.
   * @param someUnused whether a backward pass may miss some; the graph is then searched and the result
   * exchanged.
   */
  constructor(
    private readonly group: Group,
    parameters: readonly Tensor[],
    { someUnused = false }: { readonly someUnused?: boolean } = {},
  ) {
    const ids = parameters.map(({ id }) => id);
    this.#id = distributedError(`rank ${group.rank}: reducer`, () =>
      requireDistributed().reducerOpen(group.id, ids, FIRST_BUCKET_BYTES, BUCKET_BYTES, someUnused),
    );
  }

  /**
   * Makes the next `loss.backward()` end with each gradient averaged over the ranks. A pass without it only
   * adds to this process's gradients; a later averaged pass includes them.
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
