/**
 * What happens around every route: id, metrics, one log line, origin and host, token, shutdown, refusals by
 * headers alone. The log names routes, never queries, notes or images.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { defined, type ErrorCode, ReclmisError } from '@reclmis/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { tokenCheck } from './access.js';
import { Holdings, tooLarge } from './body.js';
import { type CallerRules, checkCaller } from './callers.js';
import type { ServerContext } from './context.js';
import { checkHead, HeadRefusal, letSend, waitsToSend } from './head.js';
import { CLIENT_GONE, errorBody, statusOf, toRequestError } from '../http-errors.js';
import type { Methods } from './methods.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Refused when the queue is full or the server stops. */
    work?: boolean;
    /** Needs no token: probed by orchestrators. */
    open?: boolean;
  }
  interface FastifyRequest {
    holdings: Holdings;
    /** Only for routes that compute. */
    place?: Disposable;
  }
}

/**
 * After an early refusal, a declared body of up to this many times the limit is read and discarded. Many
 * clients, including Python's, send all of it before they listen; closing would hide the response.
 */
const DRAINED = 4;

/** Milliseconds; slower requests lose their place and need room on arrival. */
const PLACE_KEPT = 5000;

const ENDING = new Set([401, 403, 413]);

export interface GuardOptions {
  readonly token: string | null;
  readonly origins: ReadonlySet<string>;
  readonly callers: () => CallerRules;
  readonly methods: Methods;
  readonly answering: (socket: Socket) => void;
  readonly begun: () => void;
  readonly ended: () => void;
}

/** The client's if well-formed, else a new one. */
export function requestId(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w.-]{1,64}$/.test(header) ? header : randomUUID();
}

const routeOf = (request: FastifyRequest): string =>
  request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');

export function registerGuards(app: FastifyInstance, context: ServerContext, options: GuardOptions): void {
  const authorised = options.token === null ? null : tokenCheck(options.token);
  const codes = new WeakMap<FastifyRequest, ErrorCode>();
  const { methods } = options;

  const follow = (request: FastifyRequest, reply: FastifyReply): void => {
    const begun = performance.now();
    options.begun();
    const { socket } = request.raw;
    let open = true;
    let sent = false;
    const end = (): void => {
      if (!open) return;
      open = false;
      socket.removeListener('close', end);
      options.ended();
      request.holdings.close();
      const ms = performance.now() - begun;
      const status = sent ? reply.raw.statusCode : CLIENT_GONE;
      const code = codes.get(request) ?? (status === CLIENT_GONE ? 'INTERRUPTED' : undefined);
      const route = routeOf(request);
      context.metrics.answered(request.method, route, status, ms / 1000);
      if (code !== undefined) context.metrics.refusal(code);
      request.log.info(
        {
          method: request.method,
          route,
          status,
          ms: Math.round(ms),
          ...defined({ code }),
        },
        'answered',
      );
    };
    // Before Node ends the socket; 'finish' is also emitted for a lost response.
    reply.raw.prependOnceListener('finish', () => {
      sent = !socket.destroyed;
      end();
    });
    reply.raw.once('close', end);
    socket.once('close', end);
  };

  app.addHook('onRequest', async (request, reply) => {
    request.holdings = new Holdings();
    follow(request, reply);
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    const { config } = request.routeOptions;
    if (!context.accepting()) reply.header('connection', 'close');
    checkHead(request.raw);
    const safe = request.method === 'GET' || request.method === 'HEAD';
    if (authorised === null) checkCaller(request.headers, options.callers(), safe);
    if (crossOrigin(request, reply, options.origins)) return reply.code(204).send();
    if (authorised && config.open !== true && !authorised(request.headers.authorization))
      throw new ReclmisError('TOKEN_INVALID', 'the request has no token or the wrong one');
    if (request.is404) {
      const allowed = methods.of(request.url);
      if (allowed === null) throw new ReclmisError('ROUTE_UNKNOWN', 'there is no such route');
      reply.header('allow', allowed);
      if (request.method === 'OPTIONS') return reply.code(204).send();
      throw new ReclmisError('METHOD_UNKNOWN', `expected one of the methods ${allowed}, got another`);
    }
    checkHeaders(request);
    if (config.work === true) admit(request);
    letSend(request.raw, reply.raw);
    return undefined;
  });

  app.addHook('onSend', async (request, _reply, payload) => {
    const bytes =
      typeof payload === 'string'
        ? Buffer.byteLength(payload)
        : Buffer.isBuffer(payload)
          ? payload.length
          : 0;
    request.holdings.add(context.bytes.hold(bytes));
    options.answering(request.raw.socket);
    return payload;
  });

  /** Before the body is read, so bursts are refused unread. */
  const admit = (request: FastifyRequest): void => {
    if (!context.accepting()) throw new ReclmisError('SERVER_STOPPING', 'the server is shutting down');
    const place = context.batcher.place();
    const timer = setTimeout(() => {
      if (!request.raw.complete) place[Symbol.dispose]();
    }, PLACE_KEPT).unref();
    request.place = place;
    request.holdings.add(() => {
      clearTimeout(timer);
      place[Symbol.dispose]();
    });
  };

  const checkHeaders = ({ headers }: FastifyRequest): void => {
    const length = Number(headers['content-length'] ?? 0);
    if (length > context.limits.maxBytes) throw tooLarge(`${length} bytes`, context.limits.maxBytes);
    if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
      throw new ReclmisError('REQUEST_UNSUPPORTED', 'the body is compressed');
  };

  app.setErrorHandler(async (thrown, request, reply) => {
    const head = thrown instanceof HeadRefusal ? thrown : null;
    const error = head?.error ?? toRequestError(thrown);
    const status = head?.status ?? statusOf(error.code);
    codes.set(request, error.code);
    if (error.code === 'SERVER_BUSY') await context.refusals.wait(reply.raw);
    if (status === 500) request.log.error({ err: error.cause ?? error }, 'a defect');
    else if (error.code === 'INFERENCE_FAILED') request.log.error({ err: error }, 'the model failed');
    if (status === 401) reply.header('www-authenticate', 'Bearer realm="reclmis"');
    if (status === 503) reply.header('retry-after', String(context.batcher.retryAfter));
    const unread = request.raw.complete
      ? 0
      : Number(
          request.headers['content-length'] ??
            (request.headers['transfer-encoding'] === undefined ? 0 : Infinity),
        );
    const tooMuch = unread > DRAINED * context.limits.maxBytes;
    // A client told to retry keeps its connection; Node reads the body after the response.
    if (head || ENDING.has(status) || tooMuch || (unread > 0 && status !== 503))
      reply.header('connection', 'close');
    const ends = reply.hasHeader('connection') || !reply.raw.shouldKeepAlive;
    if (unread > 0 && !tooMuch && ends && !waitsToSend(request.raw)) await drain(request.raw);
    // Also for a disconnected client, so the request ends wherever it is counted.
    return reply
      .code(status === CLIENT_GONE ? 400 : status)
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(errorBody(error)));
  });
}

function drain(payload: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (payload.destroyed) resolve();
    payload.once('end', resolve).once('close', resolve).resume();
  });
}

/** True if it was a preflight, now answered. */
function crossOrigin(request: FastifyRequest, reply: FastifyReply, origins: ReadonlySet<string>): boolean {
  if (origins.size === 0) return false;
  reply.header('vary', 'Origin');
  const { origin } = request.headers;
  if (origin === undefined || !origins.has(origin)) return false;
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-expose-headers':
      'Inference-Header-Content-Length, Reclmis-Warnings, Retry-After, Server-Timing, X-Request-Id',
  });
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  reply.headers({
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers':
      'Authorization, Content-Type, Inference-Header-Content-Length, X-Request-Id',
    'access-control-max-age': '600',
  });
  return true;
}
