/** Bodies of requests, read whole within two limits: that of one request, and that of all together. */
import type { IncomingMessage } from 'node:http';
import { ReclmisError } from '@reclmis/core';
import type { Budget } from './limits.js';

/** The refusal of a body. */
export function tooLarge(what: string, limit: number): ReclmisError {
  return new ReclmisError('REQUEST_TOO_LARGE', `the body has ${what}, the limit is ${limit} bytes`);
}

/** What a request holds of budgets until its answer has ended. */
export class Holdings {
  private releases: (() => void)[] | null = [];

  /** Keeps what gives something back; at once, where the answer has ended already. */
  add(release: () => void): void {
    if (this.releases) this.releases.push(release);
    else release();
  }

  /** Gives everything back. */
  close(): void {
    for (const release of this.releases ?? []) release();
    this.releases = null;
  }
}

/**
 * The bytes of a body. What was read counts against the budget until the holdings are closed.
 * @throws REQUEST_TOO_LARGE, SERVER_BUSY; the stream's error where the client leaves
 */
export async function readBody(
  payload: IncomingMessage,
  limit: number,
  budget: Budget,
  holdings: Holdings,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Leaving the loop must not end the stream: that would end the connection before the answer.
  const source = payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) throw tooLarge(`more than ${limit} bytes`, limit);
    holdings.add(budget.take(chunk.length));
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
