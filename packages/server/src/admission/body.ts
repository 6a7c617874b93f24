/** Bodies of requests, read whole within two limits: that of one request, and that of all together. */
import type { IncomingMessage } from 'node:http';
import { ReclmisError } from '@reclmis/core';
import type { Budget } from './limits.js';

/** Bytes that are taken at once. */
const BLOCK = 64 * 1024;

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
  const announced = Number(payload.headers['content-length'] ?? Infinity);
  const blocks: Buffer[] = [];
  let [length, free] = [0, 0];
  // Leaving the loop must not end the stream: that would end the connection before the answer.
  const source = payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) throw tooLarge(`more than ${limit} bytes`, limit);
    // Copied into blocks: a client that sends a byte at a time would have each of them held with a hundred bytes around it.
    for (let rest = chunk; rest.length > 0;) {
      if (free === 0) {
        free = Math.min(BLOCK, Math.max(announced - length + rest.length, rest.length));
        holdings.add(budget.take(free));
        blocks.push(Buffer.allocUnsafeSlow(free));
      }
      const block = blocks.at(-1) as Buffer;
      const copied = rest.copy(block, block.length - free);
      free -= copied;
      rest = rest.subarray(copied);
    }
  }
  return Buffer.concat(blocks, length);
}
