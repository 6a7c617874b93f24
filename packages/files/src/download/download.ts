/**
 * Downloads large files with a known SHA-256: resumes broken ones (RFC 9110, range requests), hashes while
 * writing, and puts the file in place only if the hash is right, so any mirror can continue a part.
 * `If-Range` saves the bytes of a changed file.
 */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ErrorCode, oneLine, ReclmisError, systemCode } from '@reclmis/core';
import { cacheError, type Environment } from '../home.js';
import { withLock } from '../lock.js';
import { type Answer, Connections, parseSource, shown } from './connections.js';
import { hashFile, Part } from './part.js';

/** More than any file of weights. */
export const MAX_DOWNLOAD_BYTES = 8 * 2 ** 30;
/** In a row; a further mebibyte resets the count. */
const ATTEMPTS = 5;
const PROGRESS_BYTES = 1 << 20;
const FIRST_DELAY_MS = 500;

export interface DownloadOptions {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  /** In bytes; null until the server states it. */
  readonly onProgress?: ((done: number, total: number | null) => void) | undefined;
  readonly onRetry?: ((problem: string) => void) | undefined;
  /** Another process downloads the same file. */
  readonly onWait?: (() => void) | undefined;
  /** INTERRUPTED; the part stays. */
  readonly signal?: AbortSignal | undefined;
  /** For proxies. Default `process.env`. */
  readonly env?: Environment | undefined;
  /** Default 8 GiB. */
  readonly maxBytes?: number | undefined;
  /** Before the second attempt; then doubles. Default 500. */
  readonly retryDelayMs?: number | undefined;
  /** Sent as `Authorization: Bearer`, to the address's own origin alone. Never shown. */
  readonly token?: string | undefined;
  /** The error for an answer that no attempt changes; default DOWNLOAD_FAILED. */
  readonly refusal?: ((answer: Pick<Answer, 'status' | 'header'>) => ReclmisError | null) | undefined;
  /** The code for a file with another hash; default WEIGHTS_HASH_MISMATCH. */
  readonly mismatch?: ErrorCode | undefined;
  /** In place of the catalogue's, for DOWNLOAD_FAILED. */
  readonly remedy?: string | undefined;
}

/**
 * Downloads `url` to `target`, resuming `target.part`. Leaves a target with the right hash alone.
 * @returns the size in bytes @throws DOWNLOAD_FAILED network, HTTP status, redirects, sizes; the part stays
 * @throws WEIGHTS_HASH_MISMATCH the part is removed @throws DISK_FULL, OUTPUT_UNWRITABLE, OFFLINE, INTERRUPTED,
 * OPTION_INVALID
 */
export async function download(url: string, target: string, options: DownloadOptions): Promise<number> {
  const source = parseSource(url);
  const { signal, onWait } = options;
  const sha256 = parseSha256(options.sha256);
  try {
    signal?.throwIfAborted();
    await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => {
      throw cacheError(dirname(target), error);
    });
    return await withLock(`${target}.lock`, { signal, onWait, errorOf: cacheError }, async () => {
      const size = await sizeOf(target);
      if (size !== null && (await hashFile(target)) === sha256) return size;
      return await run(source, target, { ...options, sha256 });
    });
  } catch (error) {
    if (signal?.aborted !== true || error instanceof ReclmisError) throw withRemedy(error, options.remedy);
    throw new ReclmisError('INTERRUPTED', `${shown(source)}: the download was stopped`, {
      cause: error,
      remedy: 'Run the command again: it continues where it stopped.',
    });
  }
}

/** Returns it in lower case. @throws OPTION_INVALID */
export function parseSha256(text: string): string {
  const sha256 = text.trim().toLowerCase();
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new ReclmisError('OPTION_INVALID', `expected a SHA-256 of 64 hexadecimal digits, got "${text}"`);
}

async function run(source: URL, target: string, options: DownloadOptions): Promise<number> {
  const { sha256, signal, env = process.env, onRetry, retryDelayMs = FIRST_DELAY_MS } = options;
  const { mismatch: mismatchCode = 'WEIGHTS_HASH_MISMATCH' } = options;
  const connections = new Connections(env);
  const part = await Part.open(target, sha256);
  try {
    let suspect = part.have > 0; // perhaps damaged, or of a file that has changed
    let failures = 0;
    while (part.have === 0 || part.digest() !== sha256) {
      const before = part.have;
      try {
        const answer = await connections.get(source, headersFor(part, source, options.token), signal);
        const resumed = await receive(answer, part, source, target, options);
        const actual = part.digest();
        if (actual === sha256) break;
        if (!suspect || !resumed) throw mismatch(mismatchCode, source, sha256, actual, part.have);
        suspect = false;
        await part.restart();
        onRetry?.('the resumed file has the wrong hash; starting over');
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof ReclmisError || isFinal(error)) throw failed(source, error);
        failures = part.have - before >= PROGRESS_BYTES ? 1 : failures + 1;
        if (failures >= ATTEMPTS) throw failed(source, error);
        onRetry?.(describe(error));
        await sleep(retryDelayMs * 2 ** (failures - 1), undefined, signal ? { signal } : {});
      }
    }
    const size = part.have;
    await part.finish();
    return size;
  } catch (error) {
    const code = error instanceof ReclmisError ? error.code : null;
    if (code === mismatchCode || code === 'DISK_FULL' || part.have === 0) await part.discard();
    throw error;
  } finally {
    await part.close();
    await connections.close();
  }
}

/** `identity`: ranges and hashes apply to the uncompressed file. */
function headersFor(part: Part, source: URL, token: string | undefined): Record<string, string> {
  const headers = {
    'accept-encoding': 'identity',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  if (part.have === 0) return headers;
  const { url, validator } = part.origin ?? {};
  const ifRange = validator && url === source.href ? { 'if-range': validator } : {};
  return { ...headers, range: `bytes=${part.have}-`, ...ifRange };
}

/** A new attempt may help. */
class Dropped extends Error {}

/** Returns whether the answer continues the part. */
async function receive(
  answer: Answer,
  part: Part,
  source: URL,
  target: string,
  { maxBytes = MAX_DOWNLOAD_BYTES, onProgress, signal, refusal }: DownloadOptions,
): Promise<boolean> {
  const { body } = answer;
  body.on('error', () => undefined); // reading reports it; an unread body may still fail
  try {
    const resumed = part.have > 0 && answer.status === 206;
    const total = await accept(answer, part, source, refusal);
    if (total !== null && total > maxBytes) {
      throw new ReclmisError(
        'DOWNLOAD_FAILED',
        `${shown(source)}: ${total} bytes; at most ${maxBytes} are accepted`,
      );
    }
    await part.remember(source.href, validatorOf(answer));
    if (total !== null) await assertRoom(target, total - part.have);
    onProgress?.(part.have, total);
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      if (part.have + chunk.length > (total ?? maxBytes)) {
        await part.restart();
        const limit = total === null ? `the limit of ${maxBytes} bytes` : `the ${total} bytes that it stated`;
        throw new ReclmisError('DOWNLOAD_FAILED', `${shown(source)}: the server sends more than ${limit}`);
      }
      await part.write(chunk);
      onProgress?.(part.have, total);
      signal?.throwIfAborted();
    }
    if (total !== null && part.have < total)
      throw new Dropped(`the server sent ${part.have} of ${total} bytes`);
    return resumed;
  } finally {
    body.destroy();
  }
}

/** Empties the part if the answer starts at 0; returns the total in bytes, if stated. */
async function accept(
  answer: Answer,
  part: Part,
  source: URL,
  refusal: DownloadOptions['refusal'],
): Promise<number | null> {
  const { status } = answer;
  const length = /^\d+$/.exec(answer.header('content-length') ?? '')?.[0];
  if (status === 200) {
    if (part.have > 0) await part.restart();
    return length === undefined ? null : Number(length);
  }
  if (part.have > 0 && (status === 206 || status === 416)) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header('content-range') ?? '');
    const [, first, last, total] = range ?? [];
    if (status === 206 && Number(first) === part.have && last !== undefined) {
      return total === '*' ? Number(last) + 1 : Number(total);
    }
    const have = part.have;
    await part.restart();
    throw new Dropped(`the server cannot continue from byte ${have}`);
  }
  const message = `HTTP status ${status}`;
  if (status >= 500 || status === 408 || status === 429) throw new Dropped(message);
  throw refusal?.(answer) ?? new ReclmisError('DOWNLOAD_FAILED', `${shown(source)}: ${message}`);
}

/** For `If-Range` (RFC 9110, 13.1.5): a strong ETag, else the date of the last change. */
function validatorOf(answer: Answer): string | null {
  const etag = answer.header('etag');
  if (etag?.startsWith('"')) return etag;
  return etag === null ? answer.header('last-modified') : null;
}

async function assertRoom(target: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(target));
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new ReclmisError('DISK_FULL', `${dirname(target)}: ${needed} bytes are needed, ${free} are free`, {
    remedy: 'Free some space, or set RECLMIS_HOME to a folder on another disk, and run the command again.',
  });
}

function mismatch(
  code: ErrorCode,
  source: URL,
  expected: string,
  actual: string,
  bytes: number,
): ReclmisError {
  return new ReclmisError(
    code,
    `${shown(source)}: expected SHA-256 ${expected}, got ${actual} (${bytes} bytes)`,
  );
}

/** Retrying does not mend certificates. */
function isFinal(error: unknown): boolean {
  return /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(systemCode(error));
}

function failed(source: URL, error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  return new ReclmisError('DOWNLOAD_FAILED', `${shown(source)}: ${describe(error)}`, { cause: error });
}

function withRemedy(error: unknown, remedy: string | undefined): unknown {
  if (remedy === undefined || !(error instanceof ReclmisError) || error.code !== 'DOWNLOAD_FAILED')
    return error;
  return new ReclmisError(error.code, error.message, { cause: error.cause, remedy });
}

/** undici often says what happened only in cause or code. */
export function describe(error: unknown): string {
  const text = oneLine(error) || systemCode(error);
  const cause = error instanceof Error && error.cause instanceof Error ? oneLine(error.cause) : '';
  return [text || 'the connection failed', cause].filter(Boolean).join(': ');
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    const status = await stat(path);
    return status.isFile() ? status.size : null;
  } catch {
    return null;
  }
}
