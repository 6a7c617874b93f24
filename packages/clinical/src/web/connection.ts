/**
 * Requests to one PACS over `fetch`, in Node and in browsers: credentials, time limits, further attempts, sizes.
 *
 * Only GET is tried again. Redirects are followed within the same origin alone, so credentials reach no other host.
 */
import { ReclmisError } from '@reclmis/core';
import { type Credentials, noCredentials } from './credentials.js';
import { networkFailure, Passing, redirectFailure, shownAddress, statusFailure } from './failures.js';
import { mediaType } from './multipart.js';
import { pause, Watch } from './watch.js';

export interface PacsOptions {
  /** Default none. */
  readonly credentials?: Credentials;
  /** Allows credentials over http: to other machines, where anyone on the way can read them. Default false. */
  readonly insecure?: boolean;
  /** Milliseconds until an answer begins. Default 30,000. */
  readonly timeout?: number;
  /** Milliseconds within which the next 16 KiB of an answer, or its end, must arrive. Default 30,000. */
  readonly silence?: number;
  /** Milliseconds for a whole answer. Default an hour. */
  readonly deadline?: number;
  /** Further attempts of a GET that failed for a reason that may pass. Default 3. */
  readonly retries?: number;
  /** Milliseconds before the second attempt; then doubled. Default 500. */
  readonly retryDelay?: number;
  /** Bytes of an answer in JSON. Default 64 MiB. */
  readonly jsonBytes?: number;
  /** Bytes of an instance. Default 1 GiB. */
  readonly instanceBytes?: number;
  /** Bytes of a series. Default 16 GiB. */
  readonly seriesBytes?: number;
  /** Ends everything with INTERRUPTED, or with its own reason if that is coded. */
  readonly signal?: AbortSignal;
  readonly onRetry?: (problem: string) => void;
}

export interface Ask {
  /** For messages: what is asked for, without names: "finding series". */
  readonly doing: string;
  /** Below the root, already escaped. */
  readonly path: string;
  readonly query?: string;
  readonly accept: string;
}

const MIB = 2 ** 20;
const DEFAULTS = {
  insecure: false,
  timeout: 30_000,
  silence: 30_000,
  deadline: 3_600_000,
  retries: 3,
  retryDelay: 500,
  jsonBytes: 64 * MIB,
  instanceBytes: 1024 * MIB,
  seriesBytes: 16 * 1024 * MIB,
};
/** Milliseconds; a server that asks for more gets no further attempt. */
const LONGEST_WAIT = 60_000;
const MOST_REDIRECTS = 3;
/** Bytes that must arrive within `silence`. */
const FLOOR = 16 * 1024;

/** Bytes a second at which a body must go out. */
const SLOWEST = 64 * 1024;

/** An answer whose chunks must be read, or returned unread. */
export interface PacsAnswer {
  readonly status: number;
  /** In lower case, without parameters. */
  readonly type: string;
  readonly headers: Headers;
  /** To be read once; ends or fails, never hangs. */
  readonly chunks: AsyncGenerator<Uint8Array>;
}

/** The address of a DICOMweb root. @throws OPTION_INVALID */
export function parsePacsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ReclmisError('OPTION_INVALID', 'the PACS’s address: expected an https: or http: URL', {
      remedy: 'Give the DICOMweb root, such as https://pacs.example/dicom-web.',
    });
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new ReclmisError(
      'OPTION_INVALID',
      'the PACS’s address: expected none with user, password, query or fragment',
      { remedy: 'Give credentials by a file: see the options for a token and for a user.' },
    );
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

export class PacsConnection {
  readonly options: Required<Omit<PacsOptions, 'signal' | 'onRetry'>> & PacsOptions;
  /** The root for messages. */
  readonly where: string;
  private readonly root: URL;

  /** @throws OPTION_INVALID */
  constructor(url: string, options: PacsOptions = {}) {
    this.root = parsePacsUrl(url);
    this.where = shownAddress(this.root);
    this.options = { credentials: noCredentials, ...DEFAULTS, ...options };
  }

  /** A successful answer to a GET, which is tried again; reading its chunks is not. */
  get(ask: Ask): Promise<PacsAnswer> {
    return this.again(ask.doing, () => this.once(ask));
  }

  /** The same without further attempts, for those who make them with `again`. */
  once(ask: Ask): Promise<PacsAnswer> {
    return this.send('GET', ask);
  }

  /** The whole text of an answer to a GET, tried again as a whole. @param types media types that are expected */
  text(
    ask: Ask,
    types: readonly string[],
  ): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
    return this.again(ask.doing, async () => {
      const answer = await this.send('GET', ask);
      const text = await this.textOf(answer, ask.doing, types);
      return { status: answer.status, text, headers: answer.headers };
    });
  }

  /** One POST, never repeated. Statuses in `also` are answers too. */
  post(ask: Ask, body: Blob, contentType: string, also: readonly number[]): Promise<PacsAnswer> {
    return this.send('POST', ask, { body, contentType, also });
  }

  /** Reads an answer that must be text. @throws PACS_INVALID for other types and too many bytes */
  async textOf(answer: PacsAnswer, doing: string, types: readonly string[]): Promise<string> {
    const { jsonBytes } = this.options;
    const decoder = new TextDecoder();
    let [text, length] = ['', 0];
    for await (const chunk of answer.chunks) {
      length += chunk.length;
      if (length > jsonBytes)
        throw new ReclmisError(
          'PACS_INVALID',
          `${this.where}: ${doing}: the answer exceeds ${jsonBytes} bytes`,
          {
            remedy: 'Ask for less at a time.',
          },
        );
      text += decoder.decode(chunk, { stream: true });
    }
    text += decoder.decode();
    if (text.trim() !== '' && !types.includes(answer.type)) throw this.unexpected(answer, doing, types);
    return text;
  }

  unexpected(answer: PacsAnswer, doing: string, types: readonly string[]): ReclmisError {
    const got = /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}$/.test(answer.type) ? answer.type : 'another type';
    return new ReclmisError(
      'PACS_INVALID',
      `${this.where}: ${doing}: expected ${types[0] ?? 'no text'}, got ${got}`,
    );
  }

  /** Tries again what fails for a reason that may pass. */
  async again<T>(doing: string, attempt: () => Promise<T>): Promise<T> {
    const { retries, retryDelay, onRetry, signal } = this.options;
    for (let failures = 0; ;) {
      try {
        return await attempt();
      } catch (thrown) {
        const failure = this.asFailure(thrown, doing);
        if (!(failure instanceof Passing)) throw failure;
        failures += 1;
        const wait = failure.after ?? retryDelay * 2 ** (failures - 1) * (0.75 + Math.random() / 2);
        if (failures > retries || wait > LONGEST_WAIT) throw failure;
        onRetry?.(failure.message);
        await pause(wait, signal);
        if (signal?.aborted === true) throw stopped(signal);
      }
    }
  }

  private asFailure(thrown: unknown, doing: string): ReclmisError {
    const { signal } = this.options;
    return signal?.aborted === true ? stopped(signal) : networkFailure(thrown, this.where, doing);
  }

  /** One request, with redirects inside the origin. */
  private async send(
    method: 'GET' | 'POST',
    { doing, path, query = '', accept }: Ask,
    sent?: { readonly body: Blob; readonly contentType: string; readonly also: readonly number[] },
  ): Promise<PacsAnswer> {
    const { signal, timeout, deadline } = this.options;
    if (signal?.aborted === true) throw stopped(signal);
    const headers = await this.headers(accept);
    if (sent) headers['Content-Type'] = sent.contentType;
    const late = (what: string): Passing => new Passing(`${this.where}: ${doing}: ${what}`);
    const watch = new Watch(signal);
    watch.after(deadline, () => late(`the answer was not complete within ${deadline / 1000} s`));
    const limit = timeout + (sent ? (sent.body.size / SLOWEST) * 1000 : 0);
    const stop = watch.after(limit, () => late(`no answer within ${Math.ceil(limit / 1000)} s`));
    let handedOver = false;
    try {
      let url = new URL(`${path}${query === '' ? '' : `?${query}`}`, this.root);
      for (let redirects = 0; ; redirects++) {
        const response = await fetch(url, {
          method,
          headers,
          redirect: 'manual',
          cache: 'no-store',
          credentials: 'omit',
          signal: watch.signal,
          ...(sent ? { body: sent.body } : {}),
        });
        if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
          await response.body?.cancel();
          const location = response.headers.get('location');
          const to = location !== null && URL.canParse(location, url) ? new URL(location, url) : null;
          if (to?.origin !== this.root.origin || sent || redirects >= MOST_REDIRECTS)
            throw redirectFailure(url, location, this.where, doing);
          url = to;
          continue;
        }
        stop();
        if (!response.ok && sent?.also.includes(response.status) !== true) {
          await response.body?.cancel();
          throw statusFailure(response, this.where, doing);
        }
        handedOver = true;
        return {
          status: response.status,
          type: mediaType(response.headers.get('content-type')),
          headers: response.headers,
          chunks: this.chunks(response, watch, doing, late),
        };
      }
    } catch (thrown) {
      throw watch.signal.aborted ? this.asFailure(watch.signal.reason, doing) : this.asFailure(thrown, doing);
    } finally {
      if (!handedOver) watch.end();
    }
  }

  private async headers(accept: string): Promise<Record<string, string>> {
    const { credentials, insecure } = this.options;
    const authorization = await credentials();
    if (authorization === null) return { Accept: accept };
    if (this.root.protocol === 'http:' && !insecure && !isThisMachine(this.root.hostname))
      throw new ReclmisError(
        'OPTION_INVALID',
        `${this.where}: would send credentials in clear text over the network`,
        { remedy: 'Use an https: address, or allow it with --insecure if something else protects the way.' },
      );
    return { Accept: accept, Authorization: authorization };
  }

  private async *chunks(
    response: Response,
    watch: Watch,
    doing: string,
    late: (what: string) => Passing,
  ): AsyncGenerator<Uint8Array> {
    const { silence } = this.options;
    const reader = response.body?.getReader();
    let [waited, received] = [0, 0];
    try {
      while (reader) {
        // Only waiting counts: the caller may take its time with what has arrived.
        const start = performance.now();
        const stop = watch.after(Math.max(1, silence - waited), () =>
          late(`the answer came to a standstill for ${silence / 1000} s`),
        );
        const next = await reader.read().finally(stop);
        if (next.done) return;
        waited += performance.now() - start;
        received += next.value.length;
        if (received >= FLOOR) [waited, received] = [0, 0];
        yield next.value;
      }
    } catch (thrown) {
      throw watch.signal.aborted ? this.asFailure(watch.signal.reason, doing) : this.asFailure(thrown, doing);
    } finally {
      watch.end();
      await reader?.cancel().catch(() => undefined); // the first failure is reported
    }
  }
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Why the caller ended it. */
function stopped(signal: AbortSignal): ReclmisError {
  const reason: unknown = signal.reason;
  return reason instanceof ReclmisError
    ? reason
    : new ReclmisError('INTERRUPTED', 'the exchange with the PACS was stopped');
}
