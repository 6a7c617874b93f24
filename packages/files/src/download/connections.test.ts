import { createServer, request as httpRequest, type Server } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { proxyFor } from './connections.js';
import { download } from './download.js';
import { FileServer } from '../testing/file-server.js';

const SECURE = new URL('https://models.example.org/a');
const PLAIN = new URL('http://models.example.org:8080/a');

describe('proxyFor', () => {
  it.each([
    [SECURE, {}, null],
    [SECURE, { HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [SECURE, { HTTPS_PROXY: 'http://upper:1', https_proxy: 'http://lower:2' }, 'http://lower:2/'],
    [SECURE, { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
    [SECURE, { HTTPS_PROXY: '' }, null],
    [SECURE, { HTTP_PROXY: 'http://proxy:3128' }, null],
    [PLAIN, { HTTP_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
    [PLAIN, { HTTPS_PROXY: 'http://proxy:3128' }, null],
  ])('%s with %j: %s', (url, env, proxy) => {
    expect(proxyFor(url, env)?.href ?? null).toBe(proxy);
  });

  it.each([
    ['*', true],
    ['models.example.org', true],
    ['example.org', true],
    ['.example.org', true],
    ['*.example.org', true],
    ['EXAMPLE.ORG', true],
    ['localhost, example.org', true],
    ['localhost example.org', true],
    ['example.org:443', true],
    ['example.org:8443', false],
    ['ample.org', false],
    ['example.org.evil.net', false],
    ['', false],
  ])('NO_PROXY=%s exempts: %s', (list, exempt) => {
    const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: list };
    expect(proxyFor(SECURE, env) === null).toBe(exempt);
  });

  it('refuses other kinds of proxies without showing their password', () => {
    expect(() => proxyFor(SECURE, { HTTPS_PROXY: 'socks5://me:secret@proxy' })).toThrow(
      expect.objectContaining({
        code: 'OPTION_INVALID',
        message: expect.not.stringContaining('secret') as string,
      }),
    );
  });
});

describe('a download by proxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reclmis-proxy-'));
  const bytes = Buffer.from('weights '.repeat(10_000));
  let files: FileServer;
  let proxy: Server;
  let env: Record<string, string>;
  const asked: string[] = [];

  beforeAll(async () => {
    files = await FileServer.start(bytes);
    proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const onward = httpRequest(request.url ?? '', { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      onward.end();
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    env = { HTTP_PROXY: `http://me:secret@${address}`, HTTPS_PROXY: `http://${address}` };
  });
  beforeEach(() => void asked.splice(0));
  afterAll(async () => {
    await files.close();
    proxy.closeAllConnections();
    proxy.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes there, with what the proxy needs to know', async () => {
    const target = join(folder, 'a');
    await download(files.url(), target, { sha256: files.sha256, env });
    expect(readFileSync(target).equals(bytes)).toBe(true);
    expect(asked).toEqual([`GET ${files.url()} Basic ${Buffer.from('me:secret').toString('base64')}`]);
  });

  it('goes past it where NO_PROXY says so', async () => {
    await download(files.url(), join(folder, 'b'), {
      sha256: files.sha256,
      env: { ...env, NO_PROXY: '127.0.0.1' },
    });
    expect(asked).toEqual([]);
  });

  it('tunnels https:, and says so when the proxy refuses', async () => {
    const ended = download('https://models.invalid/a', join(folder, 'c'), {
      sha256: files.sha256,
      env,
      retryDelayMs: 1,
    });
    await expect(ended).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('403') as string,
    });
    expect(new Set(asked)).toEqual(new Set(['CONNECT models.invalid:443']));
  });
});
