/** Errors as HTTP responses: each code has its status; the body is {error, code, remedy}. */
import { STATUS_CODES } from 'node:http';
import { type ErrorCode, ERRORS, ReclmisError } from '@reclmis/core';
import { systemCode } from '@reclmis/files';

/** The Open Inference Protocol expects the message in `error`. */
export interface ErrorBody {
  readonly error: string;
  readonly code: ErrorCode;
  readonly remedy: string;
}

/** nginx's status for a client that disconnected first; only for logs and metrics. */
export const CLIENT_GONE = 499;

const STATUS: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  REQUEST_UNSUPPORTED: 415,
  ACCEPT_UNSUPPORTED: 406,
  REQUEST_SLOW: 408,
  ROUTE_UNKNOWN: 404,
  METHOD_UNKNOWN: 405,
  TOKEN_INVALID: 401,
  HOST_REFUSED: 403,
  ORIGIN_REFUSED: 403,
  NOTE_MISSING: 400,
  NOTE_EMPTY: 422,
  NOTE_INVALID: 422,
  NOTE_TOO_LONG: 413,
  IMAGE_MISSING: 400,
  IMAGE_UNREADABLE: 422,
  IMAGE_TOO_LARGE: 413,
  IMAGE_UNSUPPORTED: 415,
  IMAGE_WINDOW_UNKNOWN: 422,
  SERVER_BUSY: 503,
  SERVER_STOPPING: 503,
  REQUEST_TIMEOUT: 503,
  INFERENCE_FAILED: 503,
  PACS_MISSING: 404,
  PACS_REFUSED: 502,
  PACS_FAILED: 502,
  PACS_INVALID: 502,
  PACS_UNREACHABLE: 502,
  INTERRUPTED: CLIENT_GONE,
};

/** The status for an error code; 500 for codes no request should meet. */
export const statusOf = (code: ErrorCode): number => STATUS[code] ?? 500;

const GONE = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);

/** Converts anything thrown to a coded error; messages of foreign errors stay in the cause. */
export function toRequestError(error: unknown): ReclmisError {
  if (error instanceof ReclmisError) return error;
  if (GONE.has(systemCode(error)))
    return new ReclmisError('INTERRUPTED', 'the client closed the connection', { cause: error });
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    const code =
      status === 413
        ? 'REQUEST_TOO_LARGE'
        : status === 415
          ? 'REQUEST_UNSUPPORTED'
          : status === 404
            ? 'ROUTE_UNKNOWN'
            : 'REQUEST_INVALID';
    return new ReclmisError(code, ERRORS[code].meaning, { cause: error });
  }
  return new ReclmisError('INTERNAL', 'a bug in the server; its log has the details under the request’s id', {
    cause: error,
  });
}

export function errorBody({ message, code, remedy }: ReclmisError): ErrorBody {
  return { error: message, code, remedy };
}

export interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
  readonly rawPacket?: unknown;
}

/** Largest request head, bytes. */
export const HEAD = 16 * 1024;
const TLS_HANDSHAKE = 0x16;

/** Status and error for bytes that Node's parser rejects. */
export function parserRefusal({ code = '', reason, rawPacket }: ParserError): [number, ReclmisError] {
  const bytes = rawPacket instanceof Uint8Array ? rawPacket : new Uint8Array(0);
  const refusal = (
    status: number,
    kind: ErrorCode,
    message: string,
    remedy?: string,
  ): [number, ReclmisError] => [
    status,
    new ReclmisError(kind, message, remedy === undefined ? {} : { remedy }),
  ];
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return refusal(408, 'REQUEST_SLOW', ERRORS.REQUEST_SLOW.meaning);
    case 'HPE_HEADER_OVERFLOW':
      return isOneLine(bytes)
        ? uriTooLong()
        : refusal(
            431,
            'REQUEST_TOO_LARGE',
            `the request’s headers exceed ${HEAD} bytes`,
            'Send fewer and shorter headers, for example without cookies; put long content in the body.',
          );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return refusal(
        413,
        'REQUEST_TOO_LARGE',
        'the chunk extensions of the body are too long',
        'Send chunks without extensions, or the body with a Content-Length.',
      );
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return versionUnsupported();
    default:
      return bytes[0] === TLS_HANDSHAKE
        ? refusal(
            400,
            'REQUEST_INVALID',
            'expected HTTP, got TLS',
            'Use http:// instead of https://, or start the server with --tls-cert and --tls-key.',
          )
        : refusal(
            400,
            'REQUEST_INVALID',
            `the request is not HTTP/1.1: ${reason ?? 'the connection ended in the middle'}`,
            'Send a complete request in HTTP/1.1, with one Content-Length or in chunks.',
          );
  }
}

export const uriTooLong = (): [number, ReclmisError] => [
  414,
  new ReclmisError('REQUEST_TOO_LARGE', 'the path of the request is too long', {
    remedy: 'Use one of the paths in /openapi.json; put long content in the body.',
  }),
];

export const pathInvalid = (): [number, ReclmisError] => [
  400,
  new ReclmisError('REQUEST_INVALID', 'the path of the request cannot be decoded', {
    remedy: 'Use one of the paths in /openapi.json; write a % in a path as %25.',
  }),
];

export const versionUnsupported = (): [number, ReclmisError] => [
  400,
  new ReclmisError('REQUEST_INVALID', 'expected HTTP version 1.1 or 1.0, got another', {
    remedy: 'Use HTTP/1.1, or put a proxy in front that speaks the client’s version.',
  }),
];

/** Whether bytes begin a request with an incomplete first line. */
const isOneLine = (bytes: Uint8Array): boolean =>
  /^[A-Z]+ [^\s]+$/.test(Buffer.from(bytes.subarray(0, HEAD)).toString('latin1'));

/** A complete response, as bytes for a connection that then closes. */
export function rawAnswer([status, error]: readonly [number, ReclmisError], more = ''): string {
  const body = JSON.stringify(errorBody(error));
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n${more}Connection: close\r\n\r\n${body}`
  );
}
