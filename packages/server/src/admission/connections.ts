/**
 * The connections of a server: how many there are, and what each may have under way.
 *
 * One request of a connection is worked on at a time. Node hands over all that a client pipelined, and says neither 'finish' nor 'close' of an answer that
 * waits behind another whose connection ends; here such an answer is not begun, so that all that is begun also ends. A client that does not take its
 * answer holds up its own next request, and is left after a while. Few requests may wait; who sends many more is cut off. A full server ends the
 * connection that has been idle for longest, so that nobody keeps others out by connecting.
 */
import { IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of a connection that wait for the one before; the next ones are dropped, and the connection ends with the answer to the last that waits. */
const WAITING = 16;
/** Dropped requests after which a connection is cut off at once: Node keeps them until it ends. */
const FLOOD = 16;
/** While the server stops: milliseconds in which a client must send or take something to be waited for. */
const SILENCE = 600;

/** Why a connection was ended before its client wanted. */
export type EndReason = 'idle' | 'full' | 'flood' | 'answer_not_taken';

export interface ConnectionsOptions {
  readonly max: number;
  /** Milliseconds in which a client has to take its answer. */
  readonly answerTimeout: number;
  /** The whole answer, bytes on the wire, for a connection that finds no room. */
  readonly busy: () => string;
  readonly onEnd: (reason: EndReason) => void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Sockets that were cut off. */
const cut = new WeakSet<Socket>();

/**
 * A request as Node makes it, but that the parser stops at those of a socket that was cut off, as it stops where a request upgrades to another protocol. Else
 * it would go through all that it was given, thousands of requests, for nobody. Should Node no longer ask, only the time for that is lost.
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
  /** Whether the answer to `current` is on its way to the client. */
  answering = false;
  waiting: Exchange[] = [];
  dropped = 0;
  /** What ends the connection after the answers that are under way. */
  farewell: string | null = null;
  timer: NodeJS.Timeout | undefined;
  /** Its far end. */
  readonly address: string | undefined;
  readonly port: number | undefined;

  /** @param socket what bytes come from: under TLS the decrypted one, once there is one */
  constructor(public socket: Socket) {
    this.address = socket.remoteAddress;
    this.port = socket.remotePort;
  }
}

export class Connections {
  private readonly all = new Set<Connection>();
  /** Those that work on nothing, the one that has been idle for longest first. */
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

  /** A decrypted socket takes the place of its encrypted one, which has the same far end. */
  private addSecure(socket: Socket): void {
    for (const connection of this.all) {
      if (connection.port !== socket.remotePort || connection.address !== socket.remoteAddress) continue;
      connection.socket = socket;
      this.bySocket.set(socket, connection);
      socket.once('close', () => this.forget(connection));
      return;
    }
  }

  /** Works on a request, when those before it on its connection have been answered. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.bySocket.get(request.socket);
    if (!connection) return; // found no room, and has been told so
    const exchange = { request, response };
    const last = connection.waiting.at(-1);
    if (connection.dropped === 0 && connection.current === null) this.begin(connection, exchange);
    else if (connection.dropped === 0 && connection.waiting.length < WAITING)
      connection.waiting.push(exchange);
    else {
      if (last) last.response.shouldKeepAlive = false; // it says so to the client, and the connection ends with it
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

  /** The answer on a socket has been made, and its client has to take it. */
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

  /** Says a last answer on a connection whose bytes are no request, after those that are under way, and ends it. */
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
    endInSilence(socket); // a client that takes nothing
  }

  private end(connection: Connection, reason: EndReason): void {
    if (connection.socket.destroyed) return;
    cut.add(connection.socket);
    this.options.onEnd(reason);
    connection.socket.destroy();
  }

  /**
   * The server stops: what is computed is finished. A connection without a request ends now, one whose client has to send or to take something as soon as
   * it is silent for a moment, and nothing that waits is begun.
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

/** Ends a connection on which nothing moves for a moment; Node sees what moves in either direction. */
function endInSilence(socket: Socket): void {
  socket.setTimeout(SILENCE, () => socket.destroy());
}
