/**
 * Mutates valid requests at random: flipped, removed, doubled and inserted bytes, pieces that parsers trip
 * over, large numbers. Connections are kept, so what one request leaves behind meets the next.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Random } from '@reclmis/core';

const PIECES = [
  '\r\n',
  '\r\n\r\n',
  '\0',
  '%00',
  '%ff',
  '../',
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\u0000',
  '-1',
  '1e999',
  '99999999999',
  'null',
  '__proto__',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Expect: 100-continue\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  '\u00ff\u00fe',
  '--',
  ';',
  ':',
];

/** One to four, mostly in the head and where it meets the body. */
export function mutate(request: Uint8Array, random: Random): Buffer {
  let bytes = Buffer.from(request);
  for (let left = 1 + random.int(4); left > 0; left--) {
    const near = random.bool(0.6) ? Math.min(bytes.length, 600) : bytes.length;
    const at = random.int(Math.max(1, near));
    const length = 1 + random.int(8);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (random.int(7)) {
      case 0:
        bytes = Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ (1 << random.int(8))), after.subarray(1)]);
        break;
      case 1:
        bytes = Buffer.concat([before, Buffer.of(random.int(256)), after.subarray(1)]);
        break;
      case 2:
        bytes = Buffer.concat([before, after.subarray(length)]);
        break;
      case 3:
        bytes = Buffer.concat([before, after.subarray(0, length * 4), after]);
        break;
      case 4:
        bytes = Buffer.concat([before, Buffer.from(random.pick(PIECES), 'latin1'), after]);
        break;
      case 5: {
        const digits = [...bytes.subarray(0, near).entries()].filter(
          ([, byte]) => byte >= 0x30 && byte <= 0x39,
        );
        const place = digits.length === 0 ? at : random.pick(digits)[0];
        bytes = Buffer.concat([
          bytes.subarray(0, place),
          Buffer.from(String(random.int(100))),
          bytes.subarray(place + 1),
        ]);
        break;
      }
      default:
        if (random.bool(0.2)) bytes = bytes.subarray(0, at);
    }
  }
  return bytes;
}

export interface Tally {
  readonly statuses: Map<number, number>;
  /** Promised bytes never came: the server still waited when the client ended its side. */
  unfinished: number;
  /** The server ended a fresh connection without a response. */
  dropped: string[];
  /** Responses of 400 and more without a body {error, code, remedy}. */
  uncoded: string[];
}

const LOOK = 3;

/**
 * Sees the server from inside: if it has read everything sent on a connection and works on none of it, it
 * waits for promised bytes. No clock can tell that.
 */
export class Inside {
  private readonly sockets = new Map<number, Socket>();
  private readonly working = new Map<Socket, Set<IncomingMessage>>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      const { remotePort = 0 } = socket;
      this.sockets.set(remotePort, socket);
      socket.once('close', () => {
        if (this.sockets.get(remotePort) === socket) this.sockets.delete(remotePort);
      });
    });
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const requests = this.working.get(request.socket) ?? new Set();
      this.working.set(request.socket, requests.add(request));
      response.once('close', () => requests.delete(request));
    });
  }

  /** Nothing will come on this port, after `sent` bytes, unless the client goes on. */
  waits(port: number, sent: number): boolean {
    const socket = this.sockets.get(port);
    if (!socket || socket.bytesRead < sent) return false; // not accepted yet, or ended
    return [...(this.working.get(socket) ?? [])].every(({ complete }) => !complete);
  }
}

interface Line {
  readonly socket: Socket;
  stray: string;
  fresh: boolean;
}

/** Over several connections, each kept as long as the server keeps it. */
export async function sendAll(
  to: { readonly port: number; readonly inside: Inside },
  requests: Iterable<Uint8Array>,
  lanes: number,
): Promise<Tally> {
  const { port, inside } = to;
  const tally: Tally = { statuses: new Map(), unfinished: 0, dropped: [], uncoded: [] };
  const source = requests[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    let line = await open(port);
    for (let next = source.next(); next.done !== true; next = source.next()) {
      for (let answered = false; !answered;) {
        if (line.stray !== '' || line.socket.destroyed || !line.socket.writable) {
          count(line.stray, tally); // to leftover bytes of the previous request
          line.socket.destroy();
          line = await open(port);
        }
        const { fresh } = line;
        const { text, ended } = await exchange(line, next.value, inside);
        answered = text !== '' || ended || fresh; // a kept connection may end under a request
        count(text, tally);
        if (text === '' && ended) tally.unfinished += 1;
        else if (text === '' && fresh)
          tally.dropped.push(Buffer.from(next.value).toString('latin1').slice(0, 300));
        if (!/^HTTP\/1\.1 \d+ [^]*\r\n\r\n/.test(text)) line.socket.destroy();
      }
    }
    line.socket.destroy();
    count(line.stray, tally);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return tally;
}

function open(port: number): Promise<Line> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.removeListener('error', reject);
      socket.on('error', () => undefined); // a reset is an end
      const line: Line = { socket, stray: '', fresh: true };
      socket.on('data', (data) => (line.stray += data.toString('latin1')));
      resolve(line);
    });
    socket.once('error', reject);
  });
}

/** What came until a response was whole or the connection ended, and whether the client had to end it. */
function exchange(line: Line, bytes: Uint8Array, inside: Inside): Promise<{ text: string; ended: boolean }> {
  const { socket } = line;
  line.fresh = false;
  return new Promise((resolve) => {
    let ended = false;
    const look = setInterval(() => {
      if (ended || socket.localPort === undefined || !inside.waits(socket.localPort, socket.bytesWritten))
        return;
      ended = true;
      socket.end();
    }, LOOK);
    const done = (): void => {
      clearInterval(look);
      socket.removeListener('data', onData).removeListener('close', done);
      const text = line.stray;
      line.stray = '';
      resolve({ text, ended });
    };
    const onData = (): void => {
      if (isWhole(line.stray)) done();
    };
    socket.on('data', onData).on('close', done);
    socket.write(bytes);
  });
}

function isWhole(text: string): boolean {
  const at = text.lastIndexOf('HTTP/1.1 ');
  const end = text.indexOf('\r\n\r\n', at);
  if (at < 0 || end < 0 || text.startsWith('HTTP/1.1 100', at)) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(at, end))?.[1];
  return length === undefined
    ? /^HTTP\/1\.1 204/.test(text.slice(at))
    : text.length >= end + 4 + Number(length);
}

function count(text: string, tally: Tally): void {
  const answers = text.split(/(?=HTTP\/1\.1 \d{3} )/).filter((answer) => /^HTTP\/1\.1 [2-5]/.test(answer));
  for (const answer of answers) {
    const status = Number(answer.slice(9, 12));
    tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
    if (status >= 400 && !/\{"error":"[^]*","code":"[A-Z_]+","remedy":"[^]*"\}/.test(answer))
      tally.uncoded.push(answer.slice(0, 300));
  }
}
