/** Errors as answers: every code of the catalogue that a request can meet has its status; the body is {error, code, remedy}. */
import { type ErrorCode, ERRORS, ReclmisError } from '@reclmis/core';
import { systemCode } from '@reclmis/files';

/** What a client is told; `error` is where the Open Inference Protocol looks for the message. */
export interface ErrorBody {
  readonly error: string;
  readonly code: ErrorCode;
  readonly remedy: string;
}

/** Status of a client that left before its answer, in logs and metrics (nginx's number); nobody receives it. */
export const CLIENT_GONE = 499;

const STATUS: Partial<Record<ErrorCode, number>> = {
  REQUEST_INVALID: 400,
  REQUEST_TOO_LARGE: 413,
  REQUEST_UNSUPPORTED: 415,
  REQUEST_SLOW: 408,
  ROUTE_UNKNOWN: 404,
  TOKEN_INVALID: 401,
  NOTE_MISSING: 400,
  NOTE_EMPTY: 422,
  NOTE_INVALID: 422,
  NOTE_TOO_LONG: 413,
  IMAGE_MISSING: 400,
  IMAGE_UNREADABLE: 422,
  IMAGE_TOO_LARGE: 413,
  IMAGE_UNSUPPORTED: 415,
  SERVER_BUSY: 503,
  SERVER_STOPPING: 503,
  REQUEST_TIMEOUT: 503,
  INFERENCE_FAILED: 503,
  INTERRUPTED: CLIENT_GONE,
};

/** The status that answers an error of this code; 500 for what no request should meet. */
export const statusOf = (code: ErrorCode): number => STATUS[code] ?? 500;

const GONE = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR']);

/** Whatever was thrown while a request was answered, as a coded error. The words of foreign errors stay in the cause. */
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
  return new ReclmisError(
    'INTERNAL',
    'a defect of the server; its log has the details under the request’s id',
    { cause: error },
  );
}

/** What the client is told of an error. */
export function errorBody({ message, code, remedy }: ReclmisError): ErrorBody {
  return { error: message, code, remedy };
}

/** The whole answer, bytes on the wire, for what Node's parser refuses before there is a request. */
export function rawAnswer(nodeCode: string): string {
  const code: ErrorCode =
    nodeCode === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'REQUEST_SLOW'
      : nodeCode === 'HPE_HEADER_OVERFLOW'
        ? 'REQUEST_TOO_LARGE'
        : 'REQUEST_INVALID';
  const status =
    nodeCode === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'REQUEST_SLOW'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = JSON.stringify({ error: ERRORS[code].meaning, code, remedy: ERRORS[code].remedy });
  return (
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}
