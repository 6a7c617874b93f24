/**
 * The connections of a server: their number, and what each may have in progress.
 *
 * One request per connection is processed at a time. Node delivers everything that a client pipelined, and emits neither
 * 'finish' nor 'close' for a response queued behind another whose connection ends; here such a response is never
 * started, so everything started also ends. A client that does not read its response delays its own next request, and is
 * dropped after a while. Few requests may wait; a client that sends many more is cut off. A full server closes the
 * longest idle connection, so nobody keeps others out by connecting.
 */
import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on a connection; further ones are dropped, and the connection closes after the last waiting one is answered. */
const WAITING = 16;
/** Dropped requests after which a connection is cut off at once: Node keeps them until it closes. */
const FLOOD = 16;
/** Milliseconds of silence allowed during shutdown before a client is no longer waited for. */
const SILENCE = 600;

/** Why the server closed a connection. */
export type EndReason = 'idle' | 'full' | 'flood' | 'answer_not_taken';

export interface ConnectionsOptions {
  readonly max: number;
  /** Milliseconds in which a client has to read its response. */
  readonly answerTimeout: number;
  /** The complete response, as bytes, for a connection that finds no room. */
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
 * Node's request, except that the parser stops at those of a socket that was cut off, as for an upgrade to another
 * protocol. Otherwise it would parse thousands of requests for nobody. If a later Node no longer asks, only that time is
 * lost.
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
  /** Whether the response to `current` is on its way to the client. */
  answering = false;
  waiting: Exchange[] = [];
  dropped = 0;
  /** Closes the connection after the responses in progress. */
  farewell: string | null = null;
  timer: NodeJS.Timeout | undefined;
  /** The remote end. */
  readonly address: string | undefined;
  readonly port: number | undefined;

  /** @param socket source of the bytes: under TLS the decrypted one, once it exists */
  constructor(public socket: Socket) {
    this.address = socket.remoteAddress;
    this.port = socket.remotePort;
  }
}

export class Connections {
  private readonly all = new Set<Connection>();
  /** Connections without work, longest idle first. */
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

  /** Replaces an encrypted socket by its decrypted one, which has the same remote end. */
  private addSecure(socket: Socket): void {
    for (const connection of this.all) {
      if (connection.port !== socket.remotePort || connection.address !== socket.remoteAddress) continue;
      connection.socket = socket;
      this.bySocket.set(socket, connection);
      socket.once('close', () => this.forget(connection));
      return;
    }
  }

  /** Processes a request once those before it on its connection have been answered. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.bySocket.get(request.socket);
    if (!connection) return; // found no room, and has been told so
    const exchange = { request, response };
    const last = connection.waiting.at(-1);
    if (connection.dropped === 0 && connection.current === null) this.begin(connection, exchange);
    else if (connection.dropped === 0 && connection.waiting.length < WAITING)
      connection.waiting.push(exchange);
    else {
      if (last) last.response.shouldKeepAlive = false; // tells the client, and closes the connection afterwards
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
    response.once('finish', ended).once('close', ended); // Node has turned to the next answer when it says 'finish'
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

  /** Called when the response has been written and the client has to read it. */
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

  /** Sends a last response on a connection whose bytes are not a valid request, after those in progress, and closes it. */
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
   * Shuts down: work in progress is finished. Connections without a request close now, those whose client has to send or
   * read something close as soon as they are silent for a moment, and waiting requests are not started.
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

/** Closes a connection once nothing moves in either direction for a moment. */
function endInSilence(socket: Socket): void {
  socket.setTimeout(SILENCE, () => socket.destroy());
}
