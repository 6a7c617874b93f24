/** Segmenting series of a PACS: what comes into the PACS, what is answered, and what is named nowhere. */
import { Pacs, readFileHead, SR_STORAGE } from '@reclmis/clinical';
import { type PlainFileValues, type Twist, withPacs } from '@reclmis/clinical/testing';
import { describe, expect, it } from 'vitest';
import { type Answer, FakeModel, send, serving } from '../testing.js';
import type { ServerOptions } from '../server.js';

const NAME = 'Secret^Person';
const ID = 'ID-4711';
const NOTE = 'planted words about the left lung';
const QUICK = { retryDelay: 1, retries: 1, timeout: 2_000, silence: 500 };
const SEG = '1.2.840.10008.5.1.4.1.1.66.4';

/** The model's size, so masks are exact. Bright in the top right corner. */
const SIDE = 8;
const BRIGHT = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % SIDE >= 5 && i < 2 * SIDE ? 255 : 0));

const image = (n: number, more: Partial<PlainFileValues> = {}): PlainFileValues => ({
  ...{ study: '1.2.1', series: '1.2.1.1', instance: `1.2.1.1.${n}`, number: n },
  ...{ patientName: NAME, patientId: ID, rows: SIDE, columns: SIDE, pixels: BRIGHT },
  ...more,
});

const ask = (
  url: string,
  body: unknown,
  { path = '/studies/1.2.1/series/1.2.1.1/segment', type = 'application/json', headers = {} } = {},
): Promise<Answer> =>
  send(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': type, ...headers },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });

interface To {
  readonly url: string;
  readonly add: (...values: readonly PlainFileValues[]) => Uint8Array[];
  readonly stored: ReadonlyMap<string, Buffer>;
  readonly lines: string[];
}

function withBoth<T>(
  test: (to: To) => Promise<T>,
  options: Partial<ServerOptions> & { readonly model?: FakeModel } = {},
  twist?: Twist,
): Promise<T> {
  const lines: string[] = [];
  return withPacs(
    ({ url: root, add, stored }) =>
      serving(
        {
          pacs: new Pacs(root, QUICK),
          log: { level: 'trace', stream: { write: (line) => void lines.push(line) } },
          ...options,
        },
        ({ url }) => test({ url, add, stored, lines }),
      ),
    twist,
  );
}

/** Bits of masks, the first pixel lowest, without gaps between frames, at the end of a SEG. */
function packed(...masks: readonly Uint8Array[]): Buffer {
  const bits = masks.flatMap((mask) => Array.from(mask, (value) => (value > 0 ? 1 : 0)));
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, i) => (bytes[i >> 3]! |= bit << (i & 7)));
  return Buffer.from(bytes);
}

describe('POST /studies/{study}/series/{series}/segment', () => {
  it('stores a report of the SEG if asked', () =>
    withBoth(async ({ url, add, stored }) => {
      add(image(1));
      const json = (await ask(url, { note: NOTE, report: true })).json() as Record<'segmentations' | 'reports', { series: string; instance: string }[]>; // prettier-ignore
      expect([json.segmentations.length, json.reports.length, stored.size]).toEqual([1, 1, 2]);
      const report = stored.get(json.reports[0]!.instance)!;
      expect(readFileHead(report)?.sopClass).toBe(SR_STORAGE);
      // 6 pixels of 0.2 x 0.2 mm
      for (const held of [json.segmentations[0]!.instance, '1.2.1.1.1', 'Described region, image 1', '0.24'])
        expect(report.includes(held)).toBe(true);
      expect(report.includes('planted')).toBe(false);
      expect(json.reports[0]!.series).not.toBe(json.segmentations[0]!.series);
    }));

  it('stores a SEG with the masks as stored, and answers with UIDs and figures', () =>
    withBoth(async ({ url, add, stored }) => {
      const mirrored = BRIGHT.map((_, i) => BRIGHT[i - (i % SIDE) + (SIDE - 1 - (i % SIDE))]!);
      add(image(1), image(2, { orientation: 'R\\F', pixels: mirrored }));
      const answer = await ask(url, { note: NOTE, label: 'Opacity' });
      expect(answer.status).toBe(200);
      const json = answer.json();
      expect(json).toMatchObject({
        model: expect.any(String) as string,
        study: '1.2.1',
        series: '1.2.1.1',
        images: 2,
        pixels: 12,
        frames: [
          {
            ...{ instance: '1.2.1.1.1', frame: 0, width: 8, height: 8, pixels: 6, share: 6 / 64 },
            // Imager Pixel Spacing of 0.2 mm.
            ...{ componentCount: 1, areaMm2: expect.closeTo(0.24, 9) as number, spacingAt: 'detector' },
          },
          { instance: '1.2.1.1.2', pixels: 6 },
        ],
        warnings: expect.any(Array) as unknown[],
      });
      const [seg, ...others] = json['segmentations'] as {
        study: string;
        series: string;
        instance: string;
        frames: number;
      }[];
      expect([others, seg?.frames, seg?.study]).toEqual([[], 2, '1.2.1']);
      expect([...stored.keys()]).toEqual([seg?.instance]);
      const bytes = stored.get(seg!.instance)!;
      expect(readFileHead(bytes)).toMatchObject({ sopClass: SEG, sopInstance: seg?.instance });
      expect(bytes.subarray(-16).equals(packed(BRIGHT, mirrored))).toBe(true);
      const text = bytes.toString('latin1');
      for (const held of ['1.2.1.1.1', '1.2.1.1.2', 'Opacity', NAME, ID]) expect(text).toContain(held);
      expect(text).not.toContain(NOTE);
    }));

  it('warns of images of the other side than the note’s', () =>
    withBoth(async ({ url, add }) => {
      add(image(1, { laterality: 'R' }));
      const codes = ((await ask(url, { note: NOTE })).json()['warnings'] as { code: string }[]).map(
        ({ code }) => code,
      );
      expect(codes).toContain('LATERALITY_DIFFERS');
    }));

  it('writes the note into the SEG only if asked to, and one SEG per size', () =>
    withBoth(async ({ url, add, stored }) => {
      add(image(1), image(2, { rows: 16, pixels: new Uint8Array(SIDE * 16) }));
      const json = (await ask(url, { note: NOTE, description: true })).json();
      expect((json['segmentations'] as { frames: number }[]).map(({ frames }) => frames)).toEqual([1, 1]);
      expect(stored.size).toBe(2);
      for (const bytes of stored.values()) expect(bytes.toString('latin1')).toContain(NOTE);
    }));

  it('is there only with a PACS, and described only then', async () => {
    await serving({}, async ({ url }) => {
      expect((await ask(url, { note: 'x' })).status).toBe(404);
      expect(Object.keys((await send(`${url}/openapi.json`)).json()['paths'] as object)).not.toContain(
        '/studies/{study}/series/{series}/segment',
      );
    });
    await withBoth(async ({ url }) => {
      expect(Object.keys((await send(`${url}/openapi.json`)).json()['paths'] as object)).toContain(
        '/studies/{study}/series/{series}/segment',
      );
      expect((await send(`${url}/docs`)).body.toString()).toContain('Segment a series of the PACS');
    });
  });

  it('needs the token as other routes do', () =>
    withBoth(
      async ({ url, add, stored }) => {
        add(image(1));
        expect((await ask(url, { note: NOTE })).status).toBe(401);
        expect(stored.size).toBe(0);
        const headers = { authorization: 'Bearer 0123456789abcdef' };
        expect((await ask(url, { note: NOTE }, { headers })).status).toBe(200);
      },
      { token: '0123456789abcdef' },
    ));

  it.each<[unknown, number, string]>([
    [{}, 400, 'NOTE_MISSING'],
    [{ note: ' ' }, 422, 'NOTE_EMPTY'],
    [{ note: 'a\u0000' }, 422, 'NOTE_INVALID'],
    [{ note: 'x'.repeat(3000) }, 413, 'NOTE_TOO_LONG'],
    [{ note: 7 }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, threshold: 2 }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, threshold: '0.5' }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, sides: 'mine' }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, description: 'yes' }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, report: 1 }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, label: 'a\\b' }, 400, 'REQUEST_INVALID'],
    [{ note: NOTE, other: 1 }, 400, 'REQUEST_INVALID'],
    [`[${'['.repeat(100)}`, 400, 'REQUEST_INVALID'],
    ['no JSON', 400, 'REQUEST_INVALID'],
  ])('%j: %i %s, before the PACS is asked', (body, status, code) =>
    withBoth(
      async ({ url }) => {
        const answer = await ask(url, body);
        expect([answer.status, answer.json()['code']]).toEqual([status, code]);
        expect(answer.body.toString()).not.toContain(NOTE);
      },
      {},
      () => {
        throw new Error('asked');
      },
    ),
  );

  it('refuses what is no UID or no JSON', () =>
    withBoth(async ({ url }) => {
      for (const path of [
        '/studies/1.2/series/..%2f1/segment',
        `/studies/${'1'.repeat(65)}/series/1/segment`,
        '/studies/a/series/1/segment',
      ])
        expect((await ask(url, { note: NOTE }, { path })).status).toBe(400);
      expect((await ask(url, 'note=x', { type: 'application/x-www-form-urlencoded' })).status).toBe(415);
    }));

  const answering =
    (status: number, body = `${NAME} ${ID}`): Twist =>
    (_, response) =>
      !!response.writeHead(status, { 'content-type': 'text/html' }).end(body);

  it.each<[string, number, string, Twist]>([
    ['does not have it', 404, 'PACS_MISSING', answering(404)],
    ['refuses', 502, 'PACS_REFUSED', answering(401)],
    ['fails', 502, 'PACS_FAILED', answering(500)],
    ['is busy', 502, 'PACS_UNREACHABLE', answering(503)],
    ['answers with a page', 502, 'PACS_INVALID', answering(200)],
    [
      'stores nothing',
      502,
      'PACS_FAILED',
      ({ method }, response) =>
        method === 'POST' &&
        !!response.writeHead(200, { 'content-type': 'application/dicom+json' }).end('{}'),
    ],
  ])('a PACS that %s: %i %s', (_, status, code, twist) =>
    withBoth(
      async ({ url, add, stored }) => {
        add(image(1));
        const answer = await ask(url, { note: NOTE });
        expect([answer.status, answer.json()['code']]).toEqual([status, code]);
        expect(stored.size).toBe(0);
      },
      {},
      twist,
    ),
  );

  it('refuses series of too many bytes, too many pixels, and files that are no images', () =>
    withBoth(
      async ({ url, add, stored }) => {
        add(image(1, { rows: 100, columns: 100, pixels: new Uint8Array(10_000) }));
        add(image(2, { series: '1.2.1.2', rows: 20, columns: 20, pixels: new Uint8Array(400) }));
        add(image(3, { series: '1.2.1.3', sopClass: SEG }));
        const codes: unknown[] = [];
        for (const series of ['1.2.1.1', '1.2.1.2', '1.2.1.3']) {
          const answer = await ask(url, { note: NOTE }, { path: `/studies/1.2.1/series/${series}/segment` });
          codes.push([answer.status, answer.json()['code']]);
        }
        expect(codes).toEqual([
          [413, 'IMAGE_TOO_LARGE'],
          [413, 'IMAGE_TOO_LARGE'],
          [415, 'IMAGE_UNSUPPORTED'],
        ]);
        expect(stored.size).toBe(0);
      },
      { limits: { maxSeriesBytes: 5_000, maxPixels: 300 } },
    ));

  it('ends in time when the PACS does not, and serves others meanwhile', () =>
    withBoth(
      async ({ url }) => {
        const waiting = [1, 2].map(() => ask(url, { note: NOTE }));
        await new Promise((resolve) => setTimeout(resolve, 100));
        const third = await ask(url, { note: NOTE });
        expect([third.status, third.json()['code']]).toEqual([503, 'SERVER_BUSY']);
        expect((await send(`${url}/v2/health/live`)).status).toBe(200);
        for (const answer of await Promise.all(waiting))
          expect([answer.status, answer.json()['code']]).toEqual([503, 'REQUEST_TIMEOUT']);
      },
      { limits: { seriesTimeout: 400 } },
      () => true, // never answers
    ));

  it('more images than the queue holds wait for each other', () =>
    withBoth(
      async ({ url, add }) => {
        add(...Array.from({ length: 12 }, (_, n) => image(n)));
        const answer = await ask(url, { note: NOTE });
        expect([answer.status, answer.json()['images']]).toEqual([200, 12]);
      },
      { model: new FakeModel(5), limits: { maxQueue: 1, maxBatch: 4, heldPixels: 200 } },
    ));
});

it('logs, metrics and errors name neither patient, identifiers nor note', () =>
  withBoth(async ({ url, add, lines }) => {
    add(image(1), image(2, { series: '1.2.1.9', sopClass: SEG }));
    const bodies: string[] = [];
    for (const [path, body] of [
      ['/studies/1.2.1/series/1.2.1.1/segment', { note: NOTE }],
      ['/studies/1.2.1/series/1.2.1.9/segment', { note: NOTE }],
      ['/studies/1.2.1/series/1.2.1.7/segment', { note: NOTE }],
      [`/studies/${ID}/series/1/segment`, { note: NOTE }],
      ['/studies/1.2.1/series/1.2.1.1/segment', { note: 'fail' }],
      ['/studies/1.2.1/series/1.2.1.1/segment', { note: NOTE, [NAME]: 1 }],
      [`/studies/1.2.1/unknown/${ID}`, {}],
    ] as const) {
      const { status, body: bytes } = await ask(url, body, { path });
      if (status !== 200) bodies.push(bytes.toString());
    }
    expect(bodies).toHaveLength(6);
    expect(lines.length).toBeGreaterThanOrEqual(7);
    bodies.push((await send(`${url}/metrics`)).body.toString());
    const said = [...lines, ...bodies].join('\n');
    expect(said).toContain('/studies/:study/series/:series/segment');
    const written = said.replaceAll(/"reqId":"[^"]+"/g, ''); // random digits, which may be those of the ID
    expect(written).not.toMatch(/Secret|Person|4711|1\.2\.1\b|planted|lung/);
  }));
