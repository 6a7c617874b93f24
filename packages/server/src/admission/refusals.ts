/**
 * Refusals for want of room. A single one goes out at once. Clients that ask again without heed of Retry-After wait longer the more they are: else reading
 * and refusing what they send takes the processor away from the model. Who waits holds its connection and nothing else: its body is not read.
 */
import type { ServerResponse } from 'node:http';

/** Milliseconds that a refusal waits for each other one of the latest `WAIT_MOST`, and at most: below the patience of clients, usually 5 s and more. */
const WAIT_EACH = 20;
const WAIT_MOST = 4000;

/** Milliseconds that a refusal waits after `others` of the latest four seconds. */
export const refusalWait = (others: number): number => Math.min(WAIT_MOST, others * WAIT_EACH);

export class Refusals {
  /** Refusals of the latest `WAIT_MOST`. */
  private recent = 0;
  private readonly waiting = new Set<() => void>();
  private closed = false;

  /** Refusals that wait. */
  get length(): number {
    return this.waiting.size;
  }

  /** Waits until a refusal may go out, or its client is gone, or `close` is called. */
  async wait(response: ServerResponse): Promise<void> {
    const milliseconds = refusalWait(this.recent);
    this.recent += 1;
    setTimeout(() => (this.recent -= 1), WAIT_MOST).unref();
    if (milliseconds === 0 || this.closed || response.destroyed) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        response.removeListener('close', go);
        this.waiting.delete(go);
        resolve();
      };
      const timer = setTimeout(go, milliseconds);
      response.once('close', go);
      this.waiting.add(go);
    });
  }

  /** Lets all go, now and from now on: the server stops. */
  close(): void {
    this.closed = true;
    for (const go of this.waiting) go();
  }
}
