/**
 * A page and its files on loopback, such as the studio: static files alone, under the same rules of Host and Origin as a
 * server without a token. What is served is listed at the start, so no path of a request reaches the disk.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, sep } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { oneLine, systemCode } from '@reclmis/files';
import { type CallerRules, checkCaller } from './admission/callers.js';
import { errorBody, HEAD, statusOf, toRequestError } from './http-errors.js';

/** A folder below an address. */
export interface PageFolder {
  /** Such as "/" or "/model/". */
  readonly at: string;
  readonly folder: string;
  /** Only these files of it; default: all, with those of its folders. */
  readonly names?: readonly string[];
}

export interface PageServer {
  /** The page’s, with a slash at its end. */
  readonly url: string;
  stop(): Promise<void>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** Threads of WebAssembly need the first two; the others keep the page to itself. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

const LOOPBACK = '127.0.0.1';
const RULES: CallerRules = { hosts: new Set(), origins: new Set(), addresses: false };

export interface PageServerOptions {
  readonly policy: string;
  readonly port: number;
  /** JSON that is made for each request, by path. Default none. */
  readonly live?: ReadonlyMap<string, () => unknown>;
}

/**
 * Serves folders on a loopback port (0: any free one), with `policy` as the Content-Security-Policy of every answer.
 * @throws LISTEN_FAILED; any error for a folder that cannot be listed
 */
export async function servePage(
  folders: readonly PageFolder[],
  { policy, port, live = new Map() }: PageServerOptions,
): Promise<PageServer> {
  const files = await listFiles(folders);
  const headers = { ...PAGE_HEADERS, 'Content-Security-Policy': policy };
  const server = createServer({ maxHeaderSize: HEAD, requireHostHeader: false }, (request, response) => {
    answer(request, response, { files, live, headers });
  });
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${bound}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** By path of a request. */
async function listFiles(folders: readonly PageFolder[]): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const { at, folder, names } of folders) {
    const entries = names ?? (await readdir(folder, { recursive: true }));
    for (const name of entries) {
      const path = join(folder, name);
      if ((await stat(path)).isFile()) files.set(at + name.split(sep).join('/'), path);
    }
  }
  const index = files.get('/index.html');
  if (index !== undefined) files.set('/', index);
  return files;
}

interface Served {
  readonly files: ReadonlyMap<string, string>;
  readonly live: ReadonlyMap<string, () => unknown>;
  readonly headers: Readonly<Record<string, string>>;
}

function answer(request: IncomingMessage, response: ServerResponse, { files, live, headers }: Served): void {
  request.resume();
  try {
    const { method, url = '/' } = request;
    checkCaller(request.headers, RULES, true);
    if (method !== 'GET' && method !== 'HEAD')
      throw new ReclmisError('METHOD_UNKNOWN', 'expected one of the methods GET, HEAD, got another');
    const asked = pathOf(url);
    const made = live.get(asked);
    if (made !== undefined) {
      const body = JSON.stringify(made()); // before the head: it may throw
      response.writeHead(200, { ...headers, 'Content-Type': TYPES['.json'], 'Cache-Control': 'no-store' });
      response.end(method === 'HEAD' ? undefined : body);
      return;
    }
    const path = files.get(asked);
    if (path === undefined) throw new ReclmisError('ROUTE_UNKNOWN', 'there is no such route');
    send(path, response, headers, method === 'HEAD');
  } catch (error) {
    refuse(response, toRequestError(error), headers);
  }
}

/** Decoded, without the query. */
function pathOf(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '');
  } catch {
    return '';
  }
}

function send(
  path: string,
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  headOnly: boolean,
): void {
  stat(path).then(
    ({ size }) => {
      response.writeHead(200, {
        ...headers,
        'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
        'Content-Length': size,
        'Cache-Control': 'no-cache',
      });
      if (headOnly) response.end();
      else
        createReadStream(path)
          .on('error', () => response.destroy())
          .pipe(response);
    },
    (cause: unknown) => {
      refuse(response, new ReclmisError('ROUTE_UNKNOWN', 'the file is gone', { cause }), headers);
    },
  );
}

function refuse(
  response: ServerResponse,
  error: ReclmisError,
  headers: Readonly<Record<string, string>>,
): void {
  const allow = error.code === 'METHOD_UNKNOWN' ? { Allow: 'GET, HEAD' } : {};
  response
    .writeHead(statusOf(error.code), {
      ...headers,
      ...allow,
      'Content-Type': TYPES['.json'],
      'Cache-Control': 'no-store',
    }) // prettier-ignore
    .end(JSON.stringify(errorBody(error)));
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const why =
        systemCode(cause) === 'EADDRINUSE' ? 'another program is already listening there' : oneLine(cause);
      reject(
        new ReclmisError('LISTEN_FAILED', `${LOOPBACK}, port ${port}: ${why}`, {
          cause,
          remedy: 'Choose another port with --port, or 0 for any free one.',
        }),
      );
    });
    server.listen(port, LOOPBACK, resolve);
  });
}
