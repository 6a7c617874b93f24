/** `reclmis weights`: fetching from a broken server, listing, verifying, damage, importing. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClipTextTower, openRun, RecLMIS, UPSTREAM } from '@reclmis/lab';
import { readSafetensors, scope, type Tensor, writeSafetensors, writeTorchArchive } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, reclmisHere } from '../testing/reclmis.js';

const ID = 'tiny-clip';
const TOWER = { vocabulary: 49408, width: 64, layers: 2, heads: 1, positions: 77, projection: 64 };
const folder = mkdtempSync(join(tmpdir(), 'reclmis-weights-'));
const home = join(folder, 'home');
const file = join(folder, 'tiny.safetensors');
const vocabulary = join(folder, 'words.txt');

/** Requested paths and ranges. */
const asked: string[] = [];
let server: Server;
let base = '';

beforeAll(async () => {
  scope(() => {
    const state = new Map<string, Tensor>();
    for (const [key, value] of new ClipTextTower(TOWER).stateDict()) {
      state.set(key, value.detach().to({ dtype: 'float16' })); // as stored, so nothing is rounded
    }
    writeSafetensors(file, state);
  });
  writeFileSync(vocabulary, merges());
  server = createServer((request, response) => {
    const bytes = readFileSync(request.url === '/words' ? vocabulary : file);
    asked.push(`${request.url} ${request.headers.range ?? ''}`.trim());
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      'content-length': bytes.length - from,
      ...(from > 0 ? range : {}),
    });
    if (request.url !== '/tiny.bin' || from > 0) response.end(bytes.subarray(from));
    else response.write(bytes.subarray(0, 4_000_000), () => setTimeout(() => response.destroy(), 500)); // breaks off
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As many merges as CLIP has, of its first bytes. */
function merges(): string {
  const range = (first: number, last: number): number[] =>
    Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const codes = [...range(33, 126), ...range(161, 172), ...range(174, 255), ...range(256, 323)]; // one per byte
  const letters = codes.map((code) => String.fromCharCode(code));
  const pairs = letters.flatMap((a) => letters.map((b) => `${a} ${b}`)).slice(0, 49152 - 256 - 2);
  return `#version: 0.2\n${pairs.join('\n')}\n`;
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

const here = reclmisHere(folder, {
  ...{ RECLMIS_HOME: home, RECLMIS_WEIGHTS_URL: undefined, HTTP_PROXY: undefined, http_proxy: undefined },
});
const weights = (...args: string[]): Promise<Finished> => here('weights', ...args);

const fetchIt = (...more: string[]): ReturnType<typeof weights> =>
  weights(
    ...['fetch', ID, '--url', `${base}/tiny.bin`, '--sha256', sha256(file)],
    ...['--vocabulary-url', `${base}/words`, '--vocabulary-sha256', sha256(vocabulary), ...more],
  );

describe('reclmis weights', () => {
  it('prints usage, for each of its commands too', async () => {
    expect((await weights()).stdout + (await weights()).stderr).toContain('Usage: reclmis weights');
    for (const name of ['fetch', 'import', 'list', 'path', 'verify', 'export']) {
      const { status, stdout } = await weights(name, '--help');
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: reclmis weights ${name}`);
      expect(stdout).toMatch(/Examples?:\n {2}\$ reclmis weights/);
    }
  });

  it('lists and verifies an empty cache', async () => {
    const { status, stdout } = await weights('list');
    expect(status).toBe(0);
    expect(stdout).toContain(`No weights in ${join(home, 'weights')}`);
    expect(stdout).toContain('clip-vit-b-32, clip-vit-b-16, clip-vit-l-14');
    expect(JSON.parse((await weights('list', '--json')).stdout)).toEqual({
      folder: join(home, 'weights'),
      weights: [],
    });
    expect(await weights('verify')).toMatchObject({ status: 0, stdout: 'No weights in the cache.\n' });
  });

  it('fetches: resumed, converted, stored, and nothing else left', async () => {
    const { status, stdout, stderr } = await fetchIt();
    expect(stderr).not.toContain('error');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^tiny-clip was fetched: .*weights.tiny-clip \([\d.]+ MB\)\n$/);
    expect(stderr).toMatch(/tiny\.bin: .*; trying again/);
    expect(stderr).toMatch(/tiny\.bin \(MB\): 7\/7 \(100 %\), in/);
    expect(asked[0]).toBe('/words');
    expect(asked[1]).toBe('/tiny.bin');
    expect(asked[2]).toMatch(/^\/tiny\.bin bytes=\d+-$/);
    expect(asked).toHaveLength(3);
    expect(readdirSync(home).sort()).toEqual(['downloads', 'weights']);
    expect(readdirSync(join(home, 'downloads'))).toEqual([]);
    expect(readdirSync(join(home, 'weights', ID)).sort()).toEqual([
      'merges.txt',
      'model.safetensors',
      'weights.json',
    ]);
  });

  it('stores the tower bit for bit', () => {
    const stored = join(home, 'weights', ID, 'model.safetensors');
    scope(() => {
      const [mine, theirs] = [readSafetensors(stored).tensors, readSafetensors(file).tensors];
      expect([...mine.keys()].sort()).toEqual([...theirs.keys()].sort());
      for (const [key, tensor] of theirs) expect(mine.get(key)?.equal(tensor), key).toBe(true);
    });
  });

  it('does not fetch stored files again unless forced', async () => {
    asked.splice(0);
    expect((await fetchIt()).stdout).toMatch(/is already in the cache/);
    const other = await weights('fetch', ID, '--url', `${base}/words`, '--sha256', sha256(vocabulary));
    expect(other).toMatchObject({ status: 7, stdout: '' });
    expect(other.stderr).toMatch(/^error OUTPUT_EXISTS: .*\nremedy: .*--force/);
    expect(asked).toEqual([]);
    const forced = await fetchIt('--force', '-q');
    expect(forced).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(asked).toHaveLength(3);
  });

  it('lists, finds and verifies them', async () => {
    const { weights: list } = JSON.parse((await weights('list', '--json')).stdout) as { weights: unknown[] };
    expect(list).toMatchObject([
      { id: ID, tower: TOWER, source: { name: `${base}/tiny.bin`, sha256: sha256(file) } },
    ]);
    expect((await weights('list')).stdout).toMatch(/^tiny-clip +[\d.]+ +2 +64 /m);
    expect(await weights('path', ID)).toMatchObject({ status: 0, stdout: `${join(home, 'weights', ID)}\n` });
    expect(await weights('verify', ID)).toMatchObject({ status: 0, stdout: 'tiny-clip: intact\n' });
  });

  it('imports a file, with the vocabulary of other weights', async () => {
    const { status, stdout, stderr } = await weights('import', file, '--id', 'second', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      id: 'second',
      tower: TOWER,
      vocabulary: { name: 'merges.txt' },
    });
    expect((await weights('import', file, '--id', 'second')).status).toBe(7);
  });

  it('makes a run of an authors’ checkpoint, and exports it again', async () => {
    const checkpoint = join(folder, 'best_model.pth.tar');
    const out = join(folder, 'run');
    scope(() => {
      using model = new RecLMIS({ ...UPSTREAM, baseWidth: 8, imageSize: 32, textWidth: 64, layers: 2 });
      const state = new Map(model.stateDict());
      for (const [key, tensor] of readSafetensors(file).tensors) state.set(`clip.${key}`, tensor);
      writeTorchArchive(checkpoint, state, { wrap: { key: 'state_dict', meta: { epoch: 9 } } });
    });
    expect((await weights('import', '--as', 'run', checkpoint)).stderr).toContain('OPTION_INVALID');
    const made = await weights('import', '--as', 'run', checkpoint, '-o', out, '--vocabulary', vocabulary);
    expect(made.status).toBe(0);
    expect(made.stderr).toMatch(/^SIDES_UNKNOWN: .*`reclmis sides .*patient`.*\n$/); // checkpoints do not say
    expect(made.stdout).toContain('base width 8, 32 x 32, 2 layers, variant upstream; notes of 18 tokens');

    const given = await weights('export', out, '--format', 'pth', '--json');
    expect([given.status, given.stderr]).toEqual([0, '']);
    expect(JSON.parse(given.stdout)).toMatchObject({ file: join(out, 'best.pth'), tower: true });
    const again = await weights('import', '--as', 'run', checkpoint, '-o', out, '--vocabulary', vocabulary);
    expect([again.status, again.stderr]).toEqual([7, expect.stringContaining('OUTPUT_EXISTS') as string]);
    const other = join(folder, 'run-of-image-sides');
    const stated = await weights(
      'import',
      '--as',
      'run',
      checkpoint,
      '-o',
      other,
      '--vocabulary',
      vocabulary,
      '--sides',
      'image',
    );
    expect([stated.status, stated.stderr]).toEqual([0, '']);
    expect(openRun(other).config.note.sides).toBe('image');
  });

  it('reports damage, and continues', async () => {
    const path = join(home, 'weights', ID, 'merges.txt');
    truncateSync(path, 10);
    const verified = await weights('verify');
    expect(verified.status).toBe(4);
    expect(verified.stdout).toMatch(/^second: intact$/m);
    expect(verified.stderr).toMatch(/^error WEIGHTS_CORRUPT: .*merges\.txt: expected \d+ bytes, got 10\n/);
    expect(await weights('list')).toMatchObject({ status: 0 });
    expect((await weights('list')).stdout).toMatch(/^tiny-clip .*damaged .*merges\.txt/m);
    expect((await fetchIt('--force', '-q')).status).toBe(0);
    expect((await weights('verify')).status).toBe(0);
  });

  it.each([
    [
      ['fetch', 'clip-vit-b-31'],
      4,
      /^error WEIGHTS_UNKNOWN: .*clip-vit-b-32, clip-vit-b-16, clip-vit-l-14\n/,
    ],
    [['fetch', '../x'], 2, /^error OPTION_INVALID: /],
    [
      ['fetch', 'clip-vit-b-32', '--url', 'ftp://x/y'],
      2,
      /^error OPTION_INVALID: ftp:\/\/x\/y: expected an https: or http:/,
    ],
    [['fetch', 'clip-vit-b-32', '--sha256', 'abc'], 2, /^error OPTION_INVALID: expected a SHA-256/],
    [['fetch', 'clip-vit-b-32', '--forc'], 2, /^error OPTION_UNKNOWN: .*--forc/],
    [['fetsh'], 2, /^error OPTION_UNKNOWN: .*fetsh/],
    [['path', 'clip-vit-b-16'], 4, /^error WEIGHTS_MISSING: .*\nremedy: .*weights fetch/],
    [['verify', 'clip-vit-b-16'], 4, /^error WEIGHTS_MISSING: /],
    [['import', 'none.pt'], 4, /^error \w+: .*none\.pt/],
    [['import', 'none.pt', '-o', 'run'], 2, /^error OPTION_INVALID: --out: does not apply to --as encoder/],
    [
      ['import', 'none.pt', '--as', 'run', '-o', 'run', '--id', 'x'],
      2,
      /^error OPTION_INVALID: --id: does not apply/,
    ],
  ])('%j ends with status %i', async (args, status, message) => {
    const result = await weights(...args);
    expect(result.stderr).toMatch(message);
    expect(result).toMatchObject({ status, stdout: '' });
  });

  it('a wrong hash is refused, and leaves nothing', async () => {
    const { status, stderr } = await weights(
      ...['fetch', 'clip-vit-b-32', '--vocabulary-url', `${base}/words`, '--url', `${base}/whole`, '-q'],
    );
    expect(stderr).toMatch(/^error WEIGHTS_HASH_MISMATCH: .*\/words: expected SHA-256 924691ac\w+, got \w+/);
    expect(status).toBe(4);
    expect(readdirSync(join(home, 'downloads', 'clip-vit-b-32'))).toEqual([]);
    expect(readdirSync(join(home, 'weights')).sort()).toEqual(['second', ID]);
  });
});
