import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
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
import { ReclmisError } from '@reclmis/core';
import { manifestJson } from '@reclmis/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeHub, hasSize, until } from '../testing/index.js';
import { fetchHubModel, type HubFetchOptions, type HubModel } from './hub-model.js';

const MODULE = new URL('./hub-model.js', import.meta.url).href;
const ID = 'ward/chest';
const TOKEN = 'hf_theSecretToken';

/** A little over a mebibyte, different everywhere. */
const SEGMENTER = Buffer.concat(
  Array.from({ length: 33_000 }, (_, i) => createHash('sha256').update(`block ${i}`).digest()),
);
const TEXT = Buffer.from('a small text encoder '.repeat(200));
const SIZE = SEGMENTER.length + TEXT.length;
const CONTENT: Readonly<Record<string, Buffer>> = { 'segmenter.onnx': SEGMENTER, 'text-encoder.onnx': TEXT };

function manifest(content = CONTENT): Buffer {
  const file = (name: string): object => {
    const bytes = content[name] ?? Buffer.alloc(0);
    return { name, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  };
  return Buffer.from(JSON.stringify(manifestJson({ file })));
}

const repository = (below = '', content = CONTENT): Map<string, Buffer> =>
  new Map([
    ['README.md', Buffer.from('# A model')],
    [`${below}manifest.json`, manifest()],
    ...Object.entries(content).map(([name, bytes]) => [`${below}${name}`, bytes] as const),
  ]);

let hub: FakeHub;
let home: string;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'reclmis-hub-'));
  hub = await FakeHub.start();
});
afterEach(async () => {
  await hub.close();
  rmSync(home, { recursive: true, force: true });
});

const fetched = (place = `hf:${ID}`, options: HubFetchOptions = {}): Promise<HubModel> =>
  fetchHubModel(place, { home, env: {}, retryDelayMs: 1, ...options, hubUrl: options.hubUrl ?? hub.url });

async function failure(place?: string, options?: HubFetchOptions): Promise<ReclmisError> {
  try {
    await fetched(place, options);
  } catch (error) {
    if (error instanceof ReclmisError) return error;
    throw error;
  }
  throw new Error('it worked');
}

const paths = (): string[] => hub.seen.map(({ server, path }) => `${server} ${path.split('?')[0]}`);
const expectWhole = (folder: string): void => {
  for (const [name, bytes] of Object.entries({ ...CONTENT, 'manifest.json': manifest() }))
    expect(readFileSync(join(folder, name)).equals(bytes), name).toBe(true);
};

describe('what is fetched', () => {
  it('the files of the manifest at the commit of a branch, and nothing else', async () => {
    const commit = hub.commit(ID, repository());
    const { folder, origin } = await fetched();
    expect(origin).toEqual({ repository: ID, revision: 'main', folder: '', commit });
    expect(folder).toBe(join(home, 'models', 'ward--chest', commit));
    expectWhole(folder);
    expect(readdirSync(folder).sort()).toEqual(['manifest.json', 'segmenter.onnx', 'text-encoder.onnx']);
    const sha256 = createHash('sha256').update(SEGMENTER).digest('hex');
    expect(paths()).toEqual([
      'hub /api/models/ward/chest/revision/main',
      `hub /ward/chest/resolve/${commit}/manifest.json`,
      `hub /api/resolve-cache/models/ward/chest/${commit}/manifest.json`,
      `hub /ward/chest/resolve/${commit}/segmenter.onnx`,
      `files /${sha256}`,
      `hub /ward/chest/resolve/${commit}/text-encoder.onnx`,
      `hub /api/resolve-cache/models/ward/chest/${commit}/text-encoder.onnx`,
    ]);
  });

  it('a folder of a revision whose name has slashes', async () => {
    hub.commit(ID, repository('int8/'), 'refs/pr/1');
    const { folder, origin } = await fetched(`hf:${ID}@refs%2Fpr%2F1/int8`);
    expect(origin.folder).toBe('int8');
    expectWhole(folder);
  });

  it('a second time only the commit is asked for, and by its hash nothing', async () => {
    const commit = hub.commit(ID, repository());
    await fetched();
    hub.seen.length = 0;
    await fetched();
    expect(paths()).toEqual(['hub /api/models/ward/chest/revision/main']);
    hub.seen.length = 0;
    const { origin } = await fetched(`hf:${ID}@${commit}`);
    expect(origin).toEqual({ repository: ID, revision: commit, folder: '', commit });
    expect(paths()).toEqual([]);
  });

  it('a new commit of the branch, next to the old one', async () => {
    const old = hub.commit(ID, repository());
    await fetched();
    const files = repository();
    files.set('README.md', Buffer.from('# Another'));
    const commit = hub.commit(ID, files);
    expect((await fetched()).origin.commit).toBe(commit);
    expect((await fetched(`hf:${ID}@${old}`)).origin.commit).toBe(old);
    expect(readdirSync(join(home, 'models', 'ward--chest')).sort()).toEqual([commit, old, 'refs'].sort());
  });

  it('a file that was damaged in the cache, and only that', async () => {
    hub.commit(ID, repository());
    const { folder } = await fetched();
    writeFileSync(join(folder, 'text-encoder.onnx'), 'something else');
    const before = hub.sent;
    expectWhole((await fetched()).folder);
    expect(hub.sent - before).toBe(TEXT.length + manifest().length);
  });

  it('from the mirror of HF_ENDPOINT, and from RECLMIS_HOME’s cache', async () => {
    const commit = hub.commit(ID, repository());
    const env = { HF_ENDPOINT: `${hub.url}/`, RECLMIS_HOME: home };
    const { folder } = await fetchHubModel(`hf:${ID}`, { env });
    expect(folder).toBe(join(home, 'models', 'ward--chest', commit));
  });

  it('says how far it is', async () => {
    hub.commit(ID, repository());
    const seen = new Map<string, [number, number]>();
    await fetched(undefined, { onProgress: ({ name }, done, total) => seen.set(name, [done, total]) });
    expect(Object.fromEntries(seen)).toEqual({
      'segmenter.onnx': [SEGMENTER.length, SEGMENTER.length],
      'text-encoder.onnx': [TEXT.length, TEXT.length],
    });
  });
});

describe('the token', () => {
  it('goes to the hub and not to the server that it redirects to', async () => {
    hub.commit(ID, repository());
    hub.repositories.get(ID)!.token = TOKEN;
    await fetched(undefined, { env: { HF_TOKEN: TOKEN } });
    const sent = (server: string): Set<string | undefined> =>
      new Set(hub.seen.filter((one) => one.server === server).map(({ headers }) => headers.authorization));
    expect(sent('hub')).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(sent('files')).toEqual(new Set([undefined]));
  });

  it('is in no message, and neither are signatures of addresses', async () => {
    hub.commit(ID, repository());
    hub.handler = ({ server }, response) => {
      if (server === 'hub') return false;
      response.writeHead(403).end();
      return true;
    };
    for (const place of [`hf:${ID}`, `hf:${ID}@absent`, 'hf:ward/absent']) {
      const { message, remedy, code } = await failure(place, { env: { HF_TOKEN: TOKEN } });
      expect(code).toMatch(/^HUB_/);
      expect(message + remedy).not.toMatch(/hf_the|Signature|secret/);
    }
  });
});

describe('refusals', () => {
  it('of what is not there, private or gated', async () => {
    hub.commit(ID, repository());
    expect(await failure('hf:ward/absent')).toMatchObject({ code: 'HUB_MISSING', exitCode: 4 });
    expect((await failure(`hf:${ID}@v9`)).message).toContain('ward/chest has no revision v9');
    const folder = await failure(`hf:${ID}/int8`);
    expect(folder).toMatchObject({
      code: 'HUB_MISSING',
      message: expect.stringContaining('has no such file') as string,
    });
    expect(folder.remedy).toContain('manifest.json');
    hub.repositories.get(ID)!.token = TOKEN;
    const secret = await failure();
    expect(secret).toMatchObject({ code: 'HUB_MISSING' });
    expect(secret.remedy).toContain('HF_TOKEN');
    delete hub.repositories.get(ID)!.token;
    hub.repositories.get(ID)!.gated = true;
    expect((await failure()).code).toBe('HUB_REFUSED');
    expect(existsSync(join(home, 'models', 'ward--chest', 'refs', 'v9'))).toBe(false);
  });

  it('of a repository without a manifest of ours, of HTML, and of addresses with secrets', async () => {
    hub.commit(ID, new Map([['manifest.json', Buffer.from('{"name": "another program"}')]]));
    expect((await failure()).code).toBe('MODEL_INVALID');
    hub.handler = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in first</html>');
      return true;
    };
    expect((await failure()).code).toBe('HUB_MISSING');
    for (const hubUrl of ['ftp://hub', 'nonsense', 'https://me:secret@hub', 'https://hub/?key=secret']) {
      const { code, message } = await failure(undefined, { hubUrl });
      expect(code).toBe('OPTION_INVALID');
      expect(message).not.toContain('secret');
    }
  });

  it('of a file with another hash, which is fetched no second time in vain', async () => {
    const wrong = Buffer.from(SEGMENTER);
    wrong[1000]! ^= 1;
    const commit = hub.commit(ID, repository('', { ...CONTENT, 'segmenter.onnx': wrong }));
    const { code, message } = await failure();
    expect(code).toBe('HUB_FILE_DIFFERS');
    expect(message).toContain(createHash('sha256').update(SEGMENTER).digest('hex'));
    const folder = join(home, 'models', 'ward--chest', commit);
    expect(readdirSync(folder)).toEqual([]);
    hub.commit(ID, repository('', { ...CONTENT, 'segmenter.onnx': Buffer.concat([SEGMENTER, TEXT]) }));
    expect((await failure()).message).toContain(`at most ${SEGMENTER.length} are accepted`);
  });

  it('of a hub that is away, errs or breaks off: what there is stays', async () => {
    const commit = hub.commit(ID, repository());
    const part = join(home, 'models', 'ward--chest', commit, 'segmenter.onnx.part');
    let attempts = 0;
    hub.handler = async (request, response) => {
      if (request.server === 'hub') return false;
      if (++attempts === 1) {
        response.writeHead(200, { 'content-length': SEGMENTER.length });
        response.write(SEGMENTER.subarray(0, 7000));
        await until(() => hasSize(part, 7000));
      }
      response.destroy();
      return true;
    };
    const broken = await failure();
    expect(broken.code).toBe('DOWNLOAD_FAILED');
    expect(broken.remedy).toContain('HF_ENDPOINT');
    const sent = hub.sent;
    hub.handler = () => false;
    await fetched();
    expect(hub.seen.find(({ server, from }) => server === 'files' && from === 7000)).toBeDefined();
    expect(hub.sent - sent).toBe(SIZE - 7000 + manifest().length);
    const { url } = hub;
    await hub.close();
    expect((await failure(`hf:${ID}@v2`, { hubUrl: url })).code).toBe('DOWNLOAD_FAILED');
    hub = await FakeHub.start();
  });
});

describe('offline', () => {
  it('uses the cache, by the commit that a branch last was, and asks no one', async () => {
    const commit = hub.commit(ID, repository());
    const before = await fetched();
    hub.seen.length = 0;
    for (const options of [
      { offline: true },
      { env: { RECLMIS_OFFLINE: '1' } },
      { env: { HF_HUB_OFFLINE: 'yes' } },
    ])
      for (const place of [`hf:${ID}`, `hf:${ID}@${commit}`])
        expect((await fetched(place, options)).folder).toBe(before.folder);
    expect(hub.seen).toEqual([]);
    expect((await fetched(undefined, { env: { RECLMIS_OFFLINE: '0' } })).folder).toBe(before.folder);
    expect(hub.seen).toHaveLength(1);
  });

  it('says what the cache lacks', async () => {
    const commit = hub.commit(ID, repository());
    expect(await failure(undefined, { offline: true })).toMatchObject({ code: 'OFFLINE', exitCode: 4 });
    expect((await failure(`hf:${ID}@${commit}`, { offline: true })).code).toBe('OFFLINE');
    const { folder } = await fetched();
    rmSync(join(folder, 'segmenter.onnx'));
    const { code, message } = await failure(undefined, { offline: true });
    expect(code).toBe('OFFLINE');
    expect(message).toContain('lacks segmenter.onnx');
  });
});

describe('several processes, and their ends', () => {
  function child(): { process: ReturnType<typeof spawn>; ended: Promise<number | null> } {
    const options = JSON.stringify({ hubUrl: hub.url, home, env: {} });
    const script = `import { fetchHubModel } from ${JSON.stringify(MODULE)}; await fetchHubModel('hf:${ID}', ${options});`;
    const started = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    return { process: started, ended: new Promise((resolve) => started.once('close', resolve)) };
  }

  /** Sends the file's first bytes and waits. */
  const half = (bytes: number, when: () => boolean): void => {
    let first = true;
    hub.handler = async (request, response) => {
      if (request.server === 'hub' || !first) return false;
      first = false;
      response.writeHead(200, { 'content-length': SEGMENTER.length });
      request.sent = bytes;
      response.write(SEGMENTER.subarray(0, bytes));
      await until(when);
      response.destroy();
      return true;
    };
  };

  it('kill -9 leaves a part, from which the next one goes on', async () => {
    const commit = hub.commit(ID, repository());
    const part = join(home, 'models', 'ward--chest', commit, 'segmenter.onnx.part');
    let killed = false;
    half(500_000, () => killed);
    const victim = child();
    await until(() => hasSize(part, 500_000));
    victim.process.kill('SIGKILL');
    await victim.ended;
    killed = true;
    const { folder } = await fetched();
    expectWhole(folder);
    expect(hub.sent).toBe(SIZE + 2 * manifest().length);
  });

  it('two at once fetch each file once', async () => {
    const commit = hub.commit(ID, repository());
    const part = join(home, 'models', 'ward--chest', commit, 'segmenter.onnx.part');
    let both = false;
    half(500_000, () => both);
    const other = child();
    await until(() => hasSize(part, 500_000));
    const waited: string[] = [];
    const mine = fetched(undefined, {
      onWait: ({ name }) => {
        waited.push(name);
        both = true;
      },
    });
    expect(await other.ended).toBe(0);
    expectWhole((await mine).folder);
    expect(waited[0]).toBe('segmenter.onnx');
    expect(hub.sent).toBe(SIZE + 2 * manifest().length);
  });

  it('Ctrl-C keeps the part', async () => {
    const commit = hub.commit(ID, repository());
    const part = join(home, 'models', 'ward--chest', commit, 'segmenter.onnx.part');
    const controller = new AbortController();
    half(500_000, () => controller.signal.aborted);
    const ended = failure(undefined, { signal: controller.signal });
    await until(() => hasSize(part, 500_000));
    controller.abort();
    expect(await ended).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(hasSize(part, 500_000)).toBe(true);
  });
});

const mountable =
  process.platform === 'linux' &&
  (() => {
    const disk = mkdtempSync(join(tmpdir(), 'reclmis-disk-'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
    if (mounted) spawnSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    return mounted;
  })();

it.skipIf(!mountable)('a full disk (needs the right to mount a small one)', async () => {
  hub.commit(ID, repository());
  const small = join(home, 'small');
  mkdirSync(small);
  expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]).status).toBe(0);
  try {
    const { code, message, remedy } = await failure(undefined, { home: small });
    expect(code).toBe('DISK_FULL');
    expect(message).toMatch(new RegExp(`${SEGMENTER.length} bytes are needed, \\d+ are free`));
    expect(remedy).toContain('RECLMIS_HOME');
  } finally {
    spawnSync('umount', [small]);
  }
});
