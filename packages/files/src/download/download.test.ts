import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { download, type DownloadOptions } from './download.js';
import { FileServer, hasSize, until } from '../testing/file-server.js';

/** A little over three mebibytes, different everywhere. */
const BYTES = Buffer.concat(
  Array.from({ length: 100_001 }, (_, i) => createHash('sha256').update(`block ${i}`).digest()),
);
const SIZE = BYTES.length;
const MODULE = new URL('./download.js', import.meta.url).href;

let folder: string;
let server: FileServer;
let target: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reclmis-download-'));
  target = join(folder, 'model.bin');
  server = await FileServer.start(BYTES);
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function fetchIt(options: Partial<DownloadOptions> & { url?: string; to?: string } = {}): Promise<number> {
  const { url = server.url(), to = target, ...rest } = options;
  return download(url, to, { sha256: server.sha256, env: {}, retryDelayMs: 1, ...rest });
}

async function failure(options: Parameters<typeof fetchIt>[0] = {}): Promise<ReclmisError> {
  const error = await fetchIt(options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReclmisError)) throw new Error(`expected a coded error, got ${String(error)}`);
  return error;
}

function part(): number {
  return existsSync(`${target}.part`) ? statSync(`${target}.part`).size : 0;
}

/** Cuts the connection at these offsets, once the disk has all earlier bytes. */
function dropAt(...offsets: number[]): void {
  server.handler = async (request, response, nth) => {
    const end = offsets[nth - 1];
    if (end === undefined) return false;
    await server.sendUntil(request, response, end, () => hasSize(`${target}.part`, end));
    return true;
  };
}

describe('a download', () => {
  it('arrives whole, with one request that says no more than needed, and leaves nothing else', async () => {
    const seen: [number, number | null][] = [];
    expect(await fetchIt({ onProgress: (done, total) => seen.push([done, total]) })).toBe(SIZE);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
    expect(readdirSync(folder)).toEqual(['model.bin']);
    expect(Object.keys(server.seen[0]?.headers ?? {}).sort()).toEqual([
      'accept-encoding',
      'connection',
      'host',
    ]);
    expect(seen[0]).toEqual([0, SIZE]);
    expect(seen.at(-1)).toEqual([SIZE, SIZE]);
    expect(await fetchIt()).toBe(SIZE); // already there: no request
    expect(server.seen).toHaveLength(1);
  });

  it.each([[[1]], [[100_000]], [[SIZE - 1]], [[1, 65_536, 65_537, 2_000_000]]])(
    'dropped at %j goes on there; no byte is sent twice',
    async (offsets) => {
      dropAt(...offsets);
      expect(await fetchIt()).toBe(SIZE);
      expect(readFileSync(target).equals(BYTES)).toBe(true);
      expect(server.seen.map(({ from }) => from)).toEqual([0, ...offsets]);
      expect(server.seen.slice(1).map(({ headers }) => headers['if-range'])).toEqual(
        offsets.map(() => '"one"'),
      );
      expect(server.sent).toBe(SIZE);
      expect(readdirSync(folder)).toEqual(['model.bin']);
    },
  );

  it('starts over where the server ignores ranges', async () => {
    server.handler = async (request, response, nth) => {
      if (nth === 1) await server.sendUntil(request, response, 9999, () => hasSize(`${target}.part`, 9999));
      else response.writeHead(200, { 'content-length': SIZE }).end(BYTES);
      return true;
    };
    await fetchIt();
    expect(server.seen).toHaveLength(2);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
  });

  it('starts over where the file has changed', async () => {
    const old = Buffer.alloc(SIZE, 7);
    const { sha256 } = server;
    server.handler = async (request, response, nth) => {
      if (nth > 1) return false;
      server.bytes = old;
      await server.sendUntil(request, response, 5000, () => hasSize(`${target}.part`, 5000));
      server.bytes = BYTES;
      server.etag = '"two"';
      return true;
    };
    await fetchIt({ sha256 });
    expect(server.seen[1]?.headers).toMatchObject({ range: 'bytes=5000-', 'if-range': '"one"' });
    expect(server.seen).toHaveLength(2);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
  });

  it('starts over, once, when what an earlier run left was damaged', async () => {
    writeFileSync(`${target}.part`, Buffer.alloc(5000, 7));
    writeFileSync(
      `${target}.part.json`,
      JSON.stringify({ sha256: server.sha256, url: server.url(), validator: null }),
    );
    await fetchIt();
    expect(server.seen.map(({ from }) => from)).toEqual([5000, 0]);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
  });

  it('does not take up the part of another file, nor one without a note', async () => {
    for (const note of [{ sha256: '0'.repeat(64), url: server.url(), validator: null }, 'nonsense']) {
      rmSync(target, { force: true });
      writeFileSync(`${target}.part`, BYTES.subarray(0, 5000));
      writeFileSync(`${target}.part.json`, JSON.stringify(note));
      await fetchIt();
      expect(server.seen.at(-1)?.from).toBe(0);
    }
  });

  it('goes on from a mirror', async () => {
    dropAt(100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000);
    expect((await failure()).code).toBe('DOWNLOAD_FAILED');
    expect(part()).toBe(100_000);
    const mirror = await FileServer.start(BYTES);
    mirror.etag = '"other"';
    await fetchIt({ url: mirror.url('/elsewhere') });
    expect(mirror.seen[0]).toMatchObject({ from: 100_000, sent: SIZE - 100_000 });
    expect(mirror.seen[0]?.headers['if-range']).toBeUndefined();
    await mirror.close();
  });

  it('takes a part that is whole without asking, and starts over after 416', async () => {
    const note = JSON.stringify({ sha256: server.sha256, url: server.url(), validator: '"one"' });
    writeFileSync(`${target}.part`, BYTES);
    writeFileSync(`${target}.part.json`, note);
    expect(await fetchIt()).toBe(SIZE);
    expect(server.seen).toHaveLength(0);
    rmSync(target);
    writeFileSync(`${target}.part`, Buffer.alloc(SIZE + 5, 1));
    writeFileSync(`${target}.part.json`, note);
    expect(await fetchIt()).toBe(SIZE);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual([`bytes=${SIZE + 5}-`, undefined]);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
  });

  it('survives a server that errs', async () => {
    server.handler = (_request, response, nth) => {
      if (nth > 3) return false;
      response.writeHead([500, 503, 429][nth - 1] ?? 500).end('sorry');
      return true;
    };
    const problems: string[] = [];
    await fetchIt({ onRetry: (problem) => problems.push(problem) });
    expect(problems).toEqual(['HTTP status 500', 'HTTP status 503', 'HTTP status 429']);
  });

  it('follows redirects', async () => {
    server.handler = ({ path }, response) => {
      if (path !== '/old') return false;
      response.writeHead(302, { location: '/model.bin' }).end();
      return true;
    };
    expect(await fetchIt({ url: server.url('/old') })).toBe(SIZE);
  });

  it('works without a stated size', async () => {
    server.handler = (_request, response) => {
      response.writeHead(200).end(BYTES);
      response.flushHeaders();
      return true;
    };
    expect(await fetchIt()).toBe(SIZE);
  });
});

describe('what cannot be had', () => {
  it('a wrong hash removes the part, and names both', async () => {
    const sha256 = 'ab'.repeat(32);
    const error = await failure({ sha256 });
    expect(error).toMatchObject({ code: 'WEIGHTS_HASH_MISMATCH', exitCode: 4 });
    expect(error.message).toContain(sha256);
    expect(error.message).toContain(server.sha256);
    expect(readdirSync(folder)).toEqual([]);
    expect(server.seen).toHaveLength(1);
  });

  it.each([404, 403, 410])('status %i ends it at once', async (status) => {
    server.handler = (_request, response) => {
      response.writeHead(status).end();
      return true;
    };
    const error = await failure();
    expect(error).toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(error.message).toBe(`${server.url()}: HTTP status ${status}`);
    expect(error.remedy).toMatch(/--url.*weights import/);
    expect(server.seen).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('an error that stays ends it after five attempts', async () => {
    server.handler = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    expect((await failure()).message).toMatch(/HTTP status 500$/);
    expect(server.seen).toHaveLength(5);
  });

  it('nobody there', async () => {
    const { port } = server;
    await server.close();
    const error = await failure({ url: `http://127.0.0.1:${port}/x` });
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toMatch(/ECONNREFUSED/);
    server = await FileServer.start(BYTES);
  });

  it('a redirect loop, and redirects to what is no address of the network', async () => {
    let location = '/again';
    server.handler = (_request, response) => {
      response.writeHead(302, { location }).end();
      return true;
    };
    expect((await failure()).message).toMatch(/more than 5 redirects/);
    expect(server.seen).toHaveLength(6);
    location = 'file:///etc/passwd';
    expect(await failure()).toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect((await failure()).message).toMatch(/file:\/etc\/passwd: expected an https: or http: address/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    'ftp://host/file',
    'file:///etc/passwd',
    'C:\\model.bin',
    'nonsense',
    'https://me:secret@host/file',
  ])('the address %s', async (url) => {
    const error = await failure({ url });
    expect(error.code).toBe('OPTION_INVALID');
    expect(error.message).not.toContain('secret');
  });

  it('more bytes than stated, or than are taken', async () => {
    server.handler = ({ from, headers }, response) => {
      // States a range of ten bytes, but sends the rest.
      const range =
        headers.range === undefined ? {} : { 'content-range': `bytes ${from}-${from + 9}/${from + 10}` };
      response.writeHead(from > 0 ? 206 : 200, range);
      response.end(BYTES.subarray(from));
      return true;
    };
    writeFileSync(`${target}.part`, BYTES.subarray(0, 100));
    writeFileSync(
      `${target}.part.json`,
      JSON.stringify({ sha256: server.sha256, url: server.url(), validator: null }),
    );
    expect((await failure()).message).toMatch(/sends more than the 110 bytes that it stated/);
    expect(readdirSync(folder)).toEqual([]);
    expect((await failure({ maxBytes: 1_000_000 })).message).toMatch(
      /sends more than the limit of 1000000 bytes/,
    );
    expect(readdirSync(folder)).toEqual([]);
    server.handler = () => false;
    expect((await failure({ maxBytes: 1_000_000 })).message).toMatch(
      new RegExp(`${SIZE} bytes; at most 1000000 are accepted`),
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('fewer bytes than stated: what there is stays for the next time', async () => {
    dropAt(7000, 7000, 7000, 7000, 7000, 7000, 7000);
    expect((await failure()).code).toBe('DOWNLOAD_FAILED');
    expect(server.seen.map(({ from }) => from)).toEqual([0, 7000, 7000, 7000, 7000]);
    expect(part()).toBe(7000);
    server.handler = () => false;
    await fetchIt();
    expect(server.seen.at(-1)?.from).toBe(7000);
  });

  it('a cache that cannot be written', async () => {
    // A file in place of the folder: root ignores permissions.
    writeFileSync(join(folder, 'file'), '');
    const error = await failure({ to: join(folder, 'file', 'downloads', 'model.bin') });
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
    expect(error.remedy).toContain('RECLMIS_HOME');
    expect(server.seen).toHaveLength(0);
  });

  const disk = mkdtempSync(join(tmpdir(), 'reclmis-disk-'));
  const mounted =
    process.platform === 'linux' &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
  if (mounted) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true });

  it.skipIf(!mounted)('a full disk (needs the right to mount a small one)', async () => {
    const small = join(folder, 'small');
    mkdirSync(small);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status).toBe(0);
    try {
      const to = join(small, 'model.bin');
      const known = await failure({ to });
      expect(known.code).toBe('DISK_FULL');
      expect(known.message).toMatch(new RegExp(`${SIZE} bytes are needed, \\d+ are free`));
      server.handler = (_request, response) => {
        response.writeHead(200); // no size, so that it only shows while writing
        response.end(BYTES);
        return true;
      };
      expect((await failure({ to })).code).toBe('DISK_FULL');
      expect(readdirSync(small)).toEqual([]);
    } finally {
      spawnSync('umount', [small]);
    }
  });
});

describe('interruption', () => {
  it('by the signal keeps the part for the next time', async () => {
    const controller = new AbortController();
    server.handler = async (request, response) => {
      await server.sendUntil(request, response, 300_000, () => controller.signal.aborted);
      return true;
    };
    const ended = failure({ signal: controller.signal });
    await until(() => hasSize(`${target}.part`, 300_000));
    controller.abort();
    expect(await ended).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(part()).toBe(300_000);
    expect(readdirSync(folder).sort()).toEqual(['model.bin.part', 'model.bin.part.json']);
    server.handler = () => false;
    await fetchIt();
    expect(server.sent).toBe(SIZE);
    expect((await failure({ signal: AbortSignal.abort(), to: `${target}2` })).code).toBe('INTERRUPTED');
  });

  function child(): { process: ReturnType<typeof spawn>; ended: Promise<number | null> } {
    const script =
      `import { download } from ${JSON.stringify(MODULE)};` +
      `await download(${JSON.stringify(server.url())}, ${JSON.stringify(target)}, { sha256: '${server.sha256}', env: {} });`;
    const started = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    return { process: started, ended: new Promise((resolve) => started.once('close', resolve)) };
  }

  it('by kill -9 costs no byte', async () => {
    let killed = false;
    server.handler = async (request, response, nth) => {
      if (nth > 1) return false;
      await server.sendUntil(request, response, 1_234_567, () => killed);
      return true;
    };
    const victim = child();
    await until(() => hasSize(`${target}.part`, 1_234_567));
    victim.process.kill('SIGKILL');
    await victim.ended;
    killed = true;
    expect(existsSync(`${target}.lock`)).toBe(true); // dead processes hold no locks
    await fetchIt();
    expect(server.seen.map(({ from }) => from)).toEqual([0, 1_234_567]);
    expect(server.sent).toBe(SIZE);
    expect(readdirSync(folder)).toEqual(['model.bin']);
  });

  it('two processes at once download it once', async () => {
    let both = false;
    server.handler = async (request, response, nth) => {
      if (nth > 1) return false;
      // Half of it waits until this process waits for the lock, too.
      await server.sendUntil(request, response, 1_000_000, () => both);
      return true;
    };
    const other = child();
    await until(() => hasSize(`${target}.part`, 1_000_000));
    const mine = fetchIt({ onWait: () => (both = true) });
    expect(await other.ended).toBe(0);
    expect(await mine).toBe(SIZE);
    expect(server.sent).toBe(SIZE);
    expect(readFileSync(target).equals(BYTES)).toBe(true);
    expect(readdirSync(folder)).toEqual(['model.bin']);
  });
});
