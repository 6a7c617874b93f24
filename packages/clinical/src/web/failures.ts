/** What went wrong with a request, as coded errors. Answers' bodies never get into messages: they may name a patient. */
import { ReclmisError, type ReclmisErrorOptions, systemCode } from '@reclmis/core';

/** A failure that another attempt may mend. */
export class Passing extends ReclmisError {
  /** @param after milliseconds that the server asks to wait, or null */
  constructor(
    message: string,
    readonly after: number | null = null,
    options: ReclmisErrorOptions = {},
  ) {
    super('PACS_UNREACHABLE', message, options);
  }
}

const MEND: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);
const TLS = /^(?:CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|EPROTO)/;

/** The address of a PACS for messages: without what may be secret. */
export function shownAddress(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/$/, '')}`;
}

/** An answer's status outside 200 to 299. @param doing what was asked, without names: "finding series" */
export function statusFailure(response: Response, where: string, doing: string): ReclmisError {
  const { status } = response;
  const message = `${where}: ${doing}: answered ${status}`;
  if (status === 401 || status === 403 || status === 407)
    return new ReclmisError(
      'PACS_REFUSED',
      `${message} (${status === 403 ? 'not allowed' : 'who are you?'})`,
      {
        remedy: 'Give credentials that may do this: a token file, or a user with a password file.',
      },
    );
  if (status === 404 || status === 410) return new ReclmisError('PACS_MISSING', message);
  if (MEND.has(status))
    return new Passing(`${message} (busy or not available)`, retryAfter(response.headers.get('retry-after')));
  return new ReclmisError('PACS_FAILED', message);
}

/** What `fetch` or reading its answer threw. */
export function networkFailure(thrown: unknown, where: string, doing: string): ReclmisError {
  if (thrown instanceof ReclmisError) return thrown;
  const code = codeOf(thrown);
  if (TLS.test(code))
    return new ReclmisError('PACS_REFUSED', `${where}: ${doing}: no trusted connection (${code})`, {
      cause: thrown,
      remedy:
        'Check that the address begins with the right scheme and names the host of the certificate; NODE_EXTRA_CA_CERTS=FILE makes a hospital’s own certificate authority trusted.',
    });
  const why = code === '' ? 'the connection failed' : code;
  return new Passing(`${where}: ${doing}: ${why}`, null, { cause: thrown });
}

/** The first system code along the causes: Node's `fetch` wraps them, some in an AggregateError. */
function codeOf(thrown: unknown): string {
  for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
    const code = systemCode(error);
    if (/^[A-Z0-9_]+$/.test(code)) return code;
    if (error instanceof AggregateError) return codeOf(error.errors[0]);
  }
  return '';
}

/** Seconds or a date (RFC 9110, section 10.2.3), as milliseconds from now. */
function retryAfter(value: string | null): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

/** A redirect that is not followed: credentials go to the given host alone. */
export function redirectFailure(
  from: URL,
  location: string | null,
  where: string,
  doing: string,
): ReclmisError {
  const to = location !== null && URL.canParse(location, from) ? new URL(location, from) : null;
  const upgrade = to?.protocol === 'https:' && from.protocol === 'http:' && to.hostname === from.hostname;
  return new ReclmisError(
    'PACS_REFUSED',
    `${where}: ${doing}: refused a redirect ${upgrade ? 'to https:' : to === null ? '' : 'to another address'}`.trimEnd(),
    {
      remedy: upgrade
        ? 'Give the address with https: instead of http:.'
        : 'Give the address where the PACS really is; credentials are sent nowhere else.',
    },
  );
}
