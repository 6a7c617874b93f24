/** Fetches a small file whole, into memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ReclmisError } from '@reclmis/core';
import { Connections, parseSource, shown } from './connections.js';
import { describe, type DownloadOptions } from './download.js';

const ATTEMPTS = 3;

export interface FetchBytesOptions extends Pick<
  DownloadOptions,
  'env' | 'signal' | 'token' | 'refusal' | 'remedy' | 'retryDelayMs'
> {
  readonly maxBytes: number;
}

/** A new attempt may help. */
class Dropped extends Error {}

/** @throws DOWNLOAD_FAILED, OFFLINE, INTERRUPTED, OPTION_INVALID; what `refusal` gives */
export async function fetchBytes(url: string, options: FetchBytesOptions): Promise<Buffer> {
  const { env = process.env, signal, remedy, retryDelayMs = 500 } = options;
  const source = parseSource(url);
  const connections = new Connections(env);
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(connections, source, options);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ReclmisError) throw error;
        if (attempt === ATTEMPTS)
          throw new ReclmisError('DOWNLOAD_FAILED', `${shown(source)}: ${describe(error)}`, {
            cause: error,
            ...(remedy === undefined ? {} : { remedy }),
          });
        await sleep(retryDelayMs * 2 ** (attempt - 1), undefined, signal ? { signal } : {});
      }
    }
  } catch (error) {
    if (signal?.aborted !== true || error instanceof ReclmisError) throw error;
    throw new ReclmisError('INTERRUPTED', `${shown(source)}: was stopped`, { cause: error });
  } finally {
    await connections.close();
  }
}

async function once(
  connections: Connections,
  source: URL,
  { token, signal, maxBytes, refusal, remedy }: FetchBytesOptions,
): Promise<Buffer> {
  const headers = {
    'accept-encoding': 'identity',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const answer = await connections.get(source, headers, signal);
  const { status, body } = answer;
  body.on('error', () => undefined);
  const final = (what: string): ReclmisError =>
    new ReclmisError('DOWNLOAD_FAILED', `${shown(source)}: ${what}`, remedy === undefined ? {} : { remedy });
  try {
    if (status >= 500 || status === 408 || status === 429) throw new Dropped(`HTTP status ${status}`);
    if (status !== 200) throw refusal?.(answer) ?? final(`HTTP status ${status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) throw final(`expected at most ${maxBytes} bytes, got more`);
      chunks.push(chunk);
    }
    const stated = Number(answer.header('content-length') ?? length);
    if (length < stated) throw new Dropped(`the server sent ${length} of ${stated} bytes`);
    return Buffer.concat(chunks);
  } finally {
    body.destroy();
  }
}
