/** Only listed files, only for this machine. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PageServer, servePage } from './page-server.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-page-'));
const POLICY = "default-src 'none'";
let server: PageServer;

let asks = 0;
beforeAll(async () => {
  for (const folder of ['page/assets', 'model']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'page/index.html'), '<p>page');
  writeFileSync(join(root, 'page/assets/a.js'), 'export {};');
  writeFileSync(join(root, 'model/manifest.json'), '{}');
  writeFileSync(join(root, 'model/secret.txt'), 'no');
  writeFileSync(join(root, 'outside.txt'), 'no');
  server = await servePage(
    [
      { at: '/', folder: join(root, 'page') },
      { at: '/model/', folder: join(root, 'model'), names: ['manifest.json'] },
    ],
    { policy: POLICY, port: 0, live: new Map([['/run/epochs.json', () => [{ epoch: ++asks }]]]) },
  );
});
afterAll(async () => {
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** As sent: fetch would tidy the path and refuse some headers. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, headers: response.headers }),
      );
    });
    sent.on('error', reject).end();
  });
}

it('sends the page and its files, with their types and the headers for threads and policy', async () => {
  const page = await ask('/');
  expect([page.status, page.body]).toEqual([200, '<p>page']);
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-length': '7',
    'content-security-policy': POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'x-content-type-options': 'nosniff',
  });
  const script = await ask('/assets/a.js?x=1');
  expect([script.status, script.headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
  expect((await ask('/model/manifest.json')).body).toBe('{}');
  const head = await ask('/model/manifest.json', {}, 'HEAD');
  expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '2']);
});

it.each([
  '/model/secret.txt',
  '/../outside.txt',
  '/assets/../../outside.txt',
  '/%2e%2e/outside.txt',
  '/assets',
  '/%zz',
])('has no other file: %s', async (path) => {
  const { status, body } = await ask(path);
  expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([404, 'ROUTE_UNKNOWN']);
});

it('refuses other hosts, other origins and other methods', async () => {
  const codeOf = async (headers: Record<string, string>, method?: string): Promise<unknown> => {
    const { status, body } = await ask('/', headers, method);
    return [status, (JSON.parse(body) as { code: string }).code];
  };
  expect(await codeOf({ host: 'evil.example' })).toEqual([403, 'HOST_REFUSED']);
  expect(await codeOf({ origin: 'https://evil.example' })).toEqual([403, 'ORIGIN_REFUSED']);
  expect(await codeOf({}, 'POST')).toEqual([405, 'METHOD_UNKNOWN']);
  const { port } = new URL(server.url);
  expect((await ask('/', { host: `localhost:${port}` })).status).toBe(200);
});

it('says that a port is taken', async () => {
  const port = Number(new URL(server.url).port);
  await expect(servePage([], { policy: POLICY, port })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: `127.0.0.1, port ${port}: another program is already listening there`,
  });
});

it('makes live answers for each request, under the same rules', async () => {
  const first = await ask('/run/epochs.json');
  expect([first.status, first.body]).toEqual([200, '[{"epoch":1}]']);
  expect(first.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': POLICY,
  });
  expect((await ask('/run/epochs.json')).body).toBe('[{"epoch":2}]');
  expect((await ask('/run/epochs.json', { Host: 'evil.example' })).status).not.toBe(200);
  expect(asks).toBe(2);
});
