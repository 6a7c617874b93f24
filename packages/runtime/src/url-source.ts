/** A model's files behind a URL, by fetch. */
import { ReclmisError } from '@reclmis/core';
import type { Source } from './seams.js';

/** The folder at an http(s) URL, with or without a trailing slash. */
export function urlSource(address: string, signal?: AbortSignal): Source {
  const base = new URL(address);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return {
    where: base.origin + base.pathname,
    async read(name, limit, onBytes) {
      const url = new URL(name, base);
      const where = url.origin + url.pathname;
      const init = signal ? { signal } : {};
      const response = await fetch(url, init).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw new ReclmisError('MODEL_MISSING', `${where}: cannot be reached`, { cause });
      });
      if (!response.ok || !response.body) {
        await response.body?.cancel();
        throw new ReclmisError('MODEL_MISSING', `${where}: the server answered ${response.status}`);
      }
      const chunks: Uint8Array[] = [];
      let length = 0;
      const reader = response.body.getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) break;
          length += value.length;
          if (length > limit) {
            throw new ReclmisError('MODEL_INVALID', `${where}: expected at most ${limit} bytes, got more`);
          }
          chunks.push(value);
          onBytes?.(value.length);
        }
      } catch (cause) {
        signal?.throwIfAborted();
        await reader.cancel().catch(() => undefined); // the first error is reported
        if (cause instanceof ReclmisError) throw cause;
        throw new ReclmisError('MODEL_INVALID', `${where}: truncated after ${length} bytes`, { cause });
      }
      const bytes = new Uint8Array(length);
      let at = 0;
      for (const chunk of chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return bytes;
    },
  };
}
