/** The example clients of `examples/`: both give the runtime's mask from `reclmis serve`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BIN } from '#reclmis-here';
import { readMask } from '@reclmis/files';
import { loadModel, type Segmentation } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './markdown.js';
import { makeSmallModel, type Picture, writePictures } from './small-model.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-clients-'));
const folder = join(root, 'model');
const NOTE = 'One infected area in the upper left lung.';
const TOKEN = 'a-token-of-this-test-0123456789';
const children: ChildProcess[] = [];
let image = '';
let picture: Picture;
let expected: Segmentation;
let open = '';
let guarded = '';

afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

beforeAll(async () => {
  await makeSmallModel(root);
  picture = (await writePictures(join(root, 'images')))[2]!; // not square
  image = join(root, 'images', picture.file);
  const model = await loadModel(folder, { threads: 1 });
  expected = await model.segment(picture.bytes, NOTE);
  await model.dispose();
  writeFileSync(join(root, 'token'), TOKEN, { mode: 0o600 });
  open = await serving();
  guarded = await serving('--token-file', join(root, 'token'));
});

/** Starts a server. @returns its address */
async function serving(...flags: string[]): Promise<string> {
  const args = [BIN, 'serve', folder, '--port', '0', '--threads', '1', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  for await (const line of createInterface({ input: child.stderr })) {
    const found = / at (http:\S+) /.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  throw new Error('the server ended');
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Ended =>
  spawnSync(program, args, { encoding: 'utf8', cwd: root, env: { ...process.env, ...env } });

const PYTHON = run('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0;
const python = join(ROOT, 'examples/python/segment.py');

describe.skipIf(!PYTHON)('the client in Python', () => {
  it('writes the mask of the runtime, and the warnings', async () => {
    const { status, stdout, stderr } = run('python3', [python, open, image, NOTE, 'python.png']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await readMask(join(root, 'python.png'))).toEqual(expected.mask);
    const [first, ...warnings] = stdout.trimEnd().split('\n');
    expect(first).toBe(`python.png: ${expected.width} x ${expected.height}`);
    expect(warnings.map((line) => line.split(' ')[0])).toEqual(expected.warnings.map(({ code }) => code));
  });

  it('sends a token, and tells of a refusal', () => {
    const args = [python, guarded, image, NOTE, 'token.png'];
    expect(run('python3', args, { RECLMIS_TOKEN: TOKEN })).toMatchObject({ status: 0, stderr: '' });
    const refused = run('python3', args, { RECLMIS_TOKEN: 'wrong' });
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/^TOKEN_INVALID: .+\n.+/);
  });

  it('needs the standard library alone, in about 30 lines', () => {
    const text = readFileSync(python, 'utf8');
    const [, names = ''] = /^import (.+)$/m.exec(text) ?? [];
    const code = `import sys; print(all(n.strip().split('.')[0] in sys.stdlib_module_names for n in ${JSON.stringify(names)}.split(',')))`;
    expect(run('python3', ['-c', code]).stdout.trim()).toBe('True');
    expect(text.match(/^(?:import|from) /gm)).toHaveLength(1);
    const lines = text
      .replace(/^"""[\s\S]*?"""/, '')
      .split('\n')
      .filter((line) => line.trim() !== '');
    expect(lines.length).toBeLessThanOrEqual(30);
  });
});

describe('the client of the Open Inference Protocol', () => {
  const client = join(ROOT, 'examples/kserve/client.mjs');

  it('writes the mask of the runtime', async () => {
    const { status, stdout, stderr } = run(process.execPath, [client, open, folder, image, NOTE, 'v2.png']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(await readMask(join(root, 'v2.png'))).toEqual(expected.mask);
    const inside = expected.mask.data.filter((value) => value === 1).length;
    expect(stdout).toBe(`v2.png: ${expected.width} x ${expected.height}, ${inside} pixels in the mask\n`);
    expect(inside).toBeGreaterThan(0);
  });

  it('tells what the server refused', () => {
    const { status, stderr } = run(process.execPath, [client, guarded, folder, image, NOTE, 'no.png']);
    expect(status).toBe(1);
    expect(stderr).toContain('TOKEN_INVALID');
  });
});
