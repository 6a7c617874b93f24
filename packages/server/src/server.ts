/** `createServer` wraps a model, `listen` opens the server, `stop` finishes accepted work and closes it. */
import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Pacs } from '@reclmis/clinical';
import { defined, habitsOf, type NoteStyle, ReclmisError, type Sides, styleFor } from '@reclmis/core';
import { oneLine, systemCode } from '@reclmis/files';
import type { Model } from '@reclmis/runtime';
import {
  fastify,
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { checkOrigins, isLoopback, type Tls } from './admission/access.js';
import { Batcher } from './admission/batcher.js';
import { readBody } from './admission/body.js';
import { checkHosts } from './admission/callers.js';
import { Connections, StoppableRequest } from './admission/connections.js';
import type { ServerContext } from './admission/context.js';
import { PAGE_POLICY, renderPage } from './routes/docs-page.js';
import { registerGuards, requestId } from './admission/guards.js';
import { noteExpectation } from './admission/head.js';
import {
  errorBody,
  HEAD,
  parserRefusal,
  pathInvalid,
  rawAnswer,
  statusOf,
  uriTooLong,
} from './http-errors.js';
import { Budget, type Limits, resolveLimits } from './admission/limits.js';
import { Methods } from './admission/methods.js';
import { Metrics } from './metrics.js';
import { PLAIN_SCHEMAS, registerOpenApi } from './routes/openapi.js';
import { Refusals } from './admission/refusals.js';
import { registerSegment } from './routes/segment-route.js';
import { registerV2 } from './v2/v2.js';
import { computeOn, type Result, type Work } from './admission/work.js';

export interface ServerOptions {
  /** As reported by /v2. */
  readonly version: string;
  /** Whose left and right notes mean. Default: as the model learnt. */
  readonly sides?: Sides;
  /** Whether free text is put into the model's words. Default: if its training notes are in a grammar that is known. */
  readonly noteStyle?: NoteStyle;
  readonly limits?: Partial<Limits>;
  /** Required of clients; null: none. */
  readonly token?: string | null;
  /** Origins whose pages may call. Default none. */
  readonly cors?: readonly string[];
  /** Served without a token besides this machine's, such as a proxy's. Default none. */
  readonly hosts?: readonly string[];
  readonly tls?: Tls | null;
  /** Whose series may be segmented, with results stored there. Default none: nothing goes out. */
  readonly pacs?: Pacs | null;
  /** Level of pino's log to standard output or `stream`. Default no log. */
  readonly log?: { readonly level: string; readonly stream?: { write(line: string): void } } | null;
}

export interface ReclmisServer {
  /** For further routes before `listen`, and `inject` in tests. */
  readonly app: FastifyInstance;
  /** Port 0 picks a free one. @returns its URL. @throws LISTEN_FAILED */
  listen(host: string, port: number): Promise<string>;
  /** Finishes accepted work, waiting at most `grace` milliseconds. Repeated calls return the same promise. */
  stop(grace?: number): Promise<void>;
}

/** Longer than load balancers' usual minute, so they close first. */
const KEEP_ALIVE = 65_000;
/** So that no connection holds its place for ever. */
const MOST_REQUESTS = 10_000;
/** Milliseconds for the head, and for the TLS handshake. */
const HEAD_TIMEOUT = 10_000;
/** Accepted beyond the limit, to be told so. */
const SPARE_CONNECTIONS = 64;
const LOOK = 1000;

/** `stop` does not dispose the model. @throws OPTION_INVALID */
export async function createServer(model: Model, options: ServerOptions): Promise<ReclmisServer> {
  const limits = resolveLimits(options.limits);
  const origins = checkOrigins(options.cors ?? []);
  const hosts = new Set(checkHosts(options.hosts ?? []));
  let addresses = false;
  let connections: Connections | null = null;
  const app = fastify({
    ...loggerOf(options.log ?? null),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: (request: IncomingMessage) => requestId(request.headers['x-request-id']),
    return503OnClosing: false, // closed by `stop`
    forceCloseConnections: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 200 },
    bodyLimit: limits.maxBytes,
    serverFactory: (handler) => {
      const server = openSockets(
        (request, response) => connections?.take(request, response),
        limits,
        options.tls ?? null,
        options.pacs ? Math.max(limits.timeout, limits.seriesTimeout) : limits.timeout,
      );
      connections = new Connections(server, handler, {
        max: limits.maxConnections,
        answerTimeout: limits.bodyTimeout,
        busy: () => rawAnswer([503, noRoom(limits)], 'Retry-After: 1\r\n'),
        onEnd: (reason) => {
          metrics.connectionEnded(reason);
          app.log.warn({ reason, connections: connections?.size }, 'ended a connection');
        },
      });
      return server;
    },
    clientErrorHandler: (error, socket) => {
      if (error.code === 'ECONNRESET') socket.destroy();
      else connections?.endWith(socket, rawAnswer(parserRefusal(error)));
    },
    frameworkErrors: (error, _request, reply) => {
      const [status, refusal] = error.code === 'FST_ERR_MAX_PARAM_LENGTH' ? uriTooLong() : pathInvalid();
      void (reply as FastifyReply)
        .code(status)
        .headers({ connection: 'close' })
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(errorBody(refusal)));
    },
  });
  styleFor(habitsOf(model.manifest), options.noteStyle); // refuses early
  let accepting = true;
  let inFlight = 0;
  let idle: (() => void) | null = null;
  const bytes = new Budget('bytes of bodies', limits.heldBytes);
  const pixels = new Budget('pixels', limits.heldPixels);
  const metrics = new Metrics(model.manifest, model.device, {
    queue: () => batcher.length,
    inFlight: () => inFlight,
    heldBytes: () => bytes.used,
    heldPixels: () => pixels.used,
    connections: () => connections?.size ?? 0,
  });
  const batcher = new Batcher<Work, Result>({
    run: computeOn(model, limits.maxPixels),
    maxQueue: limits.maxQueue,
    maxUnits: limits.maxBatch,
    maxCost: limits.maxPixels,
    wait: limits.batchWait,
    onBatch: ({ units, milliseconds }) => metrics.batch(units, milliseconds),
  });
  const refusals = new Refusals();
  const context: ServerContext = {
    model,
    version: options.version,
    ...defined({ sides: options.sides, noteStyle: options.noteStyle }),
    limits,
    batcher,
    refusals,
    metrics,
    bytes,
    pixels,
    accepting: () => accepting,
  };

  app.setValidatorCompiler(() => () => true); // the routes validate
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    readBody(payload, limits.maxBytes, bytes, request.holdings),
  );
  registerGuards(app, context, {
    token: options.token ?? null,
    origins,
    callers: () => ({ hosts, origins, addresses }),
    methods: new Methods(app),
    answering: (socket) => connections?.answering(socket),
    begun: () => (inFlight += 1),
    ended: () => {
      inFlight -= 1;
      if (inFlight === 0) idle?.();
    },
  });
  const token = (options.token ?? null) !== null;
  await registerOpenApi(app, { name: model.manifest.name, version: options.version, limits, token });
  registerSegment(app, context);
  if (options.pacs) (await import('./routes/series-route.js')).registerSeries(app, context, options.pacs);
  registerV2(app, context);
  app.get('/metrics', { schema: PLAIN_SCHEMAS.metrics }, async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get('/openapi.json', { schema: PLAIN_SCHEMAS.document }, () => app.swagger());
  app.get('/docs', { schema: PLAIN_SCHEMAS.page }, async (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', PAGE_POLICY)
      .send(renderPage(app.swagger(), !token)),
  );
  app.get('/', { schema: { hide: true } }, async (_, reply) => reply.redirect('docs'));
  await app.ready();

  let stopping: Promise<void> | null = null;
  const stop = async (grace: number): Promise<void> => {
    accepting = false;
    refusals.close();
    connections?.stop();
    if (inFlight > 0) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([
        new Promise<void>((resolve) => (idle = resolve)),
        new Promise<void>((resolve) => (timer = setTimeout(resolve, grace))),
      ]);
      clearTimeout(timer);
    }
    await app.close();
  };
  return {
    app,
    listen: async (host, port) => {
      addresses = !isLoopback(host);
      hosts.add(host.toLowerCase());
      try {
        await app.listen({ host, port });
        return addressOf(app, options.tls ? 'https' : 'http');
      } catch (error) {
        const why = {
          EADDRINUSE: 'another program is already listening there',
          EACCES: 'not allowed',
          EADDRNOTAVAIL: 'not an address of this machine',
        };
        const code = systemCode(error);
        const said = Object.hasOwn(why, code) ? why[code as keyof typeof why] : oneLine(error);
        throw new ReclmisError('LISTEN_FAILED', `${host}, port ${port}: ${said}`, { cause: error });
      }
    },
    stop: (grace = 30_000) => (stopping ??= stop(grace)),
  };
}

function addressOf(app: FastifyInstance, scheme: 'http' | 'https'): string {
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string')
    throw new ReclmisError('INTERNAL', 'the server is not listening');
  return `${scheme}://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

/** @param longest milliseconds that a request may take */
function openSockets(
  handler: Parameters<typeof createHttp>[1],
  limits: Limits,
  tls: Tls | null,
  longest: number,
): Server {
  const settings = {
    IncomingMessage: StoppableRequest,
    requestTimeout: limits.bodyTimeout,
    headersTimeout: Math.min(limits.bodyTimeout, HEAD_TIMEOUT),
    connectionsCheckingInterval: Math.min(LOOK, limits.bodyTimeout),
    keepAliveTimeout: KEEP_ALIVE,
    maxHeaderSize: HEAD,
    requireHostHeader: false, // Node's refusal has no body
    insecureHTTPParser: false, // whatever NODE_OPTIONS says
  };
  const server = tls
    ? createHttps({ ...settings, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HEAD_TIMEOUT }, handler)
    : createHttp(settings, handler);
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('checkContinue', (request, response) => {
    noteExpectation(request);
    server.emit('request', request, response);
  });
  server.on('connect', (_request, socket) => {
    const error = new ReclmisError(
      'METHOD_UNKNOWN',
      'expected a method other than CONNECT: this is not a proxy',
      {
        remedy: 'Use the server’s own address, without a proxy.',
      },
    );
    socket.end(rawAnswer([statusOf(error.code), error]));
  });
  server.maxHeadersCount = 0; // unlimited: `checkHead` refuses too many
  server.maxRequestsPerSocket = MOST_REQUESTS;
  server.maxConnections = limits.maxConnections + SPARE_CONNECTIONS;
  // For clients that do not read; waiting for the model is not silence.
  server.setTimeout(longest + limits.bodyTimeout + 10_000);
  return server;
}

const noRoom = ({ maxConnections }: Limits): ReclmisError =>
  new ReclmisError('SERVER_BUSY', `all ${maxConnections} connections are busy`);

function loggerOf(log: ServerOptions['log']): Pick<FastifyServerOptions, 'logger'> {
  if (!log) return { logger: false };
  const { level, stream } = log;
  return { logger: { level, base: null, ...(stream ? { stream } : {}) } };
}
