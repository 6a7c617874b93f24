/** `reclmis pacs` against a PACS in memory: what it prints, writes and sends, and what it never names. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PlainFileValues, plainDicomFile, sendParts, withPacs } from '@reclmis/clinical/testing';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type Finished, reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-pacs-'));
let folder = root;
let made = 0;
beforeEach(() => {
  made += 1;
  folder = join(root, String(made));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const NAME = 'Secret^Person';
const ID = 'ID-4711';
const image = (n: number, more: Partial<PlainFileValues> = {}): PlainFileValues => ({
  study: '1.2.1',
  series: '1.2.1.1',
  instance: `1.2.1.1.${n}`,
  number: 100 - n, // arrives in another order than it is numbered
  patientName: NAME,
  patientId: ID,
  ...more,
});

const pacs = (...args: string[]): Promise<Finished> => reclmisHere(folder)('pacs', ...args);

describe('find', () => {
  it('lists studies, and series of one', () =>
    withPacs(async ({ url, add }) => {
      add(
        image(1),
        image(2, { series: '1.2.1.2', modality: 'SEG' }),
        image(3, { study: '1.2.2', patientId: 'B' }),
      );
      const all = await pacs('find', '--url', url);
      expect([all.status, all.stderr]).toEqual([0, '']);
      expect(all.stdout).toBe(
        [
          'study  date      patient        ID       modalities  description  series  images',
          '────────────────────────────────────────────────────────────────────────────────',
          '1.2.1  20260101  Secret^Person  ID-4711  DX',
          '1.2.2  20260101  Secret^Person  B        DX\n',
        ].join('\n'),
      );
      const one = await pacs('find', '--url', url, '--patient-id', ID, '--json');
      expect(JSON.parse(one.stdout)).toMatchObject({
        studies: [{ study: '1.2.1', patientId: ID }],
        more: false,
      });
      const series = await pacs('find', '--url', url, '--study', '1.2.1');
      expect(series.stdout.match(/^1\.2\.1\.\d +.*$/gm)).toEqual([
        expect.stringMatching(/^1\.2\.1\.1 .*DX/),
        expect.stringMatching(/^1\.2\.1\.2 .*SEG/),
      ]);
      const first = await pacs('find', '--url', url, '--limit', '1');
      expect(first.stderr).toBe('only the first 1 studies; narrow the search or raise --limit\n');
      expect((await pacs('find', '--url', url, '--patient-id', 'none')).stdout).toBe('no study matches\n');
    }));
});

describe('fetch', () => {
  it('writes a series in the order of its numbers, readable by its owner alone', () =>
    withPacs(async ({ url, add }) => {
      const files = add(image(1), image(2), image(3));
      add(image(4, { series: '1.2.1.2', modality: 'SEG' }));
      // The segmentation in the study is not meant.
      const { status, stdout, stderr } = await pacs(
        'fetch',
        '--url',
        url,
        '--patient-id',
        ID,
        '-o',
        'a/series',
      );
      expect([status, stderr]).toEqual([0, 'fetching: 3/3 (100 %), in 0 s\n']);
      expect(stdout).toMatch(/^3 files \(0\.0 MB\) in a\/series\n$/);
      expect(readdirSync(join(folder, 'a'))).toEqual(['series']);
      expect(readdirSync(join(folder, 'a/series')).sort()).toEqual(['0001.dcm', '0002.dcm', '0003.dcm']);
      expect(readFileSync(join(folder, 'a/series/0001.dcm')).equals(files[2]!)).toBe(true);
      expect(readFileSync(join(folder, 'a/series/0003.dcm')).equals(files[0]!)).toBe(true);

      const again = await pacs('fetch', '--url', url, '--study', '1.2.1', '-o', 'a/series');
      expect([again.status, again.stderr]).toEqual([7, expect.stringMatching(/^error OUTPUT_EXISTS/)]);
    }));

  it('leaves nothing behind when a series does not arrive whole', () =>
    withPacs(
      async ({ url, add }) => {
        add(image(1), image(2));
        mkdirSync(join(folder, 'out'));
        const args = ['--url', url, '--study', '1.2.1', '--series', '1.2.1.1', '-o', 'out'];
        const { status, stdout, stderr } = await pacs('fetch', ...args);
        expect([status, stdout]).toEqual([3, '']);
        expect(stderr).toMatch(/^error PACS_INVALID: .*got another one\nremedy: /m);
        expect(readdirSync(folder)).toEqual(['out']);
        expect(readdirSync(join(folder, 'out'))).toEqual([]);
      },
      ({ path }, response) => {
        if (path.includes('/instances?')) return false;
        sendParts(response, [plainDicomFile(image(1))]);
        return true;
      },
    ));

  it.each([
    [[], 2, 'OPTION_INVALID', /no series: expected --study and --series/],
    [['--study', '1.2.9'], 3, 'PACS_MISSING', /no series with images matches/],
    [['--modality', 'DX'], 2, 'OPTION_INVALID', /2 series match, expected one/],
    [['--study', '../x', '--series', '1'], 2, 'OPTION_INVALID', /expected a UID/],
  ])('%j ends with status %i and %s', (args, status, code, message) =>
    withPacs(
      async ({ url, add }) => {
        add(image(1), image(2, { study: '1.2.2', series: '1.2.2.1' }));
        const ended = await pacs('fetch', '--url', url, '-o', 'out', ...args);
        expect([ended.status, ended.stdout]).toEqual([status, '']);
        expect(ended.stderr).toMatch(new RegExp(`^error ${code}: `));
        expect(ended.stderr).toMatch(message);
        expect(readdirSync(folder)).toEqual([]);
      },
      ({ path }, response) => path.includes('StudyInstanceUID=1.2.9') && !!response.writeHead(204).end(),
    ),
  );
});

describe('store', () => {
  it('sends files and the DICOM files of folders', () =>
    withPacs(async ({ url, stored }) => {
      mkdirSync(join(folder, 'in/deep'), { recursive: true });
      const files = [1, 2, 3].map((n) => plainDicomFile(image(n)));
      writeFileSync(join(folder, 'in/a.dcm'), files[0]!);
      writeFileSync(join(folder, 'in/deep/without-ending'), files[1]!);
      writeFileSync(join(folder, 'in/notes.csv'), 'x');
      writeFileSync(join(folder, 'c.dcm'), files[2]!);
      const { status, stdout, stderr } = await pacs('store', '--url', url, 'in', 'c.dcm');
      expect([status, stdout, stderr]).toEqual([
        0,
        expect.stringMatching(/^stored 3 files/),
        expect.stringMatching(/^1 other files were left out: they are not DICOM$/m),
      ]);
      files.forEach((file, i) => expect(stored.get(`1.2.1.1.${i + 1}`)?.equals(file)).toBe(true));
      const json = await pacs('store', '--url', url, 'c.dcm', '--json');
      expect(JSON.parse(json.stdout)).toMatchObject({ stored: 1, instances: ['1.2.1.1.3'] });
    }));

  it('fails when the PACS stores nothing and says 200, or there is nothing to store', async () => {
    writeFileSync(join(folder, 'c.dcm'), plainDicomFile(image(1)));
    writeFileSync(join(folder, 'd.dcm'), 'no DICOM');
    await withPacs(
      async ({ url }) => {
        const ended = await pacs('store', '--url', url, 'c.dcm');
        expect([ended.status, ended.stderr]).toEqual([
          6,
          expect.stringMatching(/^error PACS_FAILED: \S+: storing: answered 200; stored 0 of 1 files/),
        ]);
        expect((await pacs('store', '--url', url, 'none.dcm')).stderr).toMatch(
          /^error IMAGE_MISSING: none\.dcm/,
        );
        expect((await pacs('store', '--url', url, 'd.dcm')).stderr).toMatch(
          /^error IMAGE_UNREADABLE: d\.dcm/,
        );
      },
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/dicom+json' }).end('{}');
        return true;
      },
    );
  });
});

describe('credentials', () => {
  it('come from files or the environment', () =>
    withPacs(async ({ url, asked }) => {
      writeFileSync(join(folder, 'secret'), 'geheim\n', { mode: 0o600 });
      const run = (environment: Record<string, string>, ...args: string[]): Promise<Finished> =>
        reclmisHere(folder, environment)('pacs', 'find', '--url', url, ...args);
      for (const ended of [
        await run({}, '--token-file', 'secret'),
        await run({ RECLMIS_PACS_TOKEN: 'abc' }),
        await run({}, '--user', 'me', '--password-file', 'secret'),
        await run({ RECLMIS_PACS_PASSWORD: 'pw' }, '--user', 'me'),
        await run({}),
      ])
        expect([ended.status, ended.stderr]).toEqual([0, '']);
      const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
      expect(asked.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer geheim',
        'Bearer abc',
        basic('me:geheim'),
        basic('me:pw'),
        undefined,
      ]);
      chmodSync(join(folder, 'secret'), 0o644);
      expect((await run({}, '--token-file', 'secret')).stderr).toMatch(/^secret: every user .* chmod 600/);
    }));

  it.each([
    [['--user', 'me'], /--user: expected a password with it/],
    [['--password-file', 'x'], /--password-file: expected --user with it/],
    [['--token-file', 'none'], /--token-file none: cannot be read/],
    [['--user', 'me', '--token-file', 'none'], /expected one of them/],
  ])('%j is refused', async (args, message) => {
    const ended = await pacs('find', '--url', 'http://127.0.0.1:9/', ...args);
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringMatching(/^error OPTION_INVALID/)]);
    expect(ended.stderr).toMatch(message);
  });
});

it('names no one in errors and file names, whatever the PACS answers', async () => {
  for (const [status, type] of [
    [200, 'text/html'],
    [200, 'application/dicom+json'],
    [401, 'text/plain'],
    [404, 'text/plain'],
    [500, 'text/plain'],
    [302, 'text/plain'],
  ] as const)
    await withPacs(
      async ({ url }) => {
        writeFileSync(join(folder, 'c.dcm'), plainDicomFile(image(1)));
        for (const args of [
          ['find', '--patient-id', ID, '--patient-name', NAME],
          ['find', '--study', '1.2.1'],
          ['fetch', '--patient-id', ID, '-o', 'out'],
          ['fetch', '--study', '1.2.1', '--series', '1.2.1.1', '-o', 'out'],
          ['store', 'c.dcm'],
        ]) {
          const ended = await pacs(args[0]!, '--url', url, ...args.slice(1));
          expect(ended.status).not.toBe(0);
          expect(ended.stdout + ended.stderr).not.toMatch(/Secret|Person|4711|1\.2\.1\b/);
          expect(existsSync(join(folder, 'out'))).toBe(false);
        }
      },
      (_, response) => {
        const location = `http://elsewhere.invalid/${ID}`;
        response.writeHead(status, { 'content-type': type, location }).end(`{"${NAME}": "${ID}"`);
        return true;
      },
    );
  expect(readdirSync(folder)).toEqual(['c.dcm']);
});
