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

  /**
   * @param parameters that require a gradient, in the order of use; the same everywhere.
   * @param someUnused whether a backward pass may miss some of them: then it is looked through first, and the ranks tell each other.
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
