import { Random } from '@reclmis/core';
import { expect } from 'vitest';
import { Inside, mutate, sendAll } from './mutations.js';
import { FORM_TYPE, formOf, greyPng, S, segment, send, serving, T, W } from '../testing.js';

const LANES = 16;

function post(path: string, type: string, body: Uint8Array, more = ''): Buffer {
  return Buffer.concat([
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n${more}\r\n`,
    ),
    body,
  ]);
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0);
const JSON_BODY = Buffer.from(
  JSON.stringify({
    id: '1',
    inputs: [
      { name: 'image', datatype: 'FP32', shape: [1, 3, S, S], data: zeros(3 * S * S) },
      { name: 'note', datatype: 'FP32', shape: [1, T, W], data: zeros(T * W) },
    ],
    outputs: [{ name: 'probability' }],
  }),
);
const BINARY_HEAD = Buffer.from(
  JSON.stringify({
    inputs: [{ name: 'tokens', datatype: 'INT64', shape: [1, T], parameters: { binary_data_size: 8 * T } }],
    parameters: { binary_data_output: true },
  }),
);
const VALID: readonly Buffer[] = [
  post('/segment', FORM_TYPE, formOf(greyPng(6, 5), { note: 'left lung', threshold: '0.5' })),
  post('/v2/models/segmenter/infer', 'application/json', JSON_BODY),
  post(
    '/v2/models/text-encoder/versions/1/infer',
    'application/octet-stream',
    Buffer.concat([BINARY_HEAD, Buffer.alloc(8 * T)]),
    `Inference-Header-Content-Length: ${BINARY_HEAD.length}\r\n`,
  ),
  Buffer.from('GET /v2/models/segmenter/versions/1/ready HTTP/1.1\r\nHost: localhost\r\n\r\n'),
];

/**
 * Each mutation gets 2xx, 3xx, a coded 4xx or 503, or its connection ends because it promised bytes that
 * never came; afterwards the server still works and holds nothing. @returns responses by status, and how many
 * requests were incomplete.
 */
export async function storm(
  count: number,
  seed: number,
): Promise<{ seen: [number, number][]; unfinished: number }> {
  return serving({ limits: { batchWait: 0, maxQueue: 64 } }, async ({ url, port, server }) => {
    const to = { port, inside: new Inside(server.app.server) };
    await segment(url, greyPng(6, 5), { note: 'lung' });
    const good = await sendAll(to, VALID, 1);
    expect([good.unfinished, good.dropped, [...good.statuses]]).toEqual([0, [], [[200, VALID.length]]]);
    const random = Random.from(seed, 'mutations');
    function* mutants(): Generator<Buffer> {
      for (let i = 0; i < count; i++) yield mutate(random.pick(VALID), random);
    }
    const { statuses, unfinished, dropped, uncoded } = await sendAll(to, mutants(), LANES);
    const seen = [...statuses].sort(([a], [b]) => a - b);
    expect(seen.filter(([status]) => status >= 500 && status !== 503)).toEqual([]);
    expect(uncoded).toEqual([]);
    expect(dropped).toEqual([]);
    expect(seen.reduce((sum, [, n]) => sum + n, 0) + unfinished).toBeGreaterThanOrEqual(count);
    expect(unfinished).toBeLessThan(count / 2); // otherwise little was tested
    for (const status of [200, 400, 404, 415, 422]) expect(statuses.get(status) ?? 0).toBeGreaterThan(0);
    expect((await segment(url, greyPng(6, 5), { note: 'lung' })).status).toBe(200);
    const metrics = (await send(`${url}/metrics`)).body.toString();
    for (const name of ['reclmis_queue_length', 'reclmis_held_bytes', 'reclmis_held_pixels'])
      expect(metrics).toContain(`${name} 0\n`);
    expect(metrics).toContain('reclmis_requests_in_flight 1\n');
    return { seen, unfinished };
  });
}
