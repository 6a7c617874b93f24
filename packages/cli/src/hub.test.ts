/** `hf:` models of commands, and `publish`, against a server that speaks the hub's HTTP. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeHub } from '@reclmis/files/testing';
import { MODEL, SAMPLES } from '@reclmis/phantom';
import { loadModel } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { pathsIn, pathsInBytes } from './publish/private.js';
import { type Finished, reclmisHere } from './testing/reclmis.js';

const ID = 'ward/phantom';
const TOKEN = 'hf_theSecretToken';
const model = fileURLToPath(MODEL);
const [{ image, note }] = SAMPLES as [(typeof SAMPLES)[number]];
const root = mkdtempSync(join(tmpdir(), 'reclmis-hub-'));
const home = join(root, 'cache');
let hub: FakeHub;
let commit: string;

const filesOf = (folder: string): Map<string, Buffer> =>
  new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));

const reclmis = (...args: string[]): Promise<Finished> =>
  reclmisHere(root, {
    RECLMIS_HOME: home,
    HF_ENDPOINT: hub.url,
    HF_TOKEN: TOKEN,
    RECLMIS_OFFLINE: undefined,
  })(...args);

const predict = (place: string, out: string, ...more: string[]): Promise<Finished> =>
  reclmis('predict', place, '--image', 'chest.png', '--note', note, '-o', out, ...more);

const maskIn = (out: string): Buffer => readFileSync(join(root, out, 'chest_mask.png'));

beforeAll(async () => {
  hub = await FakeHub.start();
  commit = hub.commit(ID, filesOf(model));
  hub.repositories.get(ID)!.token = TOKEN;
  copyFileSync(fileURLToPath(image), join(root, 'chest.png'));
});
afterAll(async () => {
  await hub.close();
  rmSync(root, { recursive: true, force: true });
});

describe('predict hf:owner/name', () => {
  it('gives the model’s masks, records the commit, and tells the token to no one', async () => {
    const { status, stderr, stdout } = await predict(`hf:${ID}`, 'hub');
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stderr).toContain(`model: hf:${ID}@${commit}\n`);
    const local = await predict(model, 'local');
    expect(local.status).toBe(0);
    expect(maskIn('hub').equals(maskIn('local'))).toBe(true);
    const run = readFileSync(join(root, 'hub', 'run.json'), 'utf8');
    expect(JSON.parse(run)).toMatchObject({
      model: {
        kind: 'model',
        name: 'phantom',
        origin: { repository: ID, revision: 'main', folder: '', commit },
      },
    });
    expect(readFileSync(join(root, 'local', 'run.json'), 'utf8')).not.toContain('origin');
    expect(stderr + stdout + run).not.toContain(TOKEN);
  });

  it('--offline takes the cache’s, and OFFLINE says where it has none', async () => {
    const before = hub.seen.length;
    expect((await predict(`hf:${ID}`, 'offline', '--offline')).status).toBe(0);
    expect(maskIn('offline').equals(maskIn('hub'))).toBe(true);
    const absent = await predict(`hf:${ID}@v2`, 'absent', '--offline');
    expect(absent).toMatchObject({ status: 4, stderr: expect.stringContaining('error OFFLINE: ') as string });
    expect(hub.seen).toHaveLength(before);
    expect(existsSync(join(root, 'absent'))).toBe(false);
  });

  it('another hub by --hub-url; what is no address is refused', async () => {
    const other = await FakeHub.start();
    try {
      const { status, stderr } = await predict(`hf:${ID}@v3`, 'other', '--hub-url', other.url);
      expect(status).toBe(4);
      expect(stderr).toMatch(
        /error HUB_MISSING: .*ward\/phantom does not exist, or this user may not read it/,
      );
    } finally {
      await other.close();
    }
    expect(await predict('hf:phantom', 'bad')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('hf:owner/name') as string,
    });
  });

  it('studio --build takes it too, and without MODEL the phantom model', async () => {
    expect((await reclmis('studio', `hf:${ID}`, '--build', 'site')).status).toBe(0);
    const own = await reclmis('studio', '--build', 'own-site');
    expect(own).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('knows only drawn phantoms') as string,
    });
    const sha = (site: string): Buffer => readFileSync(join(root, site, 'model', 'segmenter.onnx'));
    expect(sha('site').equals(sha('own-site'))).toBe(true);
    const samples = JSON.parse(readFileSync(join(root, 'own-site', 'samples', 'samples.json'), 'utf8')) as {
      file: string;
    }[];
    expect(samples.map(({ file }) => file)).toEqual(SAMPLES.map(({ name }) => `${name}.png`));
  });
});

describe('publish', () => {
  const published = join(root, 'hub-folder');
  const card = (): string => readFileSync(join(published, 'README.md'), 'utf8');

  it('writes a repository that is used from a hub', async () => {
    const { status, stdout } = await reclmis('publish', model, '-o', published, '--licence', 'mit', '--repository', 'ward/new'); // prettier-ignore
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout).toContain('5 files, checked');
    const names = ['.gitattributes', 'README.md', 'manifest.json', 'segmenter.onnx', 'text-encoder.onnx'];
    expect(readdirSync(published).sort()).toEqual(names.sort());
    if (process.platform !== 'win32') expect(statSync(published).mode & 0o777).toBe(0o755);
    const made = hub.commit('ward/new', filesOf(published));
    const loaded = await loadModel('hf:ward/new', { hubUrl: hub.url, offline: false });
    expect(loaded.origin?.commit).toBe(made);
    await loaded.dispose();
  });

  it('the card has the metadata, the scores on test cases with intervals, and never the validation’s', () => {
    const front = parse(/^---\n([\s\S]*?)\n---\n/.exec(card())?.[1] ?? '') as Record<string, unknown>;
    expect(front).toMatchObject({
      license: 'mit',
      library_name: 'reclmis',
      pipeline_tag: 'image-segmentation',
    });
    expect(JSON.stringify(front['model-index'])).toContain('"value":0.7281');
    expect(card()).toContain('| phantoms | 150 | 72.8 (69.9 to 75.8) | 60.1 (56.9 to 63.6) |');
    expect(card()).toMatch(/Research use only. Not a medical device/);
    expect(card()).toContain("loadModel('hf:ward/new')");
    expect(card()).not.toContain('72.2'); // the validation's
    expect(card()).toContain('2cdba5b5c928122dbbf5a3692d05e4860f4d289b70dc0d0e3ad1baa30fb47aa7');
  });

  it('without a test says that there is none', async () => {
    const untested = changed('untested', (manifest) => {
      manifest['scores'] = (manifest['scores'] as { split: string }[]).filter(
        ({ split }) => split !== 'test',
      );
    });
    const { status, stderr } = await reclmis('publish', untested, '-o', 'untested-hub', '--licence', 'mit');
    expect(status).toBe(0);
    expect(stderr).toContain('the card has no scores');
    const text = readFileSync(join(root, 'untested-hub', 'README.md'), 'utf8');
    expect(text).toContain('None on test cases are recorded.');
    expect(text).not.toMatch(/model-index|\| 150 \|/);
  });

  it('refuses paths of a machine, damaged networks and full folders, and leaves nothing', async () => {
    const leaking = changed('leaking', (manifest) => {
      manifest['limits'] = ['Trained on /home/anna/patients/2024.'];
    });
    const unsafe = await reclmis('publish', leaking, '-o', 'leak', '--licence', 'mit');
    expect(unsafe).toMatchObject({
      status: 4,
      stderr: expect.stringContaining('error PUBLISH_UNSAFE: README.md') as string,
    });
    const damaged = changed('damaged', () => undefined);
    writeFileSync(join(damaged, 'segmenter.onnx'), 'no network');
    expect((await reclmis('publish', damaged, '-o', 'damaged-hub', '--licence', 'mit')).stderr).toContain(
      'MODEL_INVALID',
    );
    expect((await reclmis('publish', model, '-o', published, '--licence', 'mit')).stderr).toContain(
      'OUTPUT_EXISTS',
    );
    expect((await reclmis('publish', model, '-o', 'x', '--licence', 'My Licence')).status).toBe(2);
    expect((await reclmis('publish', model, '-o', 'x', '--licence', 'mit', '--repository', 'x')).status).toBe(
      2,
    );
    for (const name of ['leak', 'damaged-hub', 'x']) expect(existsSync(join(root, name)), name).toBe(false);
  });

  function changed(name: string, change: (manifest: Record<string, unknown>) => void): string {
    const folder = join(root, name);
    cpSync(model, folder, { recursive: true });
    const path = join(folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    change(manifest);
    writeFileSync(path, JSON.stringify(manifest));
    return folder;
  }
});

describe('paths', () => {
  it.each([
    ['at /home/anna/x.png.', '/home/anna/x.png.'],
    ['"C:\\\\data\\\\scans"', 'C:\\\\data\\\\scans'],
    ['(\\\\\\\\server\\\\share)', undefined],
    ['see \\\\server\\share', '\\\\server\\share'],
    ['file:///etc/x', 'file:///etc/x'],
    ['https://example.org/home/x', undefined],
    ['either/or, 1/2, and/data', undefined],
  ])('in %s: %s', (text, expected) => {
    expect(pathsIn(text)[0]).toBe(expected);
  });

  it('in the readable parts of bytes', () => {
    const bytes = Buffer.concat([
      Buffer.from([0, 255, 1]),
      Buffer.from('/work/runs/chest/best'),
      Buffer.from([0]),
    ]);
    expect(pathsInBytes(bytes)).toEqual(['/work/runs/chest/best']);
    expect(pathsInBytes(Buffer.from([0, 1, 2, 47, 47]))).toEqual([]);
  });
});
