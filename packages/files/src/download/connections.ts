/**
 * GET requests by undici, through a proxy if the environment names one (`HTTPS_PROXY`, `HTTP_PROXY`,
 * `NO_PROXY`, read as by curl). Follows redirects itself, to check each address.
 */
import type { Readable } from 'node:stream';
import { ReclmisError } from '@reclmis/core';
import type { Dispatcher } from 'undici';
import type { Environment } from '../home.js';

/** OpenAI's and GitHub's files need one. */
const MAX_REDIRECTS = 5;
/** Then the connection counts as dropped. */
const SILENCE_MS = 60_000;

/** Whether `RECLMIS_OFFLINE` forbids connections. */
export function isOffline(env: Environment): boolean {
  return isSet(env['RECLMIS_OFFLINE']);
}

/** A switch in the environment: set, and not to 0, no, off or false. */
export const isSet = (value: string | undefined): boolean =>
  value !== undefined && !/^(0|no|off|false|)$/i.test(value.trim());

/** Read or destroy `body`. */
export interface Answer {
  /** After redirects. */
  readonly url: URL;
  readonly status: number;
  readonly body: Readable;
  /** The first value, or null. `name` in lower case. */
  header(name: string): string | null;
}

/** @throws OPTION_INVALID unless http: or https:, and for user names and passwords (logs would hold them) */
export function parseSource(text: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch (cause) {
    throw new ReclmisError('OPTION_INVALID', `${JSON.stringify(text)} is not a URL`, { cause });
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new ReclmisError('OPTION_INVALID', `${shown(url)}: expected an https: or http: address`);
  }
  if (url.username || url.password) {
    throw new ReclmisError('OPTION_INVALID', `${shown(url)}: the address contains a user name or password`, {
      remedy: 'Leave them out; a server that needs them is no source for downloads.',
    });
  }
  return url;
}

/** For messages: without query, which may hold a signature, and password. */
export function shown(url: URL): string {
  return url.host ? `${url.protocol}//${url.host}${url.pathname}` : `${url.protocol}${url.pathname}`;
}

/**
 * The proxy for an address, or null. Lower-case names win; `NO_PROXY` holds names (and their subdomains),
 * optionally with a port, or `*`.
 * @throws OPTION_INVALID for a proxy that is not an http: or https: address
 */
export function proxyFor(url: URL, env: Environment): URL | null {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const value = (env[name] ?? env[name.toUpperCase()] ?? '').trim();
  if (value === '' || isExempt(url, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  const address = /^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(address)) {
    const proxy = new URL(address);
    if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy;
  }
  // It may hold a password.
  throw new ReclmisError(
    'OPTION_INVALID',
    `${name.toUpperCase()}: expected the http: or https: address of a proxy`,
    {
      remedy: 'Correct or unset the variable; NO_PROXY exempts individual hosts.',
    },
  );
}

function isExempt(url: URL, list: string): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(/[,\s]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    const [, host = '', onlyPort] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const name = host.replace(/^\*?\./, '');
    if (name === '' || (onlyPort !== undefined && onlyPort !== port)) return false;
    return url.hostname === name || url.hostname.endsWith(`.${name}`);
  });
}

export class Connections {
  /** By proxy; '' for direct ones. */
  private readonly dispatchers = new Map<string, Dispatcher>();

  constructor(private readonly env: Environment) {}

  /**
   * Sends exactly these headers (and `host`); `authorization` only to the first address's origin.
   * @throws DOWNLOAD_FAILED for too many or bad redirects; OFFLINE; network errors pass as undici throws them
   */
  async get(from: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer> {
    if (isOffline(this.env))
      throw new ReclmisError('OFFLINE', `${shown(from)}: is not fetched, since RECLMIS_OFFLINE is set`);
    const { request } = await import('undici');
    const { authorization: _, ...plain } = headers;
    let url = from;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await request(url, {
        method: 'GET',
        headers: url.origin === from.origin ? { ...headers } : plain,
        dispatcher: await this.dispatcher(url),
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
        signal: signal ?? null,
      });
      const header = (name: string): string | null => {
        const value = response.headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      };
      const { statusCode: status, body } = response;
      if (![301, 302, 303, 307, 308].includes(status)) return { url, status, body, header };
      body.on('error', () => undefined).destroy(); // unwanted, and so are its errors
      url = redirected(url, header('location'));
    }
    throw new ReclmisError('DOWNLOAD_FAILED', `${shown(from)}: more than ${MAX_REDIRECTS} redirects`);
  }

  async close(): Promise<void> {
    await Promise.all([...this.dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    this.dispatchers.clear();
  }

  private async dispatcher(url: URL): Promise<Dispatcher> {
    const { Agent, ProxyAgent } = await import('undici');
    const proxy = proxyFor(url, this.env);
    const key = proxy?.href ?? '';
    const known = this.dispatchers.get(key);
    if (known) return known;
    // Many proxies refuse tunnels to ports other than 443, so http: goes without; https: is always tunnelled.
    const made = proxy ? new ProxyAgent({ uri: proxy.href, proxyTunnel: false }) : new Agent();
    this.dispatchers.set(key, made);
    return made;
  }
}

function redirected(from: URL, location: string | null): URL {
  try {
    if (location === null) throw new Error('it has no address');
    return parseSource(location, from);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('DOWNLOAD_FAILED', `${shown(from)}: refused a redirect: ${why}`, { cause });
  }
}
