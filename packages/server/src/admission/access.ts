/**
 * Who may reach the server: its own machine or, at any other address, clients with a token. TLS is for setups
 * without a proxy in front.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { ReclmisError } from '@reclmis/core';
import { oneLine, readRegular } from '@reclmis/files';

export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** 96 random bits in base64. */
const SHORTEST = 16;
/** For key, certificate and token files. */
const MAX_FILE_BYTES = 1 << 20;

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Refuses a network without a token, unless requested. @throws OPTION_INVALID */
export function checkAddress(
  host: string,
  access: { readonly token: boolean; readonly insecure: boolean },
): void {
  if (isLoopback(host) || access.token || access.insecure) return;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--host ${host}: would expose the server to the network without a token`,
    {
      remedy:
        'Pass a file containing a token with --token-file, or use --insecure if something else protects the server.',
    },
  );
}

async function fileOf(option: string, path: string): Promise<Buffer> {
  try {
    return await readRegular(path, { limit: MAX_FILE_BYTES });
  } catch (error) {
    throw new ReclmisError('OPTION_INVALID', `${option} ${path}: cannot be read (${oneLine(error)})`, {
      cause: error,
      remedy: 'Give a file that the server can read.',
    });
  }
}

/** One line of at least 16 visible ASCII characters. @throws OPTION_INVALID */
export async function readToken(path: string): Promise<string> {
  const token = (await fileOf('--token-file', path)).toString('latin1').trim();
  if (token.length >= SHORTEST && token.length <= 4096 && /^[!-~]+$/.test(token)) return token;
  throw new ReclmisError(
    'OPTION_INVALID',
    `--token-file ${path}: expected one line of ${SHORTEST} to 4096 visible ASCII characters, got ${token.length} characters or other ones`,
    { remedy: 'Generate one, for example with `openssl rand -base64 32`.' },
  );
}

/** Reads certificate and key from two PEM files that must match. @throws OPTION_INVALID */
export async function readTls(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<Tls | null> {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined)
    throw new ReclmisError('OPTION_INVALID', 'expected --tls-cert and --tls-key together, got one of them');
  const [cert, key] = await Promise.all([fileOf('--tls-cert', certFile), fileOf('--tls-key', keyFile)]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `--tls-cert ${certFile}, --tls-key ${keyFile}: not a certificate with its key (${oneLine(error)})`,
      {
        cause: error,
        remedy: 'Use a certificate chain and its private key, both PEM and without a passphrase.',
      },
    );
  }
  return { cert, key };
}

/** Origins that may call, as browsers send them: scheme, host and port. @throws OPTION_INVALID */
export function checkOrigins(origins: readonly string[]): ReadonlySet<string> {
  for (const origin of origins) {
    const parsed = URL.canParse(origin) ? new URL(origin) : null;
    if (parsed?.origin === origin && /^https?:$/.test(parsed.protocol)) continue;
    throw new ReclmisError(
      'OPTION_INVALID',
      `--cors ${origin}: expected an origin such as https://viewer.example.org`,
    );
  }
  return new Set(origins);
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tests an Authorization header; comparing digests of equal length reveals nothing through its timing. */
export function tokenCheck(token: string): (header: string | undefined) => boolean {
  const expected = digest(token);
  return (header) => {
    const given = /^Bearer +([!-~]+) *$/i.exec(header ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), expected);
  };
}
