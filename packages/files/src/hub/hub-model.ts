/**
 * A hub's models in the cache, a folder for each commit: `models/OWNER--NAME/COMMIT[/FOLDER]`, and in `refs/` the commit
 * that a branch or tag last was. The manifest is written last, so a folder that has one is complete. Each file has the
 * SHA-256 that the manifest states; what is unfinished resumes.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  commitOf,
  type HubAddress,
  type HubOrigin,
  HUB_URL,
  hubRefusal,
  isCommit,
  MANIFEST_FILE,
  manifestFiles,
  type ManifestFile,
  oneLine,
  parseHubAddress,
  parseManifest,
  ReclmisError,
  resolveUrl,
  revisionUrl,
  systemCode,
} from '@reclmis/core';
import { isSet, parseSource } from '../download/connections.js';
import { download, type DownloadOptions } from '../download/download.js';
import { fetchBytes } from '../download/fetch-bytes.js';
import { hashFile } from '../download/part.js';
import { cacheError, cacheHome, type Environment } from '../home.js';
import { readRegular } from '../regular.js';
import { writeFileAtomic } from '../whole-file.js';

/** Far above any manifest with a training set's vocabulary. */
const MANIFEST_BYTES = 16 * 2 ** 20;
const API_BYTES = 16 * 2 ** 20;

const REMEDY =
  'Check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the hub’s address (--hub-url, HF_ENDPOINT), and try again: what was fetched is kept.';

export interface HubOptions {
  /** The hub, or a mirror of it. Default `HF_ENDPOINT`, else Hugging Face. */
  readonly hubUrl?: string | undefined;
  /** Uses only the cache. Default: as `RECLMIS_OFFLINE` and `HF_HUB_OFFLINE` say. */
  readonly offline?: boolean | undefined;
}

export interface HubFetchOptions extends HubOptions {
  /** For the hub, its token (`HF_TOKEN`), proxies and the cache. Default `process.env`. */
  readonly env?: Environment | undefined;
  /** Default `cacheHome(env)`. */
  readonly home?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In bytes. Not called for files that the cache has. */
  readonly onProgress?: ((file: ManifestFile, done: number, total: number) => void) | undefined;
  readonly onRetry?: ((file: ManifestFile, problem: string) => void) | undefined;
  /** Another process fetches the same file. */
  readonly onWait?: ((file: ManifestFile) => void) | undefined;
  readonly retryDelayMs?: number | undefined;
}

export interface HubModel {
  /** Holds manifest and files. */
  readonly folder: string;
  readonly origin: HubOrigin;
}

/**
 * The model at an address such as `hf:owner/name@revision/folder`, in the cache. A commit that the cache has whole needs no
 * network.
 * @throws OPTION_INVALID; HUB_MISSING, HUB_REFUSED, HUB_FILE_DIFFERS; DOWNLOAD_FAILED; OFFLINE; MODEL_INVALID;
 * OUTPUT_UNWRITABLE, DISK_FULL (of the cache), INTERRUPTED
 */
export async function fetchHubModel(place: string, options: HubFetchOptions = {}): Promise<HubModel> {
  const { env = process.env } = options;
  const address = parseHubAddress(place);
  const hub = hubOf(options.hubUrl, env);
  const offline = options.offline ?? (isSet(env['RECLMIS_OFFLINE']) || isSet(env['HF_HUB_OFFLINE']));
  const store = join(options.home ?? cacheHome(env), 'models', address.repository.replace('/', '--'));
  const commit = await commitIn(store, address, hub, offline, options);
  const folder = join(store, commit, ...address.folder.split('/'));
  const origin = { ...address, commit };
  const job = { address, commit, hub, folder, offline, options };
  if (!(await isWhole(job))) await fill(job);
  return { folder, origin };
}

interface Job {
  readonly address: HubAddress;
  readonly commit: string;
  readonly hub: string;
  readonly folder: string;
  readonly offline: boolean;
  readonly options: HubFetchOptions;
}

/** @throws OPTION_INVALID */
function hubOf(asked: string | undefined, env: Environment): string {
  const hub = asked ?? (env['HF_ENDPOINT'] || HUB_URL);
  const { search, hash } = parseSource(hub);
  if (search === '' && hash === '') return hub;
  throw new ReclmisError(
    'OPTION_INVALID',
    `the hub’s address has a query or fragment; expected one like ${HUB_URL}`,
  );
}

/** The commit of a revision: the hub's word, which is kept for offline use. */
async function commitIn(
  store: string,
  address: HubAddress,
  hub: string,
  offline: boolean,
  { env = process.env, signal }: HubFetchOptions,
): Promise<string> {
  const { repository, revision } = address;
  if (isCommit(revision)) return revision;
  const ref = join(store, 'refs', encodeURIComponent(revision));
  if (offline) {
    const kept = await textOf(ref);
    if (kept !== null && isCommit(kept)) return kept;
    throw new ReclmisError(
      'OFFLINE',
      `${repository}@${revision}: is not in the cache, and the network is off`,
    );
  }
  const url = revisionUrl(hub, address);
  const bytes = await fetchBytes(url, {
    ...tokenOf(env),
    ...{ env, signal, maxBytes: API_BYTES, remedy: REMEDY },
    refusal: ({ status, header }) => hubRefusal(status, header('x-error-code'), address, url),
  });
  const commit = commitOf(parsed(bytes), address, url);
  await write(ref, `${commit}\n`);
  return commit;
}

const tokenOf = (env: Environment): { token?: string } => {
  const token = env['HF_TOKEN']?.trim();
  return token ? { token } : {};
};

/** Undefined for what is no JSON. */
function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Whether the cache has manifest and files as stated. @throws OFFLINE if it has not and may not fetch them */
async function isWhole({ address, commit, folder, offline }: Job): Promise<boolean> {
  const path = join(folder, MANIFEST_FILE);
  const text = await textOf(path);
  const json = text === null ? undefined : parsed(Buffer.from(text));
  let lacks = text === null ? 'is not in the cache' : 'is damaged in the cache';
  if (json !== undefined) {
    const flawed = [];
    for (const file of manifestFiles(parseManifest(json, path)))
      if ((await hashOf(join(folder, file.name))) !== file.sha256) flawed.push(file.name);
    if (flawed.length === 0) return true;
    lacks = `lacks ${flawed.join(', ')} in the cache, or has it damaged`;
  }
  if (!offline) return false;
  throw new ReclmisError('OFFLINE', `${address.repository}@${commit}: ${lacks}, and the network is off`);
}

const hashOf = (path: string): Promise<string | null> => hashFile(path).catch(() => null);

/** Fetches what is missing, the manifest's text first and into its place last. */
async function fill({ address, commit, hub, folder, options }: Job): Promise<void> {
  const { env = process.env, signal, onProgress, onRetry, onWait, retryDelayMs } = options;
  const from = resolveUrl(hub, address, commit);
  const at = { ...address, revision: commit };
  const common = {
    ...tokenOf(env),
    ...{ env, signal, remedy: REMEDY },
    refusal: ({ status, header }: Parameters<NonNullable<DownloadOptions['refusal']>>[0]) =>
      hubRefusal(status, header('x-error-code'), at, from),
  };
  const bytes = await fetchBytes(`${from}${MANIFEST_FILE}`, { ...common, maxBytes: MANIFEST_BYTES });
  const manifest = parseManifest(parsed(bytes), `${from}${MANIFEST_FILE}`);
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw cacheError(folder, error);
  });
  for (const file of manifestFiles(manifest))
    await download(`${from}${file.name}`, join(folder, file.name), {
      ...common,
      ...{ sha256: file.sha256, maxBytes: file.bytes, mismatch: 'HUB_FILE_DIFFERS', retryDelayMs },
      onProgress: (done, total) => onProgress?.(file, done, total ?? file.bytes),
      onRetry: (problem) => onRetry?.(file, problem),
      onWait: () => onWait?.(file),
    });
  await write(join(folder, MANIFEST_FILE), bytes);
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFileAtomic(path, content, { sync: true });
  } catch (error) {
    throw cacheError(path, error instanceof ReclmisError ? (error.cause ?? error) : error);
  }
}

/** Null where there is none. @throws OUTPUT_UNWRITABLE for a cache that cannot be read */
async function textOf(path: string): Promise<string | null> {
  try {
    return (await readRegular(path)).toString('utf8').trim();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return null;
    throw new ReclmisError('OUTPUT_UNWRITABLE', `${path}: cannot be read (${oneLine(error)})`, {
      cause: error,
      remedy: 'Make the cache readable, or set RECLMIS_HOME to another folder.',
    });
  }
}
