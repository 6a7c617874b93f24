/**
 * Files of models that a browser keeps, by their SHA-256: a page that was visited before loads them without the network.
 * A browser that keeps nothing (private windows, no space, no https) loads them each time.
 */
import type { FileCache } from './seams.js';

const NAME = 'reclmis-models';
/** The oldest go first. A model has 8 to 200 MB. */
const MOST_BYTES = 1024 ** 3;

/** An address of its own for each content; nothing is ever fetched from it. */
const keyOf = (sha256: string): string =>
  new URL(`/.reclmis-models/${sha256}`, globalThis.location.href).href;

/** Null where the browser has no Cache API. */
export function browserCache(): FileCache | null {
  if (!('caches' in globalThis)) return null;
  return {
    async get(sha256) {
      try {
        const found = await (await caches.open(NAME)).match(keyOf(sha256));
        return found === undefined ? null : new Uint8Array(await found.arrayBuffer());
      } catch {
        return null; // as if nothing were kept
      }
    },
    async put(sha256, bytes) {
      try {
        const cache = await caches.open(NAME);
        const headers = { 'Content-Length': String(bytes.length) };
        await cache.put(keyOf(sha256), new Response(new Uint8Array(bytes), { headers }));
        await dropOldest(cache);
      } catch {
        // no space: the next visit loads it again
      }
    },
    async remove(sha256) {
      await caches
        .open(NAME)
        .then((cache) => cache.delete(keyOf(sha256)))
        .catch(() => false);
    },
  };
}

async function dropOldest(cache: Cache): Promise<void> {
  const requests = await cache.keys(); // oldest first
  const sizes = await Promise.all(
    requests.map(async (request) => Number((await cache.match(request))?.headers.get('Content-Length') ?? 0)),
  );
  let total = sizes.reduce((sum, size) => sum + size, 0);
  for (const [i, request] of requests.entries()) {
    if (total <= MOST_BYTES || i === requests.length - 1) return;
    await cache.delete(request);
    total -= sizes[i]!;
  }
}
