/**
 * Whom a server without a token answers: programs on this machine, and its own pages. Any web page can make a
 * visitor's browser send requests here, and one whose name points to 127.0.0.1 (DNS rebinding) can read the
 * responses; so foreign hosts and origins are refused. No page has a token, so with one this is unnecessary.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { ReclmisError } from '@reclmis/core';
import { isLoopback } from './access.js';

export interface CallerRules {
  /** Lower-case. */
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
  /** Accept any numeric address: it cannot be rebound. */
  readonly addresses: boolean;
}

const SHOWN = /^[\w.:[\]/-]{1,100}$/;
const shown = (text: string): string => (SHOWN.test(text) ? text : 'another');

/** Host names from `--allow-host`, without port. @throws OPTION_INVALID */
export function checkHosts(hosts: readonly string[]): ReadonlySet<string> {
  return new Set(
    hosts.map((host) => {
      const name = hostOf(host)?.name;
      if (name !== undefined && /^[\w.:-]+$/.test(name) && !/:\d+$/.test(host.replace(/^\[.*\]/, '')))
        return name;
      throw new ReclmisError(
        'OPTION_INVALID',
        `--allow-host ${host}: expected a name or an address without a port, such as reclmis.example`,
      );
    }),
  );
}

function hostOf(text: string): { readonly name: string; readonly authority: string } | null {
  if (!/^(\[[\da-f:.]+\]|[^\s:@/?#\\[\]]+)(:\d{1,5})?$/i.test(text) || !URL.canParse(`http://${text}`))
    return null;
  const { hostname, host } = new URL(`http://${text}`);
  return { name: hostname.replace(/^\[|\]$/g, '').replace(/\.$/, ''), authority: host };
}

/** @param safe the request only reads @throws HOST_REFUSED, ORIGIN_REFUSED for foreign ones */
export function checkCaller(headers: IncomingHttpHeaders, rules: CallerRules, safe: boolean): void {
  const { host: given, origin } = headers;
  const host = given === undefined ? null : hostOf(given);
  // Only HTTP/1.0, so never a browser, gets here without one.
  if (given !== undefined && !(host && isServed(host.name, rules)))
    throw new ReclmisError(
      'HOST_REFUSED',
      `Host: expected this machine (localhost, 127.0.0.1 or [::1]), got ${shown(given)}`,
      host && SHOWN.test(host.name)
        ? {
            remedy: `Use http://localhost, or start the server with --allow-host ${host.name} if that name is its own, or with --token-file.`,
          }
        : {},
    );
  if (origin !== undefined && rules.origins.has(origin)) return;
  if (origin !== undefined && !(host && isOwn(origin, given ?? '')))
    throw new ReclmisError('ORIGIN_REFUSED', `Origin: expected the server’s own, got ${shown(origin)}`, {
      remedy: /^https?:/.test(origin)
        ? `Start the server with --cors ${shown(origin) === origin ? origin : 'ORIGIN'} if that page may call it, or with --token-file.`
        : 'Serve the page over http from its own origin, and allow that origin with --cors.',
    });
  const site = headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') return;
  // Only the person who followed a link sees the result.
  if (safe && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document') return;
  throw new ReclmisError(
    'ORIGIN_REFUSED',
    'Sec-Fetch-Site: expected a page of the server, got one of another site',
  );
}

function isServed(name: string, { hosts, addresses }: CallerRules): boolean {
  return isLoopback(name) || hosts.has(name) || (addresses && isIP(name) !== 0);
}

/** A proxy in front may use https. */
function isOwn(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, origin: normal } = new URL(origin);
  return /^https?:$/.test(protocol) && normal === origin && new URL(`${protocol}//${host}`).origin === origin;
}
