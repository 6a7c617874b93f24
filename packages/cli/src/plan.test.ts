import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readNotes } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-plan-command-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);
const SMALL = ['--encoder', 'words', '--memory', '0.55', '--minutes', '0.1', '--seconds-per-image', '0.3'];

beforeAll(async () => {
  const made = await reclmis(
    'data',
    'phantom',
    '-o',
    'data',
    '--count',
    '20',
    '--seed',
    '3',
    '--size',
    '32',
    '-q',
  );
  expect(made).toMatchObject({ status: 0, stderr: '' });
});

describe('reclmis plan', () => {
  it('writes a configuration that train takes unchanged, and says why', async () => {
    const planned = await reclmis('plan', 'data', '-o', 'plan.yaml', ...SMALL);
    expect(planned).toMatchObject({ status: 0 });
    for (const line of [
      /^cases +14 train, 3 val, 3 test$/m,
      /^model\.imageSize +32 +the images' own/m,
      /Next: reclmis train --config plan\.yaml/,
    ])
      expect(planned.stdout).toMatch(line);
    const yaml = readFileSync(join(root, 'plan.yaml'), 'utf8');
    expect(yaml).toMatch(/^ {2}imageSize: 32 # the images' own/m);

    const trained = await reclmis(
      'train',
      '--config',
      'plan.yaml',
      '--data',
      'data',
      '-o',
      'run',
      '-q',
      '--json',
    );
    expect(trained).toMatchObject({ status: 0 });
    expect(JSON.parse(trained.stdout)).toMatchObject({ status: 'finished', epochs: 1 });
    const config = readFileSync(join(root, 'run', 'config.yaml'), 'utf8');
    expect(config).toMatch(/imageSize: 32\n/);

    expect(await reclmis('plan', 'data', '-o', 'plan.yaml', ...SMALL)).toMatchObject({
      status: 7,
      stderr: expect.stringMatching(/^error OUTPUT_EXISTS: plan\.yaml/) as unknown,
    });
  });

  it('gives the same as JSON, without notes', async () => {
    const { status, stdout, stderr } = await reclmis('plan', 'data', '--encoder', 'words', '-q', '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { plan, fingerprint } = JSON.parse(stdout) as {
      plan: { settings: { path: string }[] };
      fingerprint: { cases: unknown };
    };
    expect(fingerprint.cases).toEqual({ train: 14, val: 3, test: 3 });
    expect(plan.settings.map(({ path }) => path)).toContain('text.contextLength');
    const folder = join(root, 'data', 'Train_Folder');
    const table = readdirSync(folder).find((name) => name.includes('text')) ?? '';
    const [note = ''] = [...(await readNotes(join(folder, table))).notes.values()];
    expect(note.length).toBeGreaterThan(10);
    expect(stdout).not.toContain(note);
  });

  it.each([
    [['plan', 'nowhere'], 3, 'DATA_FOLDER_MISSING', /nowhere/],
    [['plan', 'data', '--memory', '0'], 2, 'OPTION_INVALID', /--memory: expected a number above 0/],
    [['plan', 'data', '--memory', '0.1'], 2, 'OPTION_INVALID', /--memory: expected at least/],
    [['plan', 'data', '--group', 's\\d+'], 2, 'OPTION_INVALID', /one capture group/],
    [
      ['train', '--data', 'data', '--folds', '3'],
      2,
      'CONFIG_INVALID',
      /data\.fold: expected a fold from 1 to 3/,
    ],
  ])('%j ends with %i and %s', async (args, status, code, message) => {
    const result = await reclmis(...args, '-q');
    expect(result.stderr).toMatch(new RegExp(`^error ${code}: `));
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
  });

  it('names the picture that does not read', async () => {
    const image = join(root, 'data', 'Test_Folder', 'img');
    writeFileSync(join(image, 'broken.png'), 'no picture');
    expect(await reclmis('plan', 'data', '-q')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^error DATA_INVALID: .*broken\.png/) as unknown,
    });
  });
});
