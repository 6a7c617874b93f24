/** The client against a PACS in memory: searching, fetching and storing, and answers that are odd or hostile. */
import type { ServerResponse } from 'node:http';
import { ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { plainDicomFile, type PlainFileValues } from '../testing/plain-file.js';
import { type Asked, dataSet, partsOf, sendParts, type Twist, withPacs } from '../testing/fake-pacs.js';
import type { PacsOptions } from './connection.js';
import { basicCredentials, bearerCredentials } from './credentials.js';
import { Pacs } from './pacs.js';

const QUICK: PacsOptions = { retryDelay: 1, timeout: 2_000, silence: 300 };
const NAME = 'Secret^Person';
const ID = 'ID-4711';

const image = (n: number, more: Partial<PlainFileValues> = {}): PlainFileValues => ({
  study: '1.2.1',
  series: '1.2.1.1',
  instance: `1.2.1.1.${n}`,
  number: n,
  patientName: NAME,
  patientId: ID,
  ...more,
});

const failure = (promise: Promise<unknown>): Promise<ReclmisError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => {
      if (!(error instanceof ReclmisError)) throw error;
      // Neither the patient's nor the objects' identifiers, whatever the answer held.
      expect(`${error.message} ${error.remedy}`).not.toMatch(/Secret|4711|1\.2\.1/);
      return error;
    },
  );

async function all(pacs: Pacs, study = '1.2.1', series = '1.2.1.1'): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>();
  for await (const { instance, bytes } of pacs.retrieveSeries(study, series)) {
    expect(found.has(instance)).toBe(false);
    found.set(instance, bytes);
  }
  return found;
}

describe('searching', () => {
  it('finds studies, series and instances with their attributes', () =>
    withPacs(async ({ url, add, asked }) => {
      add(
        image(1),
        image(2, { series: '1.2.1.2', modality: 'CT' }),
        image(3, { study: '1.2.2', patientId: 'B' }),
      );
      const pacs = new Pacs(url, QUICK);
      const { found, more } = await pacs.studies({ PatientID: ID, PatientName: 'S* é?' });
      expect(found).toEqual([
        {
          study: '1.2.1',
          date: '20260101',
          description: '',
          accession: '',
          modalities: ['DX'],
          patientName: NAME,
          patientId: ID,
          series: null,
          instances: null,
        },
      ]);
      expect(more).toBe(false);
      expect(asked[0]?.path).toContain('studies?PatientID=ID-4711&PatientName=S*%20%C3%A9%3F&includefield=');
      expect(asked[0]?.headers['accept']).toBe('application/dicom+json');
      expect((await pacs.series('1.2.1')).found.map(({ series, modality }) => [series, modality])).toEqual([
        ['1.2.1.1', 'DX'],
        ['1.2.1.2', 'CT'],
      ]);
      const { found: instances } = await pacs.instances('1.2.1', '1.2.1.1');
      expect(instances.map(({ instance, number }) => [instance, number])).toEqual([['1.2.1.1.1', 1]]);
      expect((await pacs.studies({ PatientID: 'nobody' })).found).toEqual([]);
    }));

  const many = Array.from({ length: 1203 }, (_, i) => dataSet(image(i)));
  const paged =
    (cut: (offset: number, limit: number) => unknown[], headers = {}): Twist =>
    ({ path }, response) => {
      const query = new URL(path, 'http://x/').searchParams;
      const page = cut(Number(query.get('offset')), Number(query.get('limit')));
      response
        .writeHead(200, { 'content-type': 'application/dicom+json', ...headers })
        .end(JSON.stringify(page));
      return true;
    };

  it.each([
    ['pages', paged((offset, limit) => many.slice(offset, offset + limit))],
    ['returns everything at once', paged(() => many)],
    [
      'returns fewer than asked for and says so',
      paged((offset) => many.slice(offset, offset + 100), { warning: '299 pacs "there are more"' }),
    ],
    ['returns fewer than asked for in silence', paged((offset) => many.slice(offset, offset + 100))],
    [
      'refuses what is behind the last',
      ({ path }, response) =>
        Number(new URL(path, 'http://x/').searchParams.get('offset')) >= many.length
          ? (response.writeHead(400).end(), true)
          : paged((offset) => many.slice(offset, offset + 100))({ path } as Asked, response),
    ],
  ] satisfies [string, Twist][])('collects all from a server that %s', (_, twist) =>
    withPacs(async ({ url }) => {
      const { found, more } = await new Pacs(url, QUICK).instances('1.2.1', '1.2.1.1', 2_000);
      expect([found.length, new Set(found.map(({ instance }) => instance)).size, more]).toEqual([
        1203,
        1203,
        false,
      ]);
      expect(await new Pacs(url, QUICK).instances('1.2.1', '1.2.1.1', 10)).toMatchObject({ more: true });
    }, twist),
  );

  it('collects all studies and series from a server that returns fewer than asked for in silence', () => {
    const each = Array.from({ length: 203 }, (_, i) =>
      dataSet({ ...image(i), study: `1.2.${i}`, series: `1.2.${i}.1` }),
    );
    return withPacs(
      async ({ url }) => {
        const pacs = new Pacs(url, QUICK);
        expect((await pacs.studies({}, 1_000)).found).toHaveLength(203);
        expect((await pacs.series(null, {}, 1_000)).found).toHaveLength(203);
        expect(await pacs.studies({}, 150)).toMatchObject({ more: true });
      },
      paged((offset) => each.slice(offset, offset + 20)),
    );
  });

  it('ends with a server that repeats its first page for ever', () =>
    withPacs(
      async ({ url, asked }) => {
        expect((await new Pacs(url, QUICK).instances('1.2.1', '1.2.1.1')).found).toHaveLength(500);
        expect(asked).toHaveLength(2);
      },
      paged(() => many.slice(0, 500)),
    ));

  it.each<[string, Record<string, string>]>([
    ['a filter’s name', { 'Patient&ID': 'x' }],
    ['a line break', { PatientID: 'a\nb' }],
  ])('refuses %s before asking', async (_, filters) => {
    const error = await failure(new Pacs('http://127.0.0.1:1', QUICK).studies(filters));
    expect(error.code).toBe('OPTION_INVALID');
  });

  it('refuses what is no UID before asking', async () => {
    const pacs = new Pacs('http://127.0.0.1:1', QUICK);
    expect((await failure(pacs.instances('../admin', '1'))).code).toBe('OPTION_INVALID');
    expect((await failure(all(pacs, '1', '1/2'))).code).toBe('OPTION_INVALID');
  });
});

describe('fetching', () => {
  it('gives each file of a series byte for byte, and one instance', () =>
    withPacs(async ({ url, add, asked }) => {
      const files = add(
        image(1, { pixels: new Uint8Array(100_001).fill(7) }),
        image(2),
        image(3, { series: '1.2.1.2' }),
      );
      const pacs = new Pacs(url, QUICK);
      const found = await all(pacs);
      expect([...found.keys()]).toEqual(['1.2.1.1.1', '1.2.1.1.2']);
      [...found.values()].forEach((bytes, i) => expect(Buffer.compare(bytes, files[i]!)).toBe(0));
      expect(asked.at(-1)?.headers['accept']).toBe(
        'multipart/related; type="application/dicom"; transfer-syntax=*',
      );
      const one = await pacs.retrieveInstance('1.2.1', '1.2.1.1', '1.2.1.1.2');
      expect(Buffer.compare(one.bytes, files[1]!)).toBe(0);
    }));

  const series: Twist = ({ path }, response) => {
    if (!/series\/[\d.]+$/.test(path)) return false;
    // One whole file, then the connection breaks in the middle of the second.
    response.writeHead(200, { 'content-type': 'multipart/related; boundary=x' });
    response.write('--x\r\nContent-Type: application/dicom\r\n\r\n');
    response.write(plainDicomFile(image(1)));
    response.write('\r\n--x\r\nContent-Type: application/dicom\r\n\r\n');
    response.write(plainDicomFile(image(2)).subarray(0, 200), () => response.destroy());
    return true;
  };

  it('fetches one by one what a broken connection left out', () => {
    const problems: string[] = [];
    return withPacs(async ({ url, add, asked }) => {
      add(image(1), image(2), image(3));
      const found = await all(new Pacs(url, { ...QUICK, onRetry: (problem) => problems.push(problem) }));
      expect([...found.keys()]).toEqual(['1.2.1.1.1', '1.2.1.1.2', '1.2.1.1.3']);
      expect(asked.filter(({ path }) => /instances\/[\d.]+$/.test(path))).toHaveLength(2);
      expect(problems).toHaveLength(1);
    }, series);
  });

  it('refuses instances that were not asked for, and leaves none out silently', async () => {
    await withPacs(
      async ({ url, add }) => {
        add(image(1), image(2));
        const error = await failure(all(new Pacs(url, QUICK)));
        expect([error.code, error.message]).toEqual([
          'PACS_INVALID',
          expect.stringMatching(/fetching an instance: got another one$/),
        ]);
      },
      ({ path }, response) => {
        if (path.includes('/instances?')) return false;
        sendParts(response, [plainDicomFile(image(9))]);
        return true;
      },
    );
  });

  it.each<[string, string, Twist]>([
    ['PACS_INVALID', 'expected multipart/related, got text/html', html],
    ['PACS_INVALID', 'states no usable boundary', say({ 'content-type': 'multipart/related' }, 'x')],
    [
      'PACS_INVALID',
      'never has the boundary',
      say({ 'content-type': 'multipart/related; boundary=a' }, '--b'),
    ],
    [
      'PACS_INVALID',
      'expected application/dicom, got text/plain',
      say(
        { 'content-type': 'multipart/related; boundary=a' },
        '--a\r\ncontent-type: text/plain\r\n\r\nx\r\n--a--',
      ),
    ],
    [
      'PACS_INVALID',
      'a part is no DICOM file',
      say({ 'content-type': 'multipart/related; boundary=a' }, `--a\r\n\r\n${NAME}\r\n--a--`),
    ],
  ])('%s: %s', (code, message, twist) =>
    withPacs(
      async ({ url, add }) => {
        add(image(1));
        const error = await failure(all(new Pacs(url, QUICK)));
        expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
      },
      (asked, response) => !asked.path.includes('/instances?') && twist(asked, response),
    ),
  );

  it('stops at an instance beyond the limit instead of keeping it', () =>
    withPacs(async ({ url, add }) => {
      add(image(1, { pixels: new Uint8Array(1 << 20) }));
      const error = await failure(all(new Pacs(url, { ...QUICK, instanceBytes: 100_000 })));
      expect([error.code, error.message]).toEqual(['IMAGE_TOO_LARGE', 'an instance exceeds 100000 bytes']);
      const series = await failure(all(new Pacs(url, { ...QUICK, seriesBytes: 100_000 })));
      expect(series.message).toBe('the PACS’s answer exceeds 100000 bytes');
    }));

  it('says that a series is not there', () =>
    withPacs(async ({ url }) => {
      expect((await failure(all(new Pacs(url, QUICK)))).code).toBe('PACS_MISSING');
    }));
});

describe('storing', () => {
  const files = [1, 2, 3].map((n) => plainDicomFile(image(n)));

  it('sends files as they are, some at a time', () =>
    withPacs(async ({ url, stored, asked }) => {
      const counts: number[] = [];
      const many = Array.from({ length: 150 }, (_, n) => plainDicomFile(image(n)));
      const result = await new Pacs(url, QUICK).store(many, (count) => counts.push(count));
      expect(counts).toEqual([100, 150]);
      expect(result.instances).toEqual(many.map((_, n) => `1.2.1.1.${n}`));
      expect(result.bytes).toBe(many.reduce((sum, { length }) => sum + length, 0));
      many.forEach((file, n) => expect(stored.get(`1.2.1.1.${n}`)?.equals(file)).toBe(true));
      expect(asked[0]?.headers).toMatchObject({
        'content-type': expect.stringMatching(
          /^multipart\/related; type="application\/dicom"; boundary=/,
        ) as string,
        'content-length': String(asked[0]?.body.length),
      });
    }));

  const referenced = (...names: string[]): unknown => ({
    '00081199': { vr: 'SQ', Value: names.map((name) => ({ '00081155': { vr: 'UI', Value: [name] } })) },
    '00081198': { vr: 'SQ', Value: [{ '00081197': { vr: 'US', Value: [272] } }] },
  });

  it.each<[string, number, unknown, string]>([
    ['nothing stored', 200, {}, 'answered 200; stored 0 of 3'],
    ['an empty answer', 200, '', 'answered 200; stored 0 of 3'],
    [
      'one missing',
      200,
      referenced('1.2.1.1.1', '1.2.1.1.3'),
      'answered 200; stored 2 of 3 files sent so far (reason 0x0110)',
    ],
    ['another one stored', 200, referenced('1.2.1.1.1', '1.2.1.1.2', '1.2.1.1.9'), 'stored 2 of 3'],
    ['400 with a part', 400, referenced('1.2.1.1.2'), 'answered 400; stored 1 of 3'],
    ['409 without a body', 409, '', 'answered 409; stored 0 of 3'],
    ['400 with a page', 400, `<html>${NAME}</html>`, 'answered 400; stored 0 of 3'],
    ['202', 202, referenced('1.2.1.1.2'), 'answered 202; stored 1 of 3'],
  ])('%s is a failure that names counts', (_, status, body, message) =>
    withPacs(
      async ({ url, asked }) => {
        const error = await failure(new Pacs(url, QUICK).store(files));
        expect([error.code, error.message]).toEqual(['PACS_FAILED', expect.stringContaining(message)]);
        expect(asked).toHaveLength(1); // never sent twice
      },
      (_asked, response) => {
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        response.writeHead(status, { 'content-type': 'application/dicom+json' }).end(text);
        return true;
      },
    ),
  );

  it('does not send again when the server is busy, and does not take a page for success', async () => {
    for (const [twist, code] of [
      [(_: Asked, response: ServerResponse) => !!response.writeHead(503).end(), 'PACS_UNREACHABLE'],
      [html, 'PACS_INVALID'],
    ] as const)
      await withPacs(async ({ url, asked }) => {
        expect((await failure(new Pacs(url, QUICK).store(files))).code).toBe(code);
        expect(asked).toHaveLength(1);
        expect(partsOf(asked[0]!)).toHaveLength(3);
      }, twist);
  });

  it('refuses other files and two with one UID before sending', async () => {
    await withPacs(async ({ url, asked }) => {
      const pacs = new Pacs(url, QUICK);
      const other = await failure(pacs.store([files[0]!, Buffer.from(NAME)]));
      expect([other.code, other.message]).toEqual([
        'IMAGE_UNREADABLE',
        expect.stringMatching(/^file 2 to store/),
      ]);
      expect((await failure(pacs.store([files[0]!, files[0]!]))).code).toBe('PACS_INVALID');
      expect(await pacs.store([])).toEqual({ instances: [], bytes: 0 });
      expect(asked).toEqual([]);
    });
  });
});

/** Answers everything with these. */
function say(headers: Record<string, string>, body: string, status = 200): Twist {
  return (_, response) => {
    response.writeHead(status, headers).end(body);
    return true;
  };
}

function html(_: Asked, response: ServerResponse): boolean {
  response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>${NAME} ${ID}</p>`);
  return true;
}

describe('answers that are no DICOMweb', () => {
  const find = (url: string, options = QUICK): Promise<unknown> => new Pacs(url, options).studies();
  const json = { 'content-type': 'application/dicom+json' };

  it.each<[string, string, Twist]>([
    ['PACS_INVALID', 'finding studies: expected application/dicom+json, got text/html', html],
    [
      'PACS_INVALID',
      'expected application/dicom+json, got another type',
      say({ 'content-type': NAME }, '[]'),
    ],
    ['PACS_INVALID', 'not DICOM JSON', say(json, `[{"00100010": "${NAME}`)],
    ['PACS_INVALID', 'not DICOM JSON', say(json, '[1, 2]')],
    ['PACS_INVALID', 'not DICOM JSON', say(json, '['.repeat(100_000))],
    [
      'PACS_INVALID',
      'an entry has no valid UID',
      say(json, '[{"0020000D": {"vr": "UI", "Value": ["../x"]}}]'),
    ],
    [
      'PACS_INVALID',
      'an entry has no valid UID',
      say(json, '[{"0020000D": {"vr": "UI", "Value": {"a": 1}}}]'),
    ],
    ['PACS_REFUSED', 'finding studies: answered 401', say({}, NAME, 401)],
    ['PACS_REFUSED', 'answered 403 (not allowed)', say({}, NAME, 403)],
    ['PACS_MISSING', 'answered 404', say({}, NAME, 404)],
    ['PACS_FAILED', 'answered 500', say({}, NAME, 500)],
    ['PACS_FAILED', 'answered 400', say({}, NAME, 400)],
    ['PACS_UNREACHABLE', 'answered 503', say({}, NAME, 503)],
    ['PACS_UNREACHABLE', 'answered 503', say({ 'retry-after': '3600' }, NAME, 503)],
    ['PACS_REFUSED', 'refused a redirect to another address', say({ location: 'http://[::1]:9/' }, '', 302)],
    ['PACS_REFUSED', 'refused a redirect to https:', say({ location: 'https://127.0.0.1/' }, '', 308)],
    ['PACS_REFUSED', 'refused a redirect', say({}, '', 302)],
    ['PACS_REFUSED', 'refused a redirect', say({ location: 'file:///etc/passwd' }, '', 301)],
  ])('%s: %s', (code, message, twist) =>
    withPacs(async ({ url }) => {
      const error = await failure(find(url));
      expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
    }, twist),
  );

  it('an endless answer ends at the limit', () =>
    withPacs(
      async ({ url }) => {
        const error = await failure(find(url, { ...QUICK, jsonBytes: 1 << 20 }));
        expect([error.code, error.message]).toEqual([
          'PACS_INVALID',
          expect.stringContaining('exceeds 1048576'),
        ]);
      },
      (_, response) => {
        response.writeHead(200, json);
        const more = (): void => {
          if (!response.destroyed) response.write(' '.repeat(65_536), () => setImmediate(more));
        };
        more();
        return true;
      },
    ));

  it.each<[string, Twist]>([
    ['drips a byte at a time', drip],
    [
      'stops in the middle',
      (_, response) => {
        response.writeHead(200, json).write('[');
        return true;
      },
    ],
  ])('an answer that %s ends in time', (_, twist) =>
    withPacs(async ({ url }) => {
      const error = await failure(find(url, { ...QUICK, silence: 100, retries: 1 }));
      expect([error.code, error.message]).toEqual([
        'PACS_UNREACHABLE',
        expect.stringContaining('came to a standstill for 0.1 s'),
      ]);
    }, twist),
  );

  function drip(_: Asked, response: ServerResponse): boolean {
    response.writeHead(200, json);
    const timer = setInterval(() => response.write(' '), 10);
    response.on('close', () => clearInterval(timer));
    return true;
  }

  it('an answer that never begins, or never ends, ends in time', async () => {
    await withPacs(
      async ({ url }) => {
        const error = await failure(find(url, { ...QUICK, timeout: 100, retries: 0 }));
        expect([error.code, error.message]).toEqual([
          'PACS_UNREACHABLE',
          expect.stringMatching(/no answer within/),
        ]);
      },
      () => true,
    );
    await withPacs(async ({ url }) => {
      const error = await failure(find(url, { ...QUICK, silence: 60_000, deadline: 200, retries: 0 }));
      expect(error.message).toMatch(/not complete within 0\.2 s/);
    }, drip);
  });

  it('the caller’s signal ends a request and the pause before the next', async () => {
    await withPacs(
      async ({ url, asked }) => {
        const stop = new AbortController();
        const waiting = failure(
          new Pacs(url, { ...QUICK, retryDelay: 20_000, signal: stop.signal }).studies(),
        );
        while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        stop.abort('SIGINT');
        expect((await waiting).code).toBe('INTERRUPTED');
        const coded = new AbortController();
        coded.abort(new ReclmisError('REQUEST_TIMEOUT', 'late'));
        expect((await failure(new Pacs(url, { signal: coded.signal }).studies())).code).toBe(
          'REQUEST_TIMEOUT',
        );
      },
      say({}, '', 503),
    );
  });
});

describe('further attempts', () => {
  it('follow Retry-After, and end with the first success', () =>
    withPacs(
      async ({ url, asked }) => {
        expect((await new Pacs(url, QUICK).studies()).found).toEqual([]);
        expect(asked).toHaveLength(3);
      },
      (() => {
        let count = 0;
        return (_: Asked, response: ServerResponse) => {
          count += 1;
          if (count === 1) response.writeHead(503, { 'retry-after': '0' }).end();
          else if (count === 2) response.destroy();
          return count <= 2;
        };
      })(),
    ));

  it('end after three', () =>
    withPacs(
      async ({ url, asked }) => {
        expect((await failure(new Pacs(url, QUICK).studies())).code).toBe('PACS_UNREACHABLE');
        expect(asked).toHaveLength(4);
      },
      say({}, '', 503),
    ));

  it('say that nobody listens', async () => {
    const url = await withPacs((pacs) => Promise.resolve(pacs.url));
    const error = await failure(new Pacs(url, { ...QUICK, retries: 1 }).studies());
    expect([error.code, error.message]).toEqual([
      'PACS_UNREACHABLE',
      `${url}: finding studies: ECONNREFUSED`,
    ]);
  });
});

describe('credentials', () => {
  it('are sent as basic in UTF-8, or as a token asked for each time', () =>
    withPacs(async ({ url, asked }) => {
      await new Pacs(url, { ...QUICK, credentials: basicCredentials('tester', 'sécret:€') }).studies();
      let token = 'first';
      const pacs = new Pacs(url, { ...QUICK, credentials: bearerCredentials(() => token) });
      await pacs.studies();
      token = 'second';
      await pacs.studies();
      expect(asked.map(({ headers }) => headers.authorization)).toEqual([
        `Basic ${Buffer.from('tester:sécret:€').toString('base64')}`,
        'Bearer first',
        'Bearer second',
      ]);
    }));

  it('do not follow a redirect', async () => {
    await withPacs(async ({ url: elsewhere, asked: leaked }) => {
      await withPacs(
        async ({ url }) => {
          const pacs = new Pacs(url, { ...QUICK, credentials: bearerCredentials('abc') });
          expect((await failure(pacs.studies())).code).toBe('PACS_REFUSED');
          expect((await failure(pacs.store([plainDicomFile(image(1))]))).code).toBe('PACS_REFUSED');
        },
        (_, response) => !!response.writeHead(307, { location: `${elsewhere}/studies` }).end(),
      );
      expect(leaked).toEqual([]);
    });
  });

  it('follow a redirect within the PACS', () =>
    withPacs(
      async ({ url, asked }) => {
        await new Pacs(url, { ...QUICK, credentials: bearerCredentials('abc') }).studies();
        expect(asked.map(({ path, headers }) => [path.split('?')[0], headers.authorization])).toEqual([
          ['studies', 'Bearer abc'],
          ['moved', 'Bearer abc'],
        ]);
      },
      ({ path }, response) => {
        if (path === 'moved') response.writeHead(204).end();
        else response.writeHead(302, { location: '/dicom-web/moved' }).end();
        return true;
      },
    ));

  it('do not go over the network in clear text', async () => {
    const pacs = new Pacs('http://pacs.invalid/dicom-web', {
      ...QUICK,
      credentials: bearerCredentials('abc'),
    });
    const error = await failure(pacs.studies());
    expect([error.code, error.message]).toEqual(['OPTION_INVALID', expect.stringMatching(/in clear text/)]);
  });

  it.each(['ftp://x/', 'not a url', 'http://user:pw@host/', 'http://host/?token=1', 'http://host/#a'])(
    'are not taken from the address %s',
    (url) => {
      expect(() => new Pacs(url)).toThrow(ReclmisError);
    },
  );

  it('that cannot be sent are refused without being named', async () => {
    expect(() => basicCredentials('a:b', 'x')).toThrow(/without colons/);
    for (const token of ['', 'a b', 'a\nb', 'é'])
      await expect(bearerCredentials(token)()).rejects.toMatchObject({ code: 'OPTION_INVALID' });
    await expect(basicCredentials('a', 'x\ny')()).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });
});
