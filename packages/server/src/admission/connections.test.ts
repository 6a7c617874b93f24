/** Connections: pipelining, how many, responses that nobody reads, and how they end. */
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { ServerOptions } from '../server.js';
import { FakeModel, FORM_TYPE, formOf, greyPng, raw, segment, send, serving, until } from '../testing.js';

const IMAGE = greyPng(6, 5);
const GET = Buffer.from('GET /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n');
const TOKEN = 'a-token-of-the-tests-0123456789';

const post = (form: Uint8Array, more = ''): Buffer =>
  Buffer.concat([
    Buffer.from(
      `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${form.length}\r\n${more}\r\n`,
    ),
    form,
  ]);
const good = (note = 'left lung'): Buffer => post(formOf(IMAGE, { note }));
const bad = post(formOf(null, { note: 'no image' }));
const times = (bytes: Uint8Array, count: number): Buffer =>
  Buffer.concat(new Array<Uint8Array>(count).fill(bytes));

/** A connected socket, paused. */
function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.on('error', () => undefined)));
    socket.once('error', reject).pause();
  });
}

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));

async function figure(url: string, name: string, headers: Record<string, string> = {}): Promise<number> {
  const text = (await send(`${url}/metrics`, { headers })).body.toString();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function holdsNothing(url: string): Promise<void> {
  for (let left = 200; left > 0; left--) {
    const values = await Promise.all(
      ['held_bytes', 'held_pixels', 'queue_length'].map((name) => figure(url, `reclmis_${name}`)),
    );
    if (values.every((value) => value === 0) && (await figure(url, 'reclmis_requests_in_flight')) === 1)
      return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error((await send(`${url}/metrics`)).body.toString());
}

describe('pipelined requests', () => {
  it('are answered in order, one worked on at a time', async () => {
    await serving({ limits: { batchWait: 50 } }, async ({ port, model }) => {
      const last = good('c').toString('latin1').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
      const bytes = Buffer.concat([GET, good('a'), bad, good('b'), GET, Buffer.from(last, 'latin1')]);
      expect(statuses(await raw(port, bytes))).toEqual([200, 200, 400, 200, 200, 200]);
      expect([model.notes, model.batches]).toEqual([
        ['a', 'b', 'c'],
        [1, 1, 1],
      ]);
    });
  });

  it('are answered up to 17, and then the connection ends', async () => {
    await serving({}, async ({ port, url }) => {
      expect(statuses(await raw(port, times(GET, 17), { quiet: 500 }))).toEqual(new Array(17).fill(200));
      const more = await raw(port, times(GET, 25));
      expect(statuses(more)).toEqual(new Array(17).fill(200));
      expect(more.match(/connection: close/gi)).toHaveLength(1);
      expect(more.lastIndexOf('Connection: close')).toBeGreaterThan(more.lastIndexOf('HTTP/1.1 '));
      expect(statuses(await raw(port, times(GET, 1500))).length).toBeLessThan(17);
      expect(await figure(url, 'reclmis_connections_ended_total{reason="flood"}')).toBe(1);
      expect(statuses(await raw(port, GET, { quiet: 200 }))).toEqual([200]);
    });
  });

  it('leave nothing behind when the client closes at once', async () => {
    await serving({ limits: { maxQueue: 4, batchWait: 0 } }, async ({ port, url, model }) => {
      model.delay = 20;
      for (let i = 0; i < 12; i++) {
        const socket = await connected(port);
        socket.write(Buffer.concat([good(), times(bad, 7)]));
        await new Promise((resolve) => setTimeout(resolve, 4));
        if (i % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
      }
      await holdsNothing(url);
      for (let i = 0; i < 10; i++) expect((await segment(url, IMAGE, { note: 'lung' })).status).toBe(200);
    });
  });

  it('leave no body waiting for the previous response', async () => {
    const limits = { heldBytes: 3 * 2 ** 20, batchWait: 0 };
    await serving({ limits }, async ({ port, url, model }) => {
      model.delay = 150;
      for (let i = 0; i < 5; i++) {
        const begun = model.notes.length;
        const socket = await connected(port);
        socket.write(Buffer.concat([good(), post(Buffer.alloc(2 ** 20))]));
        await until(() => model.notes.length > begun);
        socket.destroy();
      }
      await holdsNothing(url);
      expect((await segment(url, greyPng(700, 700), { note: 'lung' })).status).toBe(200);
    });
  });

  it('end with the first that lacks the token', async () => {
    await serving({ token: TOKEN }, async ({ port, url }) => {
      const answer = await raw(port, times(GET, 10));
      expect(statuses(answer)).toEqual([401]);
      expect(answer).toMatch(/connection: close/i);
      const sockets = await Promise.all(Array.from({ length: 40 }, () => connected(port)));
      for (const socket of sockets) socket.write(times(GET, 3000));
      await Promise.all(
        sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve).resume())),
      );
      const headers = { authorization: `Bearer ${TOKEN}` };
      expect(await figure(url, 'reclmis_http_request_duration_seconds_count{route="/v2"}', headers)).toBe(41); // each one's first
      expect(await figure(url, 'reclmis_connections_ended_total{reason="flood"}', headers)).toBe(40);
      expect(await figure(url, 'reclmis_connections', headers)).toBe(1);
    });
  });

  it('are followed by a coded refusal of garbage', async () => {
    await serving({ limits: { batchWait: 0 } }, async ({ port, model, url }) => {
      model.delay = 100;
      const text = await raw(port, Buffer.concat([good(), Buffer.from('nonsense\r\n\r\n')]));
      expect(statuses(text)).toEqual([200, 400]);
      expect(text).toContain('"code":"REQUEST_INVALID"');
      await holdsNothing(url);
    });
  });
});

describe('a response that is not read', () => {
  /** A server whose 19 MB response exceeds the kernel's buffers. */
  const large = <R>(
    limits: ServerOptions['limits'],
    test: (to: { url: string; port: number; asking: Buffer; stop: () => Promise<void> }) => Promise<R>,
  ): Promise<R> => {
    const model = new FakeModel();
    model.encodeNotes = ({ length }) => Promise.resolve(new Float32Array(length * 2 ** 20).fill(Math.PI));
    const body = JSON.stringify({ inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['a'] }] });
    const asking = Buffer.from(
      `POST /v2/models/text-encoder/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    return serving({ model, limits: limits ?? {} }, ({ url, port, server }) =>
      test({ url, port, asking, stop: () => server.stop() }),
    );
  };

  it('is held, counted and eventually dropped; requests behind it are not started', async () => {
    await large({ bodyTimeout: 4_000 }, async ({ url, port, asking }) => {
      const socket = await connected(port);
      socket.write(times(asking, 4));
      const ended = 'reclmis_connections_ended_total{reason="answer_not_taken"}';
      let held = 0;
      while (held < 1_000 && (await figure(url, ended)) === 0) held = await figure(url, 'reclmis_held_bytes');
      expect(held).toBeGreaterThan(15 * 2 ** 20);
      expect(held).toBeLessThan(30 * 2 ** 20);
      while ((await figure(url, ended)) === 0);
      await holdsNothing(url);
      const status = 'reclmis_http_requests_total{method="POST",route="/v2/models/:name/infer",status="499"}';
      expect((await send(`${url}/metrics`)).body.toString()).toContain(status);
      socket.destroy();
    });
  });

  it('does not delay shutdown, unless it is being read', async () => {
    await large({}, async ({ url, port, asking, stop }) => {
      const [silent, taking] = [await connected(port), await connected(port)];
      silent.write(times(asking, 3));
      taking.write(asking);
      while (
        (await figure(url, 'reclmis_requests_in_flight')) < 3 ||
        (await figure(url, 'reclmis_held_bytes')) < 30 * 2 ** 20
      );
      let got = 0;
      const whole = new Promise((resolve) => taking.once('close', resolve));
      taking.on('data', (data) => (got += data.length)).resume();
      const begun = performance.now();
      await stop();
      await whole;
      expect(performance.now() - begun).toBeLessThan(20_000); // its grace is 30 s
      expect(got).toBeGreaterThan(15 * 2 ** 20);
      silent.destroy();
    });
  });
});

describe('the number of connections', () => {
  it('is limited: a new connection closes the longest idle one', async () => {
    await serving({ limits: { maxConnections: 3 } }, async ({ port, url }) => {
      const sockets = [await connected(port), await connected(port), await connected(port)];
      const closed = sockets.map(
        (socket, i) => new Promise<number>((resolve) => socket.once('close', () => resolve(i)).resume()),
      );
      sockets[0]?.write(GET); // no longer the longest idle
      await new Promise((resolve) => sockets[0]?.once('data', resolve));
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
      expect(await Promise.race(closed)).toBe(1);
      expect(await figure(url, 'reclmis_connections_ended_total{reason="idle"}')).toBe(1);
      sockets[2]?.write(GET);
      await new Promise((resolve) => sockets[2]?.once('data', resolve));
      for (const socket of sockets) socket.destroy();
    });
  });

  it('refuses a new one if all are busy', async () => {
    await serving({ limits: { maxConnections: 2, batchWait: 0 } }, async ({ port, url, model }) => {
      model.delay = 500;
      const answers = [segment(url, IMAGE, { note: 'a' }), segment(url, IMAGE, { note: 'b' })];
      await until(() => model.notes.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const text = await raw(port, GET);
      expect(statuses(text)).toEqual([503]);
      expect(text).toMatch(/"code":"SERVER_BUSY","remedy":"/);
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
      expect((await send(`${url}/v2`)).status).toBe(200);
      expect(await figure(url, 'reclmis_connections_ended_total{reason="full"}')).toBe(1);
    });
  });

  it('is not inflated by clients that vanish', async () => {
    await serving({}, async ({ port, url }) => {
      for (let i = 0; i < 100; i++) {
        const socket = await connected(port);
        if (i % 3 > 0) socket.write(i % 3 === 1 ? good().subarray(0, 200) : GET);
        socket.resetAndDestroy();
      }
      while ((await figure(url, 'reclmis_connections')) > 1);
      await holdsNothing(url);
    });
  });
});

describe('stopping', () => {
  it('does not wait for silent clients', async () => {
    await serving({}, async ({ port, url, server }) => {
      const sockets = await Promise.all(Array.from({ length: 6 }, () => connected(port)));
      const [, half, body, piped, refused, wide] = sockets;
      half?.write('POST /segment HTTP/1.1\r\nHost:');
      body?.write(good().subarray(0, -10));
      piped?.write(times(GET, 30));
      refused?.write(
        post(Buffer.alloc(0))
          .toString()
          .replace('Content-Length: 0', 'Content-Length: 1000\r\nContent-Encoding: gzip'),
      );
      wide?.write(times(GET, 3000));
      expect((await send(`${url}/v2/health/live`)).status).toBe(200);
      const begun = performance.now();
      await server.stop();
      expect(performance.now() - begun).toBeLessThan(10_000);
      for (const socket of sockets) socket.destroy();
    });
  });

  it('finishes accepted requests, and starts none queued behind them', async () => {
    await serving({ limits: { batchWait: 0 } }, async ({ port, model, server }) => {
      model.delay = 300;
      const answer = raw(port, Buffer.concat([good('a'), good('b'), good('c')]));
      await until(() => model.notes.length === 1);
      await server.stop();
      expect(statuses(await answer)).toEqual([200]);
      expect(model.notes).toEqual(['a']);
    });
  });
});

describe('a body of many small pieces', () => {
  it('is held in blocks, and arrives complete', async () => {
    await serving({}, async ({ port, url, model }) => {
      const form = formOf(greyPng(60, 60), { note: 'in pieces', threshold: '0.25' });
      const pieces = [...form].map((byte) =>
        Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]),
      );
      const head = `POST /segment HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${FORM_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`;
      const text = await raw(port, Buffer.concat([Buffer.from(head), ...pieces, Buffer.from('0\r\n\r\n')]));
      expect(statuses(text)).toEqual([200]);
      expect(model.notes).toEqual(['in pieces']);
      const big = greyPng(1, 1);
      const long = Buffer.concat([big, Buffer.alloc(200_000)]); // more than three blocks
      expect((await segment(url, long, { note: 'lung' })).status).toBe(200);
      await holdsNothing(url);
    });
  });
});
