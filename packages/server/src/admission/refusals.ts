/**
 * Delays refusals for lack of room, longer the more clients ignore Retry-After: refusing must take no
 * processor time from the model. A waiting client holds only its connection; its body is not read.
 */
import type { ServerResponse } from 'node:http';

/** Milliseconds per other recent refusal, and at most: clients usually wait 5 s or more. */
const WAIT_EACH = 20;
const WAIT_MOST = 4000;

/** Milliseconds to wait after `others` refusals in the last four seconds. */
export const refusalWait = (others: number): number => Math.min(WAIT_MOST, others * WAIT_EACH);

export class Refusals {
  private recent = 0;
  private readonly waiting = new Set<() => void>();
  private closed = false;

  get length(): number {
    return this.waiting.size;
  }

  /** Waits until a refusal may be sent, its client is gone, or `close` is called. */
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

  /** Releases all, now and from now on. */
  close(): void {
    this.closed = true;
    for (const go of this.waiting) go();
  }
}
