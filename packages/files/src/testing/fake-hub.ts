/**
 * Two servers on 127.0.0.1 that speak Hugging Face's HTTP: the hub, which knows commits and sends small files itself, and
 * the server of large files that it redirects to. They count what they send, and misbehave on request.
 *
 *   GET /api/models/ID/revision/REV    200 {"id","sha","siblings"}, 401 RepoNotFound, 403 GatedRepo, 404 RevisionNotFound
 *   GET /ID/resolve/REV/PATH           302 to the other server with x-linked-etag, x-linked-size and x-repo-commit for large
 *                                      files; 307 to /api/resolve-cache/... for small ones; 404 EntryNotFound
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubRequest {
  readonly server: 'hub' | 'files';
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** First byte requested. */
  readonly from: number;
  /** Bytes of a file in the answer. */
  sent: number;
}

export interface HubRepository {
  /** Commit -> path -> bytes. */
  readonly commits: Map<string, Map<string, Buffer>>;
  /** Branch or tag -> commit. */
  readonly refs: Map<string, string>;
  /** Only with this token. */
  token?: string;
  /** Has conditions that no one accepted. */
  gated?: boolean;
}

/** Larger ones are not on the hub itself. */
const SMALL_BYTES = 64 * 1024;

export class FakeHub {
  readonly repositories = new Map<string, HubRepository>();
  readonly seen: HubRequest[] = [];
  /** Returns true if it answered the request itself. */
  handler: (request: HubRequest, response: ServerResponse) => boolean | Promise<boolean> = () => false;

  private constructor(
    private readonly hub: Server,
    private readonly files: Server,
  ) {}

  static async start(): Promise<FakeHub> {
    const fake = new FakeHub(createServer(), createServer());
    fake.hub.on('request', (message, response) => void fake.answer('hub', message, response));
    fake.files.on('request', (message, response) => void fake.answer('files', message, response));
    for (const server of [fake.hub, fake.files])
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return urlOf(this.hub);
  }

  /** Bytes of files in all answers together. */
  get sent(): number {
    return this.seen.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Commits files to a branch. @returns the commit, which follows from the content */
  commit(repository: string, files: ReadonlyMap<string, Buffer>, branch = 'main'): string {
    const known = this.repositories.get(repository) ?? { commits: new Map(), refs: new Map() };
    const hash = createHash('sha1').update(repository);
    for (const [path, bytes] of files) hash.update(`${path}\0`).update(bytes);
    const commit = hash.digest('hex');
    known.commits.set(commit, new Map(files));
    known.refs.set(branch, commit);
    this.repositories.set(repository, known);
    return commit;
  }

  async close(): Promise<void> {
    for (const server of [this.hub, this.files]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private async answer(
    server: HubRequest['server'],
    message: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const from = Number(/^bytes=(\d+)-$/.exec(message.headers.range ?? '')?.[1] ?? 0);
    const request = { server, path: message.url ?? '', headers: message.headers, from, sent: 0 };
    this.seen.push(request);
    response.setHeader('access-control-allow-origin', '*');
    if (await this.handler(request, response)) return;
    if (server === 'files') this.sendLarge(request, response);
    else this.answerHub(request, response);
  }

  private answerHub(request: HubRequest, response: ServerResponse): void {
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([0-9a-f]{40})\/(.+)$/.exec(request.path);
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(request.path);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(request.path);
    const [, id = '', revision = '', path = ''] = cached ?? api ?? resolve ?? [];
    const repository = this.repositories.get(id);
    const refuse = (status: number, code: string): void => {
      response.writeHead(status, { 'x-error-code': code, 'x-error-message': code }).end(code);
    };
    const allowed =
      repository?.token === undefined || request.headers.authorization === `Bearer ${repository.token}`;
    if (!repository || !allowed) {
      refuse(401, 'RepoNotFound');
      return;
    }
    if (repository.gated) {
      refuse(403, 'GatedRepo');
      return;
    }
    const name = decodeURIComponent(revision);
    const commit = repository.refs.get(name) ?? name;
    const files = repository.commits.get(commit);
    if (!files) {
      refuse(404, 'RevisionNotFound');
      return;
    }
    if (api) {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ id, sha: commit, siblings }));
      return;
    }
    const bytes = files.get(path);
    if (!bytes) {
      refuse(404, 'EntryNotFound');
      return;
    }
    response.setHeader('x-repo-commit', commit);
    if (cached) {
      send(request, response, bytes, `"${gitBlob(bytes)}"`);
      return;
    }
    if (bytes.length <= SMALL_BYTES) {
      const location = `/api/resolve-cache/models/${id}/${commit}/${path}`;
      response.writeHead(307, { location, etag: `"${gitBlob(bytes)}"` }).end();
      return;
    }
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const location = `${urlOf(this.files)}/${sha256}?repository=${encodeURIComponent(id)}&path=${path}&commit=${commit}&Signature=secret`;
    response
      .writeHead(302, { location, 'x-linked-etag': `"${sha256}"`, 'x-linked-size': bytes.length })
      .end(`Found. Redirecting to ${location}`);
  }

  private sendLarge(request: HubRequest, response: ServerResponse): void {
    const query = new URL(request.path, 'http://files').searchParams;
    const repository = this.repositories.get(query.get('repository') ?? '');
    const bytes = repository?.commits.get(query.get('commit') ?? '')?.get(query.get('path') ?? '');
    if (bytes) send(request, response, bytes, `"${createHash('md5').update(bytes).digest('hex')}"`);
    else response.writeHead(404).end();
  }
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const gitBlob = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

function send(request: HubRequest, response: ServerResponse, bytes: Buffer, etag: string): void {
  const { from } = request;
  const size = bytes.length;
  if (from >= size && from > 0) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': size - from,
    ...{ etag, 'accept-ranges': 'bytes' },
    ...(from > 0 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
  });
  request.sent = size - from;
  response.end(bytes.subarray(from));
}
