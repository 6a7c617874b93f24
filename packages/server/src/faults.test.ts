/** Clients that misbehave get a coded 4xx or 503, and the server goes on. */
import { connect } from 'node:net';
import { systemCode } from '@reclmis/files';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from './server.js';
import { FORM_TYPE, formOf, greyPng, infer, raw, S, segment, send, serving, T, until, W } from './testing.js';

const IMAGE = greyPng(6, 5);
const FORM = formOf(IMAGE, { note: 'left lung' });
const head = (length: number | string, more = ''): string =>
  `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${length}\r\n${more}\r\n`;
const whole = (text: string, body: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([Buffer.from(text), body]);

function answerIn(text: string): [number, unknown] {
  const at = text.lastIndexOf('HTTP/1.1 ');
  const status = Number(text.slice(at + 9, at + 12));
  const body = text.slice(text.indexOf('\r\n\r\n', at) + 4);
  return [status, (JSON.parse(body) as { code: unknown }).code];
}

const figures = async (url: string): Promise<string> => (await send(`${url}/metrics`)).body.toString();

describe('lengths', () => {
  it('refuses a declared length of 4 GB before it reads', async () => {
    await serving({}, async ({ port, url }) => {
      const begun = performance.now();
      expect(answerIn(await raw(port, whole(head(4 * 2 ** 30), FORM)))).toEqual([413, 'REQUEST_TOO_LARGE']);
      expect(performance.now() - begun).toBeLessThan(5_000); // did not wait for the body (30 s)
      expect(answerIn(await raw(port, whole(head('99999999999999999999'))))[0]).toBeGreaterThanOrEqual(400);
      const get = `GET /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${4 * 2 ** 30}\r\n\r\n`;
      expect(answerIn(await raw(port, whole(get)))).toEqual([413, 'REQUEST_TOO_LARGE']);
      expect(await figures(url)).toContain('reclmis_held_bytes 0');
    });
  });

  it('refuses chunks beyond the limit, and takes chunks below it', async () => {
    const chunked = (body: Uint8Array): Buffer =>
      Buffer.concat([
        Buffer.from(
          `POST /segment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        ),
        Buffer.from(`${body.length.toString(16)}\r\n`),
        body,
        Buffer.from('\r\n0\r\n\r\n'),
      ]);
    await serving({ limits: { maxBytes: 2_000 } }, async ({ port }) => {
      expect(await raw(port, chunked(FORM))).toMatch(/^HTTP\/1\.1 200/);
      expect(answerIn(await raw(port, chunked(formOf(IMAGE, { note: 'x'.repeat(3_000) }))))).toEqual([
        413,
        'REQUEST_TOO_LARGE',
      ]);
    });
  });

  it('refuses bodies beyond its byte budget, and frees the budget', async () => {
    await serving({ limits: { heldBytes: FORM.length + 50, batchWait: 0 } }, async ({ url, port }) => {
      const slow = connect(port, '127.0.0.1');
      slow.on('error', () => undefined);
      slow.write(whole(head(FORM.length), FORM.subarray(0, -1)));
      let busy = 0;
      for (let i = 0; i < 100 && busy === 0; i++)
        busy = (await segment(url, IMAGE, { note: 'lung' })).status === 503 ? 1 : 0;
      expect(busy).toBe(1);
      slow.destroy();
      let taken = 0;
      for (let i = 0; i < 100 && taken === 0; i++)
        taken = (await segment(url, IMAGE, { note: 'lung' })).status === 200 ? 1 : 0;
      expect(taken).toBe(1);
      expect(await figures(url)).toContain('reclmis_held_bytes 0');
    });
  });

  it('survives a body that is cut short', async () => {
    await serving({}, async ({ port, url }) => {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () =>
          socket.end(whole(head(FORM.length), FORM.subarray(0, 100))),
        );
        socket
          .on('error', () => undefined)
          .on('close', () => resolve())
          .resume();
      });
      expect((await segment(url, IMAGE, { note: 'lung' })).status).toBe(200);
      expect(await figures(url)).toMatch(/reclmis_held_bytes 0\n/);
    });
  });
});

describe('a client that sends the whole body before it listens', () => {
  /** The response, or the code of an error while sending. */
  const sending = (port: number, length: number, more = ''): Promise<unknown> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.pause();
      socket.on('error', (error) => resolve(systemCode(error)));
      socket.write(head(length, more));
      socket.write(Buffer.alloc(length), () => {
        socket.once('data', (data) => {
          socket.destroy();
          resolve(answerIn(data.toString('latin1')));
        });
        socket.resume();
      });
    });

  it.each<[string, number, ServerOptions['limits'], string, [number, string]]>([
    ['is too large', 2 ** 23, { maxBytes: 2 ** 22 }, '', [413, 'REQUEST_TOO_LARGE']],
    ['finds no room in the queue', 2 ** 23, { maxQueue: 1 }, '', [503, 'SERVER_BUSY']],
    ['finds no room for its bytes', 2 ** 23, { heldBytes: 2 ** 20 }, '', [503, 'SERVER_BUSY']],
    ['is compressed', 2 ** 23, {}, 'Content-Encoding: gzip\r\n', [415, 'REQUEST_UNSUPPORTED']],
  ])('hears that it %s', async (_what, length, limits = {}, more, answer) => {
    await serving({ limits: { ...limits, batchWait: 0 } }, async ({ port, url }) => {
      const before = connect(port, '127.0.0.1', () => before.write(head(FORM.length)));
      while (limits.maxQueue === 1 && !(await figures(url)).includes('reclmis_requests_in_flight 2\n'));
      for (const connection of ['', 'Connection: close\r\n'])
        for (let i = 0; i < 3; i++) expect(await sending(port, length, more + connection)).toEqual(answer);
      before.destroy();
    });
  });
});

describe('time', () => {
  it('ends a request that never completes', async () => {
    await serving({ limits: { bodyTimeout: 300 } }, async ({ port, url }) => {
      expect(answerIn(await raw(port, whole(head(FORM.length), FORM.subarray(0, 50))))).toEqual([
        408,
        'REQUEST_SLOW',
      ]);
      expect(answerIn(await raw(port, whole('POST /segment HTTP/1.1\r\nHost')))).toEqual([
        408,
        'REQUEST_SLOW',
      ]);
      expect((await segment(url, IMAGE, { note: 'lung' })).status).toBe(200);
    });
  });

  it('aborts work that takes too long, queued or running', async () => {
    // Long enough for the first to begin on a busy machine.
    await serving({ limits: { timeout: 1_500, maxBatch: 1, batchWait: 0 } }, async ({ url, model }) => {
      model.delay = 2_500;
      const answers = await Promise.all(['a', 'b'].map((note) => segment(url, IMAGE, { note })));
      expect(answers.map((answer) => [answer.status, answer.json()['code']])).toEqual([
        [503, 'REQUEST_TIMEOUT'],
        [503, 'REQUEST_TIMEOUT'],
      ]);
      expect(answers[0]?.headers['retry-after']).toMatch(/^\d+$/);
      expect(model.notes).toHaveLength(1); // the other never began
      expect(model.signals[0]?.aborted).toBe(true);
      model.delay = 0;
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect((await segment(url, IMAGE, { note: 'c' })).status).toBe(200);
    });
  });

  it('aborts the work of a disconnected client', async () => {
    await serving({ limits: { maxBatch: 1, batchWait: 0 } }, async ({ url, model }) => {
      model.delay = 4_000; // longer than the rest of this test
      const first = segment(url, IMAGE, { note: 'a' });
      await until(() => model.notes.length === 1);
      model.delay = 0;
      const controller = new AbortController();
      const gone = segment(url, IMAGE, { note: 'gone' }, { signal: controller.signal }).catch(() => 'gone');
      const last = segment(url, IMAGE, { note: 'b' });
      let waiting = '';
      while (!waiting.includes('reclmis_queue_length 2')) waiting = await figures(url);
      controller.abort();
      expect(await gone).toBe('gone');
      expect((await first).status).toBe(200);
      expect((await last).status).toBe(200);
      expect(model.notes).toEqual(['a', 'b']);
      expect(await figures(url)).toContain(
        'reclmis_http_requests_total{method="POST",route="/segment",status="499"} 1',
      );
      expect(await figures(url)).toContain('reclmis_refused_total{code="INTERRUPTED"} 1');
    });
  });
});

describe('load', () => {
  it('refuses requests beyond the queue at once, and computes the rest in order', async () => {
    await serving({ limits: { maxQueue: 3, maxBatch: 1, batchWait: 0 } }, async ({ url, model }) => {
      model.delay = 4_000; // longer than the rest of this test
      const first = segment(url, IMAGE, { note: '0' });
      await until(() => model.notes.length === 1);
      model.delay = 0;
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => segment(url, IMAGE, { note: `${i + 1}` })),
      );
      expect((await first).status).toBe(200);
      const taken = answers.filter(({ status }) => status === 200);
      const refused = answers.filter(({ status }) => status === 503);
      expect([taken.length, refused.length]).toEqual([3, 17]);
      for (const answer of refused) {
        expect(answer.json()['code']).toBe('SERVER_BUSY');
        expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      }
      expect(model.notes).toHaveLength(4);
      expect(await figures(url)).toContain('reclmis_held_pixels 0');
    });
  });

  it('refuses a burst before reading bodies, and keeps no place for stalled clients', async () => {
    await serving({ limits: { maxQueue: 3, batchWait: 0 } }, async ({ url, port, server }) => {
      const unending = head(0).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
      const announced = (): Promise<string> => raw(port, whole(unending));
      const slow = [0, 1, 2].map(() => {
        const socket = connect(port, '127.0.0.1', () => socket.write(head(FORM.length)));
        return socket.on('error', () => undefined);
      });
      while (!(await figures(url)).includes('reclmis_requests_in_flight 4\n')); // the three and this one
      const refused = await Promise.all([0, 1, 2, 3].map(announced));
      expect(refused.map(answerIn)).toEqual(new Array(4).fill([503, 'SERVER_BUSY']));
      let status = 503;
      for (let i = 0; i < 100 && status === 503; i++)
        ({ status } = await segment(url, IMAGE, { note: 'lung' }));
      expect(status).toBe(200); // stalled, they lost their places
      slow[0]?.write(FORM);
      const answer = await new Promise<Buffer>((resolve) => slow[0]?.once('data', resolve));
      expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200/);
      for (const socket of slow) socket.destroy();
      await server.stop();
    });
  });

  it('limits held tensors like images', async () => {
    const inputs = [
      { name: 'image', datatype: 'FP32', shape: [1, 3, S, S], data: new Array<number>(3 * S * S).fill(0) },
      { name: 'note', datatype: 'FP32', shape: [1, T, W], data: new Array<number>(T * W).fill(0) },
    ];
    await serving(
      { limits: { maxPixels: S * S, heldPixels: S * S, batchWait: 0 } },
      async ({ url, model }) => {
        model.delay = 300;
        const first = infer(url, 'segmenter', { inputs });
        await until(() => model.batches.length === 1);
        expect((await infer(url, 'segmenter', { inputs })).json()['code']).toBe('SERVER_BUSY');
        expect((await first).status).toBe(200);
      },
    );
  });
});

describe('invalid HTTP', () => {
  it.each<[string, string, number]>([
    ['noise', '\u0000\u0001\u0002 nothing of this is HTTP\r\n\r\n', 400],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', 400],
    ['a head of 64 KiB', `GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`, 431],
    [
      'two lengths',
      'POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    [
      'length and chunks',
      'POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    [
      'a path that does not decode',
      'GET /v2/models/%ff%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    [
      'a path out of the tree',
      'GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      404,
    ],
    [
      'an expectation',
      'GET /nowhere HTTP/1.1\r\nHost: localhost\r\nExpect: more\r\nConnection: close\r\n\r\n',
      417,
    ],
    ['another method', 'DELETE /segment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 405],
    [
      'a name of great length',
      `GET /v2/models/${'a'.repeat(5_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      414,
    ],
    [
      'a bad chunk',
      `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
  ])('answers %s', async (_what, text, status) => {
    await serving({}, async ({ port, url }) => {
      const answer = await raw(port, Buffer.from(text, 'latin1'), { quiet: 5_000 });
      expect(answerIn(answer)[0]).toBe(status);
      expect(answerIn(answer)[1]).toMatch(/^[A-Z_]+$/);
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
    });
  });

  it.each<[string, string, number, string, RegExp]>([
    [
      'a long header',
      `GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'REQUEST_TOO_LARGE',
      /headers/,
    ],
    [
      'a long path',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      414,
      'REQUEST_TOO_LARGE',
      /path/,
    ],
    [
      'a path within the head',
      `GET /${'x'.repeat(3_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      414,
      'REQUEST_TOO_LARGE',
      /path/,
    ],
    [
      'a long query',
      `GET /v2?${'x'.repeat(9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      414,
      'REQUEST_TOO_LARGE',
      /path/,
    ],
    [
      'many headers',
      `GET /v2 HTTP/1.1\r\nHost: localhost\r\n${'a:b\r\n'.repeat(2_500)}\r\n`,
      431,
      'REQUEST_TOO_LARGE',
      /headers/,
    ],
    [
      'a long trailer',
      `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nT: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'REQUEST_TOO_LARGE',
      /headers/,
    ],
    [
      'a long extension of a chunk',
      `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(20_000)}\r\nx\r\n0\r\n\r\n`,
      413,
      'REQUEST_TOO_LARGE',
      /chunks/,
    ],
    ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001', 400, 'REQUEST_INVALID', /http:\/\//],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'REQUEST_INVALID', /HTTP\/1\.1/],
    ['HTTP/2 in words', 'GET /v2 HTTP/2.0\r\nHost: localhost\r\n\r\n', 400, 'REQUEST_INVALID', /HTTP\/1\.1/],
    ['HTTP/0.9', 'GET /v2\r\n\r\n', 400, 'REQUEST_INVALID', /HTTP\/1\.1/],
    ['no Host', 'GET /v2 HTTP/1.1\r\n\r\n', 400, 'REQUEST_INVALID', /Host/],
    [
      'two Hosts',
      'GET /v2 HTTP/1.1\r\nHost: localhost\r\nHost: evil.test\r\n\r\n',
      400,
      'REQUEST_INVALID',
      /Host/,
    ],
    [
      'a proxy’s request',
      'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      405,
      'METHOD_UNKNOWN',
      /proxy/,
    ],
    [
      'chunks within something else',
      `POST /segment HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
      400,
      'REQUEST_INVALID',
      /Content-Length/,
    ],
    [
      'line ends of one character',
      'GET /v2 HTTP/1.1\nHost: localhost\n\n',
      400,
      'REQUEST_INVALID',
      /HTTP\/1\.1/,
    ],
    [
      'a space before a colon',
      'GET /v2 HTTP/1.1\r\nHost : localhost\r\n\r\n',
      400,
      'REQUEST_INVALID',
      /HTTP\/1\.1/,
    ],
  ])('says what to do about %s, and ends the connection', async (_what, text, status, code, remedy) => {
    await serving({}, async ({ port, url }) => {
      const answer = await raw(port, Buffer.from(text, 'latin1'));
      expect(answerIn(answer)).toEqual([status, code]);
      expect(answer).toMatch(/\r\nconnection: close\r\n/i);
      const body = JSON.parse(answer.slice(answer.indexOf('{"error"'))) as { remedy: string };
      expect(body.remedy).toMatch(remedy);
      expect(body.remedy).not.toMatch(/image/);
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
    });
  });

  it('answers an upgrade request as an ordinary one', async () => {
    await serving({}, async ({ port }) => {
      for (const protocol of ['websocket', 'h2c']) {
        const text = `GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: ${protocol}\r\n\r\n`;
        expect(await raw(port, Buffer.from(text))).toMatch(/^HTTP\/1\.1 200 OK/);
      }
      expect(await raw(port, Buffer.from('GET /v2/health/live HTTP/1.0\r\n\r\n'))).toMatch(
        /^HTTP\/1\.1 200 OK/,
      );
    });
  });
});
