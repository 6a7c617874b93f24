/**
 * GET requests for downloads: by proxy where the environment names one (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`, as curl reads them),
 * redirects followed by hand so that each address is looked at. undici, Node's own HTTP client, speaks the protocol.
 */
import type { Readable } from 'node:stream';
import { ReclmisError } from '@reclmis/core';
import type { Dispatcher } from 'undici';
import type { Environment } from '@reclmis/files';

/** Most redirects that are followed; OpenAI's and GitHub's files need one. */
const MAX_REDIRECTS = 5;
/** A server that is silent for so long counts as dropped, milliseconds. */
const SILENCE_MS = 60_000;

/** The beginning of an answer; `body` must be read or destroyed. */
export interface Answer {
  /** The address that answered, after redirects. */
  readonly url: URL;
  readonly status: number;
  readonly body: Readable;
  /** A header's value, the first where there are several, or null. `name` in lower case. */
  header(name: string): string | null;
}

/**
 * Reads an address of a download.
 * @throws OPTION_INVALID for anything but http: and https:, and for addresses with a user name or password (they would end up in logs).
 */
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
      remedy: 'Download the file with another program and use `reclmis weights import FILE`.',
    });
  }
  return url;
}

/** An address for messages: without its query, which may hold a signature, and without a password. */
export function shown(url: URL): string {
  return url.host ? `${url.protocol}//${url.host}${url.pathname}` : `${url.protocol}${url.pathname}`;
}

/**
 * The proxy that the environment names for an address, or null. Lower-case names win, as with curl; `NO_PROXY` holds names (their
 * subdomains count too), optionally with a port, or `*`.
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
  // The value itself may hold a password: it is not shown.
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

/** The connections of one download. */
export class Connections {
  /** By proxy; the direct ones under ''. */
  private readonly dispatchers = new Map<string, Dispatcher>();

  constructor(private readonly env: Environment) {}

  /**
   * A GET request with exactly these headers (and `host`), redirects followed.
   * @throws DOWNLOAD_FAILED for too many redirects or a bad one; network errors pass as undici throws them.
   */
  async get(from: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Answer> {
    const { request } = await import('undici');
    let url = from;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await request(url, {
        method: 'GET',
        headers: { ...headers },
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
      body.on('error', () => undefined).destroy(); // it is not wanted; its end as an error neither
      url = redirected(url, header('location'));
    }
    throw new ReclmisError('DOWNLOAD_FAILED', `${shown(from)}: more than ${MAX_REDIRECTS} redirects`);
  }

  /** Cuts all connections. */
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
    // Plain http: goes to the proxy as such, since many refuse tunnels to other ports than 443; https: is always tunnelled.
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
