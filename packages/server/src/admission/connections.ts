/**
 * The connections of a server: how many, and what each may have in progress.
 *
 * One request per connection is processed at a time. Node delivers all pipelined requests, and emits neither
 * 'finish' nor 'close' for a queued response whose connection ends; such a response is never started here, so
 * everything started also ends. A client that does not read its response delays its own next request and is
 * eventually dropped; one that pipelines too much is cut off. A full server closes the longest idle
 * connection, so nobody keeps others out by connecting.
 */
import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Per connection; further ones are dropped, and it closes after the last response. */
const WAITING = 16;
/** Dropped requests before a connection is cut off: Node keeps them until it closes. */
const FLOOD = 16;
/** Milliseconds for which a shutdown waits for a silent client. */
const SILENCE = 600;

export type EndReason = 'idle' | 'full' | 'flood' | 'answer_not_taken';

export interface ConnectionsOptions {
  readonly max: number;
  /** Milliseconds for a client to read its response. */
  readonly answerTimeout: number;
  /** The complete response, as bytes, if there is no room. */
  readonly busy: () => string;
  readonly onEnd: (reason: EndReason) => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const cut = new WeakSet<Socket>();

/**
 * Makes the parser stop at a socket that was cut off, as if for a protocol upgrade; it would otherwise parse
 * thousands of requests for nobody. If a later Node does not ask, only time is lost.
 */
export class StoppableRequest extends IncomingMessage {
  private upgrades: boolean | null = null;

  get upgrade(): boolean | null {
    return cut.has(this.socket) || this.upgrades;
  }

  set upgrade(value: boolean | null) {
    this.upgrades = value;
  }
}

class Connection {
  current: Exchange | null = null;
  answering = false;
  waiting: Exchange[] = [];
  dropped = 0;
  farewell: string | null = null;
  timer: NodeJS.Timeout | undefined;
  readonly address: string | undefined;
  readonly port: number | undefined;

  /** @param socket under TLS the decrypted one, once it exists */
  constructor(public socket: Socket) {
    this.address = socket.remoteAddress;
    this.port = socket.remotePort;
  }
}

export class Connections {
  private readonly all = new Set<Connection>();
  /** Longest idle first. */
  private readonly idle = new Set<Connection>();
  private readonly bySocket = new WeakMap<Socket, Connection>();
  private stopping = false;

  constructor(
    private readonly server: Server,
    private readonly handler: Handler,
    private readonly options: ConnectionsOptions,
  ) {
    server.on('connection', (socket: Socket) => this.add(socket));
    server.on('secureConnection', (socket: Socket) => this.addSecure(socket));
  }

  get size(): number {
    return this.all.size;
  }

  private add(socket: Socket): void {
    if (this.all.size >= this.options.max) {
      const [longest] = this.idle;
      if (!longest) {
        this.options.onEnd('full');
        if ('setSecureContext' in this.server) socket.destroy();
        else socket.end(this.options.busy(), () => socket.destroySoon());
        return;
      }
      this.end(longest, 'idle');
      this.forget(longest);
    }
    const connection = new Connection(socket);
    this.bySocket.set(socket, connection);
    this.all.add(connection);
    this.idle.add(connection);
    socket.once('close', () => this.forget(connection));
  }

  private forget(connection: Connection): void {
    clearTimeout(connection.timer);
    connection.waiting = [];
    this.all.delete(connection);
    this.idle.delete(connection);
  }

  private addSecure(socket: Socket): void {
    for (const connection of this.all) {
      if (connection.port !== socket.remotePort || connection.address !== socket.remoteAddress) continue;
      connection.socket = socket;
      this.bySocket.set(socket, connection);
      socket.once('close', () => this.forget(connection));
      return;
    }
  }

  /** After those before it on its connection. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.bySocket.get(request.socket);
    if (!connection) return;
    const exchange = { request, response };
    const last = connection.waiting.at(-1);
    if (connection.dropped === 0 && connection.current === null) this.begin(connection, exchange);
    else if (connection.dropped === 0 && connection.waiting.length < WAITING)
      connection.waiting.push(exchange);
    else {
      if (last) last.response.shouldKeepAlive = false; // Node tells the client, and closes afterwards.
      connection.dropped += 1;
      if (connection.dropped === FLOOD) this.end(connection, 'flood');
    }
  }

  private begin(connection: Connection, exchange: Exchange): void {
    connection.current = exchange;
    this.idle.delete(connection);
    const { response } = exchange;
    const ended = (): void => {
      if (connection.current === exchange) this.next(connection);
    };
    response.once('finish', ended).once('close', ended);
    this.handler(exchange.request, response);
  }

  private next(connection: Connection): void {
    const { socket } = connection;
    clearTimeout(connection.timer);
    connection.current = null;
    connection.answering = false;
    const open = socket.writable && !socket.destroyed;
    const exchange = open && !this.stopping ? connection.waiting.shift() : undefined;
    if (exchange) {
      this.begin(connection, exchange);
      return;
    }
    connection.waiting = [];
    if (this.all.has(connection)) this.idle.add(connection);
    if (open && connection.farewell !== null) this.sayFarewell(socket, connection.farewell);
    else if (open && this.stopping) socket.destroySoon();
  }

  answering(socket: Socket): void {
    const connection = this.bySocket.get(socket);
    if (!connection?.current || connection.answering) return;
    connection.answering = true;
    connection.timer = setTimeout(
      () => this.end(connection, 'answer_not_taken'),
      this.options.answerTimeout,
    ).unref();
    if (this.stopping) endInSilence(connection.socket);
  }

  /** After the responses in progress; closes the connection. */
  endWith(socket: Socket, answer: string): void {
    const connection = this.bySocket.get(socket);
    const current = connection?.current;
    if (connection && current?.request.complete && !socket.destroyed) {
      connection.farewell = answer;
    } else if (!socket.writable || current?.response.headersSent) socket.destroy();
    else this.sayFarewell(socket, answer);
  }

  private sayFarewell(socket: Socket, answer: string): void {
    socket.end(answer, () => socket.destroySoon());
    endInSilence(socket); // in case the client does not read
  }

  private end(connection: Connection, reason: EndReason): void {
    if (connection.socket.destroyed) return;
    cut.add(connection.socket);
    this.options.onEnd(reason);
    connection.socket.destroy();
  }

  /**
   * Finishes work in progress and starts no waiting request. Connections without a request close now, the
   * others after a moment of silence.
   */
  stop(): void {
    this.stopping = true;
    for (const connection of this.all) {
      const { current, socket } = connection;
      connection.waiting = [];
      if (!current) socket.destroySoon();
      else if (connection.answering || !current.request.complete) endInSilence(socket);
    }
  }
}

function endInSilence(socket: Socket): void {
  socket.setTimeout(SILENCE, () => socket.destroy());
}
