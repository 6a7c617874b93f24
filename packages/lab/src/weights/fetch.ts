/**
 * Fetches an id's model file and vocabulary into `downloads/ID/` of the cache, and removes them once
 * imported. `RECLMIS_WEIGHTS_URL` names a folder on another server with the same files.
 */
import { mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import {
  cacheError,
  cacheHome,
  download,
  type DownloadOptions,
  type Environment,
  parseSha256,
  parseSource,
  withLock,
} from '@reclmis/files';
import { assertWeightsId, downloadFolder } from './home.js';
import { CLIP_VOCABULARY, knownWeights, type RemoteFile } from './known.js';

/** A known hash stays unless replaced. */
export interface SourceOptions {
  readonly url?: string | undefined;
  readonly sha256?: string | undefined;
  readonly vocabularyUrl?: string | undefined;
  readonly vocabularySha256?: string | undefined;
  readonly env?: Environment | undefined;
}

export interface WeightsSource {
  readonly id: string;
  readonly model: RemoteFile;
  readonly vocabulary: RemoteFile;
}

export interface FetchOptions {
  /** Default `cacheHome(env)`. */
  readonly home?: string | undefined;
  readonly env?: Environment | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Total: as the server states, or as known. */
  readonly onProgress?: ((file: RemoteFile, done: number, total: number) => void) | undefined;
  readonly onRetry?: ((file: RemoteFile, problem: string) => void) | undefined;
  /** Another process fetches the same id. */
  readonly onWait?: (() => void) | undefined;
  readonly retryDelayMs?: number | undefined;
}

/** Removed once the callback returns. */
export interface FetchedFiles {
  readonly model: string;
  readonly vocabulary: string;
}

/** An unknown id needs a URL and a SHA-256. @throws WEIGHTS_UNKNOWN, OPTION_INVALID */
export function weightsSource(id: string, options: SourceOptions = {}): WeightsSource {
  assertWeightsId(id);
  const { url, sha256, env = process.env } = options;
  const mirror = env['RECLMIS_WEIGHTS_URL'];
  const elsewhere = (
    file: RemoteFile,
    ownUrl: string | undefined,
    ownHash: string | undefined,
  ): RemoteFile => {
    const from = ownUrl ?? (mirror ? `${mirror.replace(/\/*$/, '')}/${file.file}` : file.url);
    parseSource(from);
    return { ...file, url: from, sha256: ownHash === undefined ? file.sha256 : parseSha256(ownHash) };
  };
  const own = url !== undefined && sha256 !== undefined;
  const known: RemoteFile = own ? { url, file: fileName(url), sha256, bytes: 0 } : knownWeights(id);
  return {
    id,
    model: elsewhere(known, url, sha256),
    vocabulary: elsewhere(CLIP_VOCABULARY, options.vocabularyUrl, options.vocabularySha256),
  };
}

/**
 * Downloads both files, resuming earlier attempts, and runs `use` on them, one process per id at a time. If
 * `use` fails, the files stay.
 * @throws as `download`, and what `use` throws
 */
export async function fetchWeights<R>(
  source: WeightsSource,
  options: FetchOptions,
  use: (files: FetchedFiles) => Promise<R>,
): Promise<R> {
  const { env = process.env, signal, onProgress, onRetry, onWait, retryDelayMs } = options;
  const folder = downloadFolder(options.home ?? cacheHome(env), source.id);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw cacheError(folder, error);
  }
  const get = async (file: RemoteFile): Promise<string> => {
    const target = join(folder, file.file);
    const settings: DownloadOptions = {
      sha256: file.sha256,
      env,
      signal,
      retryDelayMs,
      onProgress: (done, total) => onProgress?.(file, done, total ?? Math.max(file.bytes, done)),
      onRetry: (problem) => onRetry?.(file, problem),
    };
    await download(file.url, target, settings);
    return target;
  };
  const locked = async (): Promise<R> => {
    const vocabulary = await get(source.vocabulary); // the small one first
    const model = await get(source.model);
    const result = await use({ model, vocabulary });
    await rm(folder, { recursive: true, force: true });
    return result;
  };
  try {
    return await withLock(
      join(dirname(folder), `${source.id}.lock`),
      { signal, onWait, errorOf: cacheError },
      locked,
    );
  } catch (error) {
    if (signal?.aborted !== true || error instanceof ReclmisError) throw error;
    throw new ReclmisError('INTERRUPTED', `${source.id}: stopped while waiting for another process`);
  }
}

/** It becomes part of a path. */
function fileName(url: string): string {
  const name = basename(parseSource(url).pathname).replace(/[^A-Za-z0-9._-]/g, '_');
  return /^[A-Za-z0-9]/.test(name) ? name : `weights-${name}`;
}
