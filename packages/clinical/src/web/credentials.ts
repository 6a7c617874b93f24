/** How a client identifies itself to a PACS: not at all, by HTTP's basic scheme (RFC 7617), or by a bearer token (RFC 6750). */
import { ReclmisError } from '@reclmis/core';

/** Returns the Authorization header's value, or null for none. Asked before each request, so a renewed token is used at once. */
export type Credentials = () => Promise<string | null> | string | null;

/** A secret, or how to get its present value. */
export type Secret = string | (() => Promise<string> | string);

export const noCredentials: Credentials = () => null;

/**
 * @param user without a colon, which separates it from the password
 * @throws OPTION_INVALID, also when asked, for what cannot be sent
 */
export function basicCredentials(user: string, password: Secret): Credentials {
  if (user === '' || user.includes(':') || hasControls(user))
    throw new ReclmisError('OPTION_INVALID', 'the PACS’s user: expected a name without colons');
  return async () => {
    const secret = await valueOf(password);
    if (hasControls(secret))
      throw new ReclmisError('OPTION_INVALID', 'the PACS’s password: expected no control characters');
    return `Basic ${base64(`${user}:${secret}`)}`;
  };
}

/** @throws OPTION_INVALID when asked, unless the token is of visible ASCII characters */
export function bearerCredentials(token: Secret): Credentials {
  return async () => {
    const secret = await valueOf(token);
    if (!/^[!-~]+$/.test(secret))
      throw new ReclmisError(
        'OPTION_INVALID',
        'the PACS’s token: expected visible ASCII characters on one line',
      );
    return `Bearer ${secret}`;
  };
}

const valueOf = async (secret: Secret): Promise<string> =>
  typeof secret === 'string' ? secret : await secret();

const hasControls = (text: string): boolean => /\p{Cc}/u.test(text);

/** Base64 of UTF-8; `btoa` takes one byte a character. */
function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
