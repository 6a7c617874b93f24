/** Refuses request heads that Node's parser accepts. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ReclmisError } from '@reclmis/core';
import { uriTooLong, versionUnsupported } from '../http-errors.js';

const LONGEST_PATH = 2_000;
const MOST_HEADERS = 200;

/** A refusal with its own status instead of its code's. */
export class HeadRefusal extends Error {
  constructor(
    readonly status: number,
    readonly error: ReclmisError,
  ) {
    super(error.message, { cause: error });
  }
}

/** Version, path length, number of headers, Host and Expect. @throws HeadRefusal */
export function checkHead({ httpVersion, url = '', rawHeaders, headers }: IncomingMessage): void {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') throw new HeadRefusal(...versionUnsupported());
  if (url.length > LONGEST_PATH) throw new HeadRefusal(...uriTooLong());
  if (rawHeaders.length > 2 * MOST_HEADERS)
    throw new HeadRefusal(
      431,
      new ReclmisError('REQUEST_TOO_LARGE', `the request has more than ${MOST_HEADERS} headers`, {
        remedy: 'Send fewer headers.',
      }),
    );
  // Older Nodes keep the space in the name: "Content-Length :" would be no Content-Length.
  if (rawHeaders.some((name, i) => i % 2 === 0 && /\s$/.test(name)))
    throw new HeadRefusal(
      400,
      new ReclmisError('REQUEST_INVALID', 'the request is not HTTP/1.1: a space before a header’s colon', {
        remedy: 'Send a complete request in HTTP/1.1, with each header’s colon right after its name.',
      }),
    );
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
    throw new HeadRefusal(
      400,
      new ReclmisError('REQUEST_INVALID', `expected the header Host once, got it ${hosts} times`, {
        remedy: 'Send the Host header with the server’s name and port.',
      }),
    );
  const { expect } = headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue')
    throw new HeadRefusal(
      417,
      new ReclmisError('REQUEST_INVALID', 'Expect: expected 100-continue, got another value', {
        remedy: 'Send Expect: 100-continue or omit the header.',
      }),
    );
}

const expecting = new WeakSet<IncomingMessage>();

export const noteExpectation = (request: IncomingMessage): void => void expecting.add(request);

export const waitsToSend = (request: IncomingMessage): boolean => expecting.has(request);

export function letSend(request: IncomingMessage, response: ServerResponse): void {
  if (expecting.delete(request)) response.writeContinue();
}
