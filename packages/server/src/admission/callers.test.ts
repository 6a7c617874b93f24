/** Whom a server answers with and without a token; methods, heads and expectations. */
import { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { type CallerRules, checkCaller, checkHosts } from './callers.js';
import { createServer } from '../server.js';
import { FakeModel, FORM_TYPE, formOf, greyPng, raw, segment, send, serving } from '../testing.js';

const IMAGE = greyPng(6, 5);
const TOKEN = 'a-token-of-the-tests-0123456789';
const NONE: CallerRules = { hosts: new Set<string>(), origins: new Set<string>(), addresses: false };

function verdict(headers: Record<string, string>, rules = NONE, safe = false): string {
  try {
    checkCaller(headers, rules, safe);
    return 'served';
  } catch (error) {
    return error instanceof ReclmisError ? error.code : String(error);
  }
}

describe('a server without a token', () => {
  it.each([
    'localhost',
    'localhost:8000',
    'LocalHost:9000', // a tunnel's port
    'localhost.',
    '127.0.0.1:8000',
    '127.1.2.3',
    '[::1]:8000',
    '[0:0:0:0:0:0:0:1]',
  ])('serves Host %s', (host) => expect(verdict({ host })).toBe('served'));

  it.each([
    'evil.test',
    'evil.test:8000',
    'localhost.evil.test',
    '127.0.0.1.evil.test:8000',
    'notlocalhost',
    '192.168.1.2:8000',
    '0.0.0.0:8000',
    '[::]:8000',
    '[::ffff:192.168.1.2]',
    '',
    'localhost:8000:9',
    'user@localhost',
    'localhost/path',
    'local host',
    'localhost:99999',
  ])('refuses Host %s', (host) => expect(verdict({ host })).toBe('HOST_REFUSED'));

  it('serves allowed names, and any address if open to the network', () => {
    const hosts = checkHosts(['Viewer.example', '10.0.0.1', '[fd00::1]']);
    const named = { ...NONE, hosts };
    for (const host of ['viewer.example', 'VIEWER.EXAMPLE:80', '10.0.0.1:8000', '[fd00::1]:8000'])
      expect([host, verdict({ host }, named)]).toEqual([host, 'served']);
    expect(verdict({ host: 'other.viewer.example' }, named)).toBe('HOST_REFUSED');
    const open = { ...NONE, addresses: true };
    for (const host of ['10.1.2.3:8000', '[fd00::2]']) expect(verdict({ host }, open)).toBe('served');
    expect(verdict({ host: 'evil.test' }, open)).toBe('HOST_REFUSED');
    for (const host of ['a b', 'a:80', 'http://a', '*', 'a/b', ''])
      expect(() => checkHosts([host]), host).toThrow(/--allow-host/);
  });

  it.each<[string, Record<string, string>, string]>([
    ['no page', {}, 'served'],
    ['its own page', { origin: 'http://localhost:8000' }, 'served'],
    ['its own page behind TLS', { origin: 'https://localhost:8000' }, 'served'],
    [
      'its own page, as browsers say it',
      { origin: 'http://localhost:8000', 'sec-fetch-site': 'same-origin' },
      'served',
    ],
    ['an address that somebody types', { 'sec-fetch-site': 'none' }, 'served'],
    ['a page of another port', { origin: 'http://localhost:3000' }, 'ORIGIN_REFUSED'],
    ['a page of another name of this machine', { origin: 'http://127.0.0.1:8000' }, 'ORIGIN_REFUSED'],
    ['a foreign page', { origin: 'http://evil.test' }, 'ORIGIN_REFUSED'],
    ['a foreign page on the same port', { origin: 'http://evil.test:8000' }, 'ORIGIN_REFUSED'],
    ['a file, or a frame in a sandbox', { origin: 'null' }, 'ORIGIN_REFUSED'],
    ['an extension', { origin: 'chrome-extension://abcdefgh' }, 'ORIGIN_REFUSED'],
    ['two origins', { origin: 'http://localhost:8000, http://evil.test' }, 'ORIGIN_REFUSED'],
    ['an origin with a path', { origin: 'http://localhost:8000/' }, 'ORIGIN_REFUSED'],
    [
      'an image of a foreign page',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
      'ORIGIN_REFUSED',
    ],
    [
      'a page of the same site',
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' },
      'ORIGIN_REFUSED',
    ],
    [
      'a frame',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      'ORIGIN_REFUSED',
    ],
    [
      'a page that is allowed',
      { origin: 'https://viewer.example', 'sec-fetch-site': 'cross-site' },
      'served',
    ],
  ])('and %s', (_what, headers, expected) => {
    const rules = { ...NONE, origins: new Set(['https://viewer.example']) };
    expect(verdict({ host: 'localhost:8000', ...headers }, rules)).toBe(expected);
  });

  it('allows a followed link that only reads', () => {
    const link = {
      host: 'localhost',
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect(verdict(link, NONE, true)).toBe('served');
    expect(verdict(link, NONE, false)).toBe('ORIGIN_REFUSED'); // a submitted form
  });

  it('refuses both on every route, before reading or computing, with a remedy', async () => {
    await serving({ cors: ['https://viewer.example'], hosts: ['proxy.example'] }, async ({ url, model }) => {
      const paths = [
        '/',
        '/docs',
        '/metrics',
        '/openapi.json',
        '/v2',
        '/v2/health/live',
        '/v2/models/segmenter',
        '/nowhere',
      ];
      for (const path of paths)
        for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
          const answer = await send(url + path, { method, headers: { host: 'evil.test:80' } });
          expect([path, answer.status, answer.headers['connection']]).toEqual([path, 403, 'close']);
          if (method === 'HEAD') continue;
          expect(answer.json()).toEqual({
            error: 'Host: expected this machine (localhost, 127.0.0.1 or [::1]), got evil.test:80',
            code: 'HOST_REFUSED',
            remedy: expect.stringContaining('--allow-host evil.test ') as string,
          });
          const foreign = await send(url + path, { method, headers: { origin: 'http://evil.test' } });
          expect([foreign.status, foreign.json()['code']]).toEqual([403, 'ORIGIN_REFUSED']);
          expect(foreign.json()['remedy']).toContain('--cors http://evil.test ');
          expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
        }
      for (const headers of [
        { host: 'evil.test' },
        { origin: 'http://evil.test' },
        { origin: 'null' },
        { 'sec-fetch-site': 'cross-site' },
      ]) {
        const answer = await segment(url, IMAGE, { note: 'lung' }, { headers });
        expect(answer.status).toBe(403);
      }
      expect(model.batches).toEqual([]);
      const proxied = {
        host: 'proxy.example',
        origin: 'https://viewer.example',
        'sec-fetch-site': 'cross-site',
      };
      const allowed = await segment(url, IMAGE, { note: 'lung' }, { headers: proxied });
      expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([
        200,
        'https://viewer.example',
      ]);
      const own = { host: 'proxy.example', origin: 'https://proxy.example', 'sec-fetch-site': 'same-origin' };
      expect((await segment(url, IMAGE, { note: 'lung' }, { headers: own })).status).toBe(200);
    });
  });

  it('serves its own address if open to the network', async () => {
    const server = await createServer(new FakeModel(), { version: '1' });
    const { port } = new URL(await server.listen('0.0.0.0', 0));
    const of = async (host: string): Promise<number> =>
      (await send(`http://127.0.0.1:${port}/v2/health/ready`, { headers: { host } })).status;
    expect([await of(`10.1.2.3:${port}`), await of('localhost'), await of(`evil.test:${port}`)]).toEqual([
      200, 200, 403,
    ]);
    await server.stop();
  });
});

it('a server with a token asks for nothing else', async () => {
  await serving({ token: TOKEN }, async ({ url }) => {
    const headers = { host: 'gpu.example', origin: 'https://viewer.example', 'sec-fetch-site': 'cross-site' };
    expect((await send(`${url}/v2/health/live`, { headers })).status).toBe(200);
    expect((await send(`${url}/metrics`, { headers })).status).toBe(401);
    const bearer = { ...headers, authorization: `Bearer ${TOKEN}` };
    const answer = await segment(url, IMAGE, { note: 'lung' }, { headers: bearer });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
  });
});

describe('methods', () => {
  it('HEAD is GET without its body', async () => {
    await serving({}, async ({ url, server }) => {
      for (const path of [
        '/v2',
        '/v2/health/live',
        '/v2/health/ready',
        '/v2/models/segmenter',
        '/v2/models/segmenter/ready',
        '/v2/models/text-encoder/versions/1',
        '/openapi.json',
        '/docs',
        '/',
        '/v2/models/nowhere',
        '/nowhere',
      ]) {
        const [get, head] = [await send(url + path), await send(url + path, { method: 'HEAD' })];
        expect([path, head.status, head.body.length]).toEqual([path, get.status, 0]);
        for (const name of ['content-type', 'content-length', 'location'])
          expect([path, head.headers[name]]).toEqual([path, get.headers[name]]);
      }
      expect((await send(`${url}/metrics`, { method: 'HEAD' })).status).toBe(200);
      const stopped = server.stop();
      await stopped;
    });
  });

  it("lists a path's methods when asked with another one", async () => {
    await serving({}, async ({ url, port }) => {
      const cases = [
        ['DELETE', '/segment', 'OPTIONS, POST'],
        ['GET', '/segment?mask=1', 'OPTIONS, POST'],
        ['HEAD', '/segment', 'OPTIONS, POST'],
        ['POST', '/v2/health/live', 'GET, HEAD, OPTIONS'],
        ['PUT', '/v2/models/segmenter', 'GET, HEAD, OPTIONS'],
        ['PROPFIND', '/metrics', 'GET, HEAD, OPTIONS'],
        ['TRACE', '/v2/models/segmenter/versions/1/infer', 'OPTIONS, POST'],
      ] as const;
      for (const [method, path, allow] of cases) {
        const answer = await send(url + path, { method });
        expect([method, path, answer.status, answer.headers['allow']]).toEqual([method, path, 405, allow]);
        if (method !== 'HEAD') expect(answer.json()['code']).toBe('METHOD_UNKNOWN');
      }
      const options = await send(`${url}/segment`, { method: 'OPTIONS' });
      expect([options.status, options.headers['allow'], options.body.length]).toEqual([
        204,
        'OPTIONS, POST',
        0,
      ]);
      expect(
        await raw(port, Buffer.from('OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')),
      ).toMatch(/^HTTP\/1\.1 204 [^]*\r\nallow: GET, HEAD, OPTIONS, POST\r\n/i);
      const unknown = await send(`${url}/v3`, { method: 'DELETE' });
      expect([unknown.status, unknown.json()['code'], unknown.headers['allow']]).toEqual([
        404,
        'ROUTE_UNKNOWN',
        undefined,
      ]);
    });
  });
});

describe('a client that expects 100 Continue', () => {
  const head = (length: number, more: string): string =>
    `POST /segment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${length}\r\n${more}\r\n`;
  const form = formOf(IMAGE, { note: 'lung' });

  it('is told to continue, and answered', async () => {
    await serving({}, async ({ port }) => {
      const text = await raw(port, Buffer.concat([Buffer.from(head(form.length, '')), form]));
      expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    });
  });

  it.each<[string, number, string, number]>([
    ['has no token', 1000, '', 401],
    ['has too much to send', 2 ** 30, `Authorization: Bearer ${TOKEN}\r\n`, 413],
    ['sends what is compressed', 1000, `Authorization: Bearer ${TOKEN}\r\nContent-Encoding: gzip\r\n`, 415],
  ])('is refused without its body where it %s', async (_what, length, more, status) => {
    await serving({ token: TOKEN }, async ({ port }) => {
      const text = await raw(port, Buffer.from(head(length, more)));
      expect(text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
      expect(text).not.toContain('100 Continue');
    });
  });
});
