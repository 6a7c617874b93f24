import type { Model } from '@reclmis/runtime';
import type { FastifyReply } from 'fastify';
import { type NoteStyle, ReclmisError, type Sides } from '@reclmis/core';
import type { Batcher, Done } from './batcher.js';
import type { Budget, Limits } from './limits.js';
import type { Metrics } from '../metrics.js';
import type { Refusals } from './refusals.js';
import { keyOf, type Result, unitsOf, type Work } from './work.js';

export interface ServerContext {
  readonly model: Model;
  readonly version: string;
  /** Default: as the model learnt. */
  readonly sides?: Sides;
  /** Default: by the model's grammar. */
  readonly noteStyle?: NoteStyle;
  readonly limits: Limits;
  readonly batcher: Batcher<Work, Result>;
  readonly refusals: Refusals;
  readonly metrics: Metrics;
  readonly bytes: Budget;
  readonly pixels: Budget;
  /** False during shutdown. */
  readonly accepting: () => boolean;
}

export interface Deadline {
  readonly signal: AbortSignal;
  /** Rejects with the signal's reason. */
  race<T>(work: Promise<T>): Promise<T>;
  [Symbol.dispose](): void;
}

/** Sets a deadline for the request behind `reply`. Its reason is REQUEST_TIMEOUT or INTERRUPTED. */
export function deadlineOf(reply: FastifyReply, milliseconds: number): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => {
    controller.abort(new ReclmisError('REQUEST_TIMEOUT', `not finished within ${milliseconds / 1000} s`));
  }, milliseconds);
  const onClose = (): void => {
    if (!reply.raw.writableFinished)
      controller.abort(new ReclmisError('INTERRUPTED', 'the client closed the connection'));
  };
  reply.raw.once('close', onClose);
  if (reply.raw.destroyed) onClose();
  return {
    signal,
    race: (work) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', onAbort, { once: true });
        work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
        if (signal.aborted) onAbort();
      }),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      reply.raw.removeListener('close', onClose);
    },
  };
}

/** Computes in the reserved place. @throws SERVER_BUSY, REQUEST_TIMEOUT, INTERRUPTED, the model's errors */
export async function compute(
  context: ServerContext,
  work: Work,
  cost: number,
  signal: AbortSignal,
  { place, coming }: { readonly place?: Disposable | undefined; readonly coming?: Disposable },
): Promise<Done<Result>> {
  const job = { item: work, key: keyOf(work), units: unitsOf(work), cost, signal };
  const result = context.batcher.submit(job, place);
  coming?.[Symbol.dispose]();
  const done = await result;
  context.metrics.waited(done.waited);
  return done;
}
