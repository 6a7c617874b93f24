import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { machineTag } from '@reclmis/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KNOWN_WEIGHTS, knownWeights } from './known.js';
import {
  findWeights,
  installWeights,
  listWeights,
  type ManifestParts,
  readWeights,
  verifyWeights,
} from './store.js';

const ID = 'clip-vit-b-32';
const PARTS: ManifestParts = {
  tower: { vocabulary: 600, width: 8, layers: 2, heads: 2, positions: 77, projection: 8 },
  source: { name: 'ViT-B-32.pt', sha256: 'a'.repeat(64), bytes: 1000 },
  vocabulary: { name: 'tokenizer.json', sha256: 'b'.repeat(64) },
};

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reclmis-store-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function fill(model: string, merges = 'a b\n') {
  return (staging: string): Promise<ManifestParts> => {
    writeFileSync(join(staging, 'model.safetensors'), model);
    writeFileSync(join(staging, 'merges.txt'), merges);
    return Promise.resolve(PARTS);
  };
}

const store = (): string => join(home, 'weights');
const install = (model: string, force = false): Promise<unknown> =>
  installWeights(ID, fill(model), { home, force });
const model = (): string => readFileSync(join(store(), ID, 'model.safetensors'), 'utf8');

async function failure(work: Promise<unknown>): Promise<ReclmisError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ReclmisError)) throw new Error(`expected a coded error, got ${String(error)}`);
  return error;
}

describe('known weights', () => {
  it('have the hash in their address, as OpenAI publishes them', () => {
    expect(Object.keys(KNOWN_WEIGHTS)).toEqual(['clip-vit-b-32', 'clip-vit-b-16', 'clip-vit-l-14']);
    for (const { url, sha256, file, vocabulary } of Object.values(KNOWN_WEIGHTS)) {
      expect(url.split('/').slice(-2)).toEqual([sha256, file]);
      expect([sha256, vocabulary.sha256].every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
    }
    expect(() => knownWeights('clip-vit-b-31')).toThrow(
      expect.objectContaining({ code: 'WEIGHTS_UNKNOWN', message: expect.stringContaining(ID) as string }),
    );
    expect(() => knownWeights('constructor')).toThrow(ReclmisError);
  });
});

describe('installWeights', () => {
  it('puts a folder into the store that reads, lists and verifies', async () => {
    expect(findWeights(ID, home)).toBeNull();
    expect(listWeights(home)).toEqual([]);
    const stored = await installWeights(ID, fill('tower'), { home });
    expect(stored).toMatchObject({
      id: ID,
      dir: join(store(), ID),
      model: join(store(), ID, 'model.safetensors'),
      merges: join(store(), ID, 'merges.txt'),
      manifest: { ...PARTS, format: 'reclmis-weights/1', id: ID },
    });
    // sha256 of "tower" and of "a b\n", from sha256sum
    expect(stored.manifest.files).toEqual({
      'model.safetensors': {
        bytes: 5,
        sha256: 'ad2015263f339bff96818238148b790bd02be561472f4ea7db44498caa0b6558',
      },
      'merges.txt': { bytes: 4, sha256: '01186fcf04b4b447f393e552964c08c7b419c1ad7a25c342a0b631b1967d3a27' },
    });
    expect(findWeights(ID, home)).toEqual(stored);
    expect(readWeights(stored.dir)).toEqual(stored);
    expect(await verifyWeights(ID, home)).toEqual(stored);
    expect(listWeights(home)).toEqual([{ id: ID, dir: stored.dir, weights: stored, error: null }]);
    expect(readdirSync(stored.dir).sort()).toEqual(['merges.txt', 'model.safetensors', 'weights.json']);
  });

  it('gives equal files one fingerprint, and other files another', async () => {
    const one = await installWeights('one', fill('tower'), { home });
    const two = await installWeights('two', fill('tower'), { home });
    const other = await installWeights('other', fill('tower', 'c d\n'), { home });
    expect(two.manifest.fingerprint).toBe(one.manifest.fingerprint);
    expect(other.manifest.fingerprint).not.toBe(one.manifest.fingerprint);
  });

  it('refuses an id that is taken before anything is filled, and exchanges it with force', async () => {
    await install('old');
    let called = false;
    const refused = installWeights(ID, () => ((called = true), Promise.resolve(PARTS)), { home });
    expect((await failure(refused)).code).toBe('OUTPUT_EXISTS');
    expect(called).toBe(false);
    expect(model()).toBe('old');
    await install('new', true);
    expect(model()).toBe('new');
    expect(readdirSync(store())).toEqual([ID]);
  });

  it('leaves the old weights, and nothing else, when filling fails or leaves a file out', async () => {
    await install('old');
    const problem = new ReclmisError('SAFETENSORS_INVALID', 'no tower');
    const work = async (staging: string): Promise<ManifestParts> => {
      await fill('half')(staging);
      expect(model()).toBe('old'); // until the new ones are complete
      throw problem;
    };
    expect(await failure(installWeights(ID, work, { home, force: true }))).toBe(problem);
    const incomplete = (staging: string): Promise<ManifestParts> => {
      writeFileSync(join(staging, 'model.safetensors'), 'x');
      return Promise.resolve(PARTS);
    };
    expect((await failure(installWeights(ID, incomplete, { home, force: true }))).message).toMatch(
      /merges\.txt was not written/,
    );
    expect(model()).toBe('old');
    expect(readdirSync(store())).toEqual([ID]);
  });

  it('several at once: one wins, the others are refused, and what stands is whole', async () => {
    for (let round = 0; round < 10; round++) {
      rmSync(store(), { recursive: true, force: true });
      const results = await Promise.allSettled(['a', 'b', 'c'].map((text) => install(text)));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'OUTPUT_EXISTS' });
      }
      await verifyWeights(ID, home);
      expect(readdirSync(store())).toEqual([ID]);
    }
  });

  it('several at once by force: all are done or refused, and what stands is whole', async () => {
    await install('old');
    for (let round = 0; round < 10; round++) {
      const results = await Promise.allSettled(['a', 'b'].map((text) => install(text, true)));
      expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'OUTPUT_EXISTS' });
      }
      await verifyWeights(ID, home);
      expect(['a', 'b']).toContain(model());
      expect(readdirSync(store())).toEqual([ID]);
    }
  });

  it('clears up after a process that was killed while it filled, and leaves a living one alone', async () => {
    await install('old');
    const script =
      `import { installWeights } from ${JSON.stringify(new URL('./store.js', import.meta.url).href)};` +
      `await installWeights('${ID}', async () => { console.log('filling'); await new Promise((done) => setTimeout(done, 60_000)); },` +
      ` { home: ${JSON.stringify(home)}, force: true });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const filling = new Promise((resolve) => child.stdout.once('data', () => resolve('filling')));
    expect(await Promise.race([filling, closed.then(() => 'ended too soon')])).toBe('filling');
    await install('newer', true);
    expect(readdirSync(store())).toHaveLength(2); // it may still be working
    child.kill('SIGKILL');
    await closed;
    expect(model()).toBe('newer');
    await install('newest', true);
    expect(readdirSync(store())).toEqual([ID]);
    expect(model()).toBe('newest');
  });

  it('brings back what stepped aside for a process that died between the two renames', async () => {
    await install('old');
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    renameSync(join(store(), ID), join(store(), `.${ID}.${machineTag()}.${pid}.0123abcd.old`));
    expect(findWeights(ID, home)?.id).toBe(ID);
    expect(model()).toBe('old');
    expect(readdirSync(store())).toEqual([ID]);
  });

  it.each(['../evil', '.hidden', 'Upper', '', 'a/b', 'a'.repeat(65)])('refuses the id %j', async (id) => {
    expect((await failure(installWeights(id, fill('x'), { home }))).code).toBe('OPTION_INVALID');
    expect(readdirSync(home)).toEqual([]);
  });

  it('a cache that cannot be written is named, with RECLMIS_HOME', async () => {
    // A file in place of the folder: root ignores permissions.
    writeFileSync(join(home, 'file'), '');
    const error = await failure(installWeights(ID, fill('x'), { home: join(home, 'file') }));
    expect(error.code).toBe('OUTPUT_UNWRITABLE');
    expect(error.remedy).toContain('RECLMIS_HOME');
    expect(listWeights(join(home, 'file'))).toEqual([]);
    expect(findWeights(ID, join(home, 'file'))).toBeNull();
  });

  const disk = mkdtempSync(join(tmpdir(), 'reclmis-disk-'));
  const mountable =
    process.platform === 'linux' &&
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
  if (mountable) spawnSync('umount', [disk]);
  rmSync(disk, { recursive: true });

  it.skipIf(!mountable)(
    'a full disk leaves the old weights (needs the right to mount a small one)',
    async () => {
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', home]).status).toBe(0);
      try {
        await install('old');
        const big = (staging: string): Promise<ManifestParts> => {
          writeFileSync(join(staging, 'model.safetensors'), Buffer.alloc(2 << 20));
          return Promise.resolve(PARTS);
        };
        expect((await failure(installWeights(ID, big, { home, force: true }))).code).toBe('DISK_FULL');
        expect(readdirSync(store())).toEqual([ID]);
        expect((await verifyWeights(ID, home)).id).toBe(ID);
      } finally {
        spawnSync('umount', [home]);
      }
    },
  );
});

describe('damage', () => {
  const file = (name: string): string => join(store(), ID, name);
  beforeEach(() => install('tower'));

  it('of the size shows at once, of the content when verified', async () => {
    writeFileSync(file('merges.txt'), 'A b\n');
    expect(findWeights(ID, home)?.id).toBe(ID);
    const changed = await failure(verifyWeights(ID, home));
    expect(changed).toMatchObject({ code: 'WEIGHTS_CORRUPT', exitCode: 4 });
    expect(changed.message).toMatch(/merges\.txt: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}$/);
    truncateSync(file('model.safetensors'), 4);
    expect(() => findWeights(ID, home)).toThrow(/model\.safetensors: expected 5 bytes, got 4/);
  });

  it.each([
    ['a missing file', () => rmSync(file('model.safetensors')), /model\.safetensors: the file is missing/],
    ['no manifest', () => rmSync(file('weights.json')), /weights\.json: ENOENT/],
    [
      'a manifest that is no JSON',
      () => writeFileSync(file('weights.json'), '{'),
      /weights\.json: is not JSON/,
    ],
    [
      'a huge manifest',
      () => writeFileSync(file('weights.json'), ' '.repeat(2 << 20)),
      /2097152 bytes are too many/,
    ],
    ['another id', () => edit({ id: 'other' }), /expected id clip-vit-b-32, got other/],
    [
      'another format',
      () => edit({ format: 'reclmis-weights/2' }),
      /weights\.json: expected format reclmis-weights\/1, got reclmis-weights\/2/,
    ],
    [
      'another fingerprint',
      () => edit({ fingerprint: 'c'.repeat(64) }),
      /fingerprint: expected [0-9a-f]+, got cc/,
    ],
    [
      'a path out of the folder',
      () => edit({ files: { '../../x': { bytes: 1, sha256: 'a'.repeat(64) } } }),
      /files/,
    ],
  ])('%s is named, and listed without an error', (_, damage, message) => {
    damage();
    expect(() => findWeights(ID, home)).toThrow(expect.objectContaining({ code: 'WEIGHTS_CORRUPT' }));
    expect(() => findWeights(ID, home)).toThrow(message);
    const [entry] = listWeights(home);
    expect(entry).toMatchObject({ id: ID, weights: null, error: { code: 'WEIGHTS_CORRUPT' } });
  });

  it('is mended by force', async () => {
    rmSync(file('weights.json'));
    expect((await failure(install('new'))).code).toBe('OUTPUT_EXISTS');
    await install('new', true);
    expect(model()).toBe('new');
  });

  it('missing weights are another matter', async () => {
    expect(findWeights('clip-vit-l-14', home)).toBeNull();
    const error = await failure(verifyWeights('clip-vit-l-14', home));
    expect(error).toMatchObject({ code: 'WEIGHTS_MISSING', exitCode: 4 });
    expect(error.remedy).toMatch(/weights fetch.*weights import/);
    mkdirSync(join(store(), 'empty'));
    expect(existsSync(join(store(), 'empty'))).toBe(true);
    expect(() => findWeights('empty', home)).toThrow(ReclmisError);
  });

  function edit(change: Record<string, unknown>): void {
    const manifest = JSON.parse(readFileSync(file('weights.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(file('weights.json'), JSON.stringify({ ...manifest, ...change }));
  }
});
