/** Reads request bodies within two limits: per request, and for all together. */
import type { IncomingMessage } from 'node:http';
import { ReclmisError } from '@reclmis/core';
import type { Budget } from './limits.js';

const BLOCK = 64 * 1024;

export function tooLarge(what: string, limit: number): ReclmisError {
  return new ReclmisError('REQUEST_TOO_LARGE', `the body has ${what}, the limit is ${limit} bytes`);
}

/** A request's share of common budgets, released when the response has ended. */
export class Holdings {
  private releases: (() => void)[] | null = [];

  /** At once if the response has already ended. */
  add(release: () => void): void {
    if (this.releases) this.releases.push(release);
    else release();
  }

  close(): void {
    for (const release of this.releases ?? []) release();
    this.releases = null;
  }
}

/**
 * The bytes stay in the budget until the holdings are closed.
 * @throws REQUEST_TOO_LARGE, SERVER_BUSY; the stream's error if the client disconnects
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
  // Destroying the stream would close the connection before the response.
  const source = payload.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit) throw tooLarge(`more than ${limit} bytes`, limit);
    // Copied into blocks: chunks of single bytes would cost a hundred bytes each.
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
