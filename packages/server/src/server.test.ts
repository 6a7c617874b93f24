/** The whole server: access, information and shutdown. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { createServer as createPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ReclmisError } from '@reclmis/core';
import { systemCode } from '@reclmis/files';
import { checkAddress, isLoopback, readTls, readToken } from './admission/access.js';
import { resolveLimits } from './admission/limits.js';
import { createServer } from './server.js';
import { FakeModel, greyPng, infer, segment, send, serving, until } from './testing.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-server-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const TOKEN = 'a-token-of-the-tests-0123456789';
const IMAGE = greyPng(6, 5);

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof ReclmisError ? error.code : error;
  }
}

function certificate(): { cert: string; key: string } | null {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const args = [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    execFileSync('openssl', [...args, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { cert, key };
  } catch {
    return null;
  }
}
const pem = certificate();

describe('who may reach the server', () => {
  it('knows the addresses of this machine', () => {
    const own = ['127.0.0.1', '127.9.9.9', '::1', 'localhost'];
    const others = ['0.0.0.0', '::', '192.168.1.2', 'example.org', '127.0.0.1.example.org', ''];
    expect(own.filter((host) => !isLoopback(host))).toEqual([]);
    expect(others.filter(isLoopback)).toEqual([]);
  });

  it('opens to the network only with a token or on request', () => {
    const closed = { token: false, insecure: false };
    expect(() => checkAddress('127.0.0.1', closed)).not.toThrow();
    expect(() => checkAddress('0.0.0.0', { ...closed, token: true })).not.toThrow();
    expect(() => checkAddress('0.0.0.0', { ...closed, insecure: true })).not.toThrow();
    expect(() => checkAddress('0.0.0.0', closed)).toThrow(/--host 0\.0\.0\.0/);
  });

  it('reads a token from a file, and refuses invalid ones', async () => {
    expect(await readToken(fileOf('token', `${TOKEN}\n`))).toBe(TOKEN);
    for (const text of [
      '',
      'short',
      'a token with words in it',
      `${TOKEN}\n${TOKEN}`,
      'ünsichtbare-zeichen-0123',
    ])
      expect(await codeOf(readToken(fileOf('bad', text)))).toBe('OPTION_INVALID');
    expect(await codeOf(readToken(join(folder, 'nowhere')))).toBe('OPTION_INVALID');
  });

  it('requires the token everywhere except for probes', async () => {
    await serving({ token: TOKEN }, async ({ url }) => {
      const bearer = { authorization: `Bearer ${TOKEN}` };
      const wrong: Record<string, string>[] = [
        {},
        { authorization: TOKEN },
        { authorization: `Bearer ${TOKEN}x` },
        { authorization: 'Bearer ' },
        { authorization: `Basic ${TOKEN}` },
      ];
      for (const headers of wrong) {
        for (const path of ['/metrics', '/docs', '/openapi.json', '/v2', '/nowhere']) {
          const answer = await send(url + path, { headers });
          expect([path, answer.status, answer.json()['code']]).toEqual([path, 401, 'TOKEN_INVALID']);
          expect(answer.headers['www-authenticate']).toBe('Bearer realm="reclmis"');
        }
        expect((await segment(url, IMAGE, { note: 'lung' }, { headers })).status).toBe(401);
      }
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
      expect((await send(`${url}/v2/health/ready`)).status).toBe(200);
      expect((await segment(url, IMAGE, { note: 'lung' }, { headers: bearer })).status).toBe(200);
      expect((await send(`${url}/metrics`, { headers: { authorization: `bearer ${TOKEN}` } })).status).toBe(
        200,
      );
      const document = (await send(`${url}/openapi.json`, { headers: bearer })).json();
      expect(document['security']).toEqual([{ token: [] }]);
      expect((await send(`${url}/docs`, { headers: bearer })).body.toString()).not.toContain('<form');
    });
  });

  it('lets browsers call only from named origins', async () => {
    const good = 'https://viewer.example.org';
    const ask = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    };
    await serving({ cors: [good], token: TOKEN }, async ({ url }) => {
      const before = await send(`${url}/segment`, { method: 'OPTIONS', headers: { origin: good, ...ask } });
      expect([before.status, before.headers['access-control-allow-origin']]).toEqual([204, good]);
      expect(before.headers['access-control-allow-headers']).toContain('Authorization');
      const other = await send(`${url}/segment`, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example.org', ...ask },
      });
      expect([other.status, other.headers['access-control-allow-origin']]).toEqual([401, undefined]);
      const headers = { origin: good, authorization: `Bearer ${TOKEN}` };
      const answer = await segment(url, IMAGE, { note: 'lung' }, { headers });
      expect([answer.status, answer.headers['access-control-allow-origin'], answer.headers['vary']]).toEqual([
        200,
        good,
        'Origin',
      ]);
    });
    await serving({ token: TOKEN }, async ({ url }) => {
      const headers = { origin: good, authorization: `Bearer ${TOKEN}` };
      const answer = await segment(url, IMAGE, { note: 'lung' }, { headers });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    });
    for (const origin of ['*', 'viewer.example.org', 'https://a.org/', 'https://a.org/path', 'file:///x'])
      expect(await codeOf(createServer(new FakeModel(), { version: '1', cors: [origin] }))).toBe(
        'OPTION_INVALID',
      );
  });

  it.skipIf(pem === null)('speaks TLS', async () => {
    const { cert, key } = pem as { cert: string; key: string };
    await serving({ tls: await readTls(cert, key) }, async ({ url }) => {
      expect(url).toMatch(/^https:/);
      const status = await new Promise((resolve, reject) => {
        const request = httpsRequest(
          `${url}/v2/health/live`,
          { ca: readFileSync(cert), agent: false },
          (response) => {
            response.resume().on('end', () => resolve(response.statusCode));
          },
        );
        request.on('error', reject).end();
      });
      expect(status).toBe(200);
    });
    expect(await readTls(undefined, undefined)).toBeNull();
    expect(await codeOf(readTls(cert, undefined))).toBe('OPTION_INVALID');
    expect(await codeOf(readTls(cert, cert))).toBe('OPTION_INVALID');
    expect(await codeOf(readTls(cert, join(folder, 'nowhere')))).toBe('OPTION_INVALID');
  });

  it('says why it cannot listen', async () => {
    const taken = createPlain();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const server = await createServer(new FakeModel(), { version: '1' });
    expect(await codeOf(server.listen('127.0.0.1', port))).toBe('LISTEN_FAILED');
    await server.stop();
    await new Promise((resolve) => taken.close(resolve));
  });

  it('refuses invalid limits', async () => {
    for (const limits of [
      { maxBatch: 0 },
      { timeout: Number.NaN },
      { bodyTimeout: 86_400_001 },
      { maxQueue: -1 },
      { maxBytes: Infinity },
    ])
      expect(await codeOf(createServer(new FakeModel(), { version: '1', limits }))).toBe('OPTION_INVALID');
    expect(resolveLimits({ maxPixels: 10 })).toMatchObject({ maxPixels: 10, heldPixels: 40, maxQueue: 64 });
  });
});

describe('what the server reports', () => {
  it('documents its routes on a page without external resources', async () => {
    await serving({}, async ({ url }) => {
      const document = (await send(`${url}/openapi.json`)).json();
      expect(document['openapi']).toBe('3.0.3');
      expect(Object.keys(document['paths'] as object).sort()).toEqual([
        '/docs',
        '/metrics',
        '/openapi.json',
        '/segment',
        '/v2',
        '/v2/health/live',
        '/v2/health/ready',
        '/v2/models/{name}',
        '/v2/models/{name}/infer',
        '/v2/models/{name}/ready',
        '/v2/models/{name}/versions/{version}',
        '/v2/models/{name}/versions/{version}/infer',
        '/v2/models/{name}/versions/{version}/ready',
      ]);
      const ids = Object.values(document['paths'] as Record<string, Record<string, Record<string, unknown>>>)
        .flatMap((path) => Object.values(path))
        .map(({ operationId, summary, responses }) => {
          expect(summary).toMatch(/\w/);
          expect(Object.keys(responses as object)).toContain('403');
          return operationId;
        });
      expect(ids.every((id) => typeof id === 'string' && /^[a-zA-Z]+$/.test(id))).toBe(true);
      expect([ids.length, new Set(ids).size]).toEqual([13, 13]);
      expect(document['servers']).toEqual([{ url: '/', description: 'this server' }]);
      const operation = (
        document['paths'] as Record<string, Record<string, Record<string, Record<string, unknown>>>>
      )['/segment']?.['post'];
      expect(Object.keys(operation?.['requestBody']?.['content'] as object)).toEqual(['multipart/form-data']);
      expect(Object.keys(operation?.['responses'] ?? {})).toEqual([
        '200',
        '400',
        '401',
        '403',
        '406',
        '408',
        '413',
        '415',
        '422',
        '503',
      ]);
      const page = await send(`${url}/docs`);
      const html = page.body.toString();
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
      expect(html).toContain('<code>/v2/models/{name}/infer</code>');
      expect(html).toContain('<form action="segment"');
      expect(html).not.toMatch(/<script|https?:|src=/);
      const home = await send(`${url}/`);
      expect([home.status, home.headers['location']]).toEqual([302, 'docs']);
    });
  });

  it('counts requests, batches and what it holds', async () => {
    await serving({ limits: { batchWait: 0 } }, async ({ url }) => {
      await segment(url, IMAGE, { note: 'lung' });
      await segment(url, null, { note: 'lung' });
      await send(`${url}/secret/path?note=private`);
      const answer = await send(`${url}/metrics`);
      expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
      const text = answer.body.toString();
      const lines = text.split('\n');
      expect(lines).toContain('reclmis_http_requests_total{method="POST",route="/segment",status="200"} 1');
      expect(lines).toContain('reclmis_http_requests_total{method="POST",route="/segment",status="400"} 1');
      expect(lines).toContain('reclmis_http_requests_total{method="GET",route="unknown",status="404"} 1');
      expect(lines).toContain('reclmis_http_request_duration_seconds_count{route="/segment"} 2');
      expect(lines).toContain('reclmis_refused_total{code="IMAGE_MISSING"} 1');
      expect(lines).toContain('reclmis_batch_size_bucket{le="1"} 1');
      expect(lines).toContain('reclmis_queue_length 0');
      expect(lines).toContain('reclmis_held_bytes 0');
      expect(lines).toContain('reclmis_held_pixels 0');
      expect(lines).toContain('reclmis_requests_in_flight 1'); // this request
      expect(lines).toContain(
        'reclmis_model_info{name="tiny",precision="fp32",device="cpu",version="0.1.0"} 1',
      );
      expect(Number(/^process_resident_memory_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(10_000_000);
      expect(text).not.toContain('secret');
    });
  });

  it('logs one line of JSON per request, without notes, file names or queries', async () => {
    const lines: string[] = [];
    const log = { level: 'info', stream: { write: (line: string) => void lines.push(line) } };
    await serving({ log }, async ({ url }) => {
      const headers = { 'x-request-id': 'case-7' };
      const answer = await segment(url, IMAGE, { note: 'private words' }, { headers, query: '?mask=1' });
      expect(answer.headers['x-request-id']).toBe('case-7');
      await segment(
        url,
        IMAGE,
        { note: 'private\u0007words' },
        { headers: { 'x-request-id': 'no good id' }, query: '?private' },
      );
      await send(`${url}/private`);
      await until(() => lines.filter((line) => line.includes('answered')).length === 3);
    });
    const answered = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'answered');
    const ms = expect.any(Number) as number;
    expect(answered).toMatchObject([
      { level: 30, reqId: 'case-7', method: 'POST', route: '/segment', status: 200, ms },
      {
        level: 30,
        reqId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        route: '/segment',
        status: 400,
        code: 'REQUEST_INVALID',
      },
      { method: 'GET', route: 'unknown', status: 404, code: 'ROUTE_UNKNOWN' },
    ]);
    expect(lines.join('')).not.toMatch(/private|a\.png|mask=1/);
  });
});

describe('stopping', () => {
  it('finishes accepted work, refuses new work, and tells probes', async () => {
    await serving({ limits: { batchWait: 0, maxBatch: 1 } }, async ({ url, model, server }) => {
      model.delay = 4_000; // a: longer than the rest of this test
      const taken = [segment(url, IMAGE, { note: 'a' })];
      await until(() => model.notes.length === 1);
      taken.push(segment(url, IMAGE, { note: 'b' }));
      while (!(await send(`${url}/metrics`)).body.toString().includes('reclmis_queue_length 1\n'));
      const stopped = server.stop();
      expect(server.stop()).toBe(stopped);
      const ready = await send(`${url}/v2/health/ready`);
      expect([ready.status, ready.json(), ready.headers['connection']]).toEqual([
        503,
        { ready: false },
        'close',
      ]);
      expect((await send(`${url}/v2/models/segmenter/ready`)).status).toBe(503);
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
      const refused = await segment(url, IMAGE, { note: 'c' });
      expect([refused.status, refused.json()['code']]).toEqual([503, 'SERVER_STOPPING']);
      expect(refused.headers['retry-after']).toMatch(/^\d+$/);
      expect((await infer(url, 'segmenter', {})).json()['code']).toBe('SERVER_STOPPING');
      model.delay = 0;
      expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200]);
      await stopped;
      expect(model.notes).toEqual(['a', 'b']);
      expect(model.disposed).toBe(false);
      expect(await send(`${url}/v2/health/live`).catch(systemCode)).toBe('ECONNREFUSED');
    });
  });

  it('waits at most the grace period', async () => {
    const model = new FakeModel(3_000);
    const server = await createServer(model, { version: '1', limits: { batchWait: 0 } });
    const url = await server.listen('127.0.0.1', 0);
    const taken = segment(url, IMAGE, { note: 'a' }).catch(systemCode);
    await until(() => model.notes.length === 1);
    await server.stop(50);
    expect(await taken).toBe('ECONNRESET');
  });
});
