/** A server on 127.0.0.1 that honours ranges, counts what it sends, and misbehaves on request. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** First byte requested. */
  readonly from: number;
  /** Bytes of the file in the answer. */
  sent: number;
}

export type Handler = (
  request: SeenRequest,
  response: ServerResponse,
  nth: number,
) => boolean | Promise<boolean>;

export class FileServer {
  readonly seen: SeenRequest[] = [];
  etag: string | null = '"one"';
  /** Returns true if it answered the request itself. */
  handler: Handler = () => false;

  private constructor(
    private readonly server: Server,
    public bytes: Buffer,
  ) {}

  static async start(bytes: Buffer): Promise<FileServer> {
    const server = createServer();
    const files = new FileServer(server, bytes);
    server.on('request', (request, response) => {
      void files.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return files;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  url(path = '/model.bin'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  get sha256(): string {
    return createHash('sha256').update(this.bytes).digest('hex');
  }

  /** Bytes of the file in all answers together. */
  get sent(): number {
    return this.seen.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Sends the file up to `end`, with the headers of the whole, and cuts the connection at `when`. */
  async sendUntil(
    request: SeenRequest,
    response: ServerResponse,
    end: number,
    when: () => boolean,
  ): Promise<void> {
    this.head(request, response);
    request.sent = end - request.from;
    response.write(this.bytes.subarray(request.from, end));
    for (let waited = 0; !when(); waited += 10) {
      if (waited > 60_000) throw new Error('the client did not take what was sent');
      await sleep(10);
    }
    response.destroy();
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const from = Number(/^bytes=(\d+)-$/.exec(message.headers.range ?? '')?.[1] ?? 0);
    const valid = message.headers['if-range'] === undefined || message.headers['if-range'] === this.etag;
    const request = { path: message.url ?? '', headers: message.headers, from: valid ? from : 0, sent: 0 };
    this.seen.push(request);
    if (await this.handler(request, response, this.seen.length)) return;
    if (request.from >= this.bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${this.bytes.length}` }).end();
      return;
    }
    this.head(request, response);
    request.sent = this.bytes.length - request.from;
    response.end(this.bytes.subarray(request.from));
  }

  private head({ from }: SeenRequest, response: ServerResponse): void {
    const size = this.bytes.length;
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': size - from,
      ...(this.etag === null ? {} : { etag: this.etag }),
      ...(from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
    });
  }
}

export function hasSize(path: string, size: number): boolean {
  return existsSync(path) && statSync(path).size === size;
}

export async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 60_000) throw new Error('waited in vain');
    await sleep(10);
  }
}
