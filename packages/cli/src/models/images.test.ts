import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDataset } from '@reclmis/data';
import { readYaml } from '@reclmis/lab';
import { loadModel } from '@reclmis/runtime';
import { readSafetensorsHeader } from '@reclmis/torch';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listImages } from '@reclmis/predict';
import { openExported } from './open-exported.js';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'reclmis-images-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const ids = async (pattern: string): Promise<string[]> =>
  (await listImages(join(dir, pattern), join(dir, 'out'))).map(({ id }) => id);

describe.skipIf(process.platform === 'win32')('links and pipes', () => {
  it('counts a file once despite links, and keeps dead links as cases', async () => {
    mkdirSync(join(dir, 'd', 'a', 'b'), { recursive: true });
    mkdirSync(join(dir, 'elsewhere'));
    for (const name of ['d/l.png', 'd/a/m.png', 'elsewhere/n.png']) writeFileSync(join(dir, name), 'x');
    symlinkSync('..', join(dir, 'd', 'a', 'loop'));
    symlinkSync('../..', join(dir, 'd', 'a', 'b', 'loop'));
    symlinkSync('/nonexist.png', join(dir, 'd', 'dead.png'));
    symlinkSync('self.png', join(dir, 'd', 'a', 'self.png'));
    symlinkSync('m.png', join(dir, 'd', 'a', 'c.png')); // at most as long as its target
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'd', 'more'));
    symlinkSync(join(dir, 'elsewhere'), join(dir, 'd', 'folder.png'));
    expect(await ids('d/**/*.png')).toEqual(['a/m', 'a/self', 'dead', 'l', 'more/n']);
    expect(await ids('d/*.png')).toEqual(['dead', 'l']);
    expect(await ids('d/a/*')).toEqual(['m', 'self']);
    expect(await ids('d/{dead,l}.png')).toEqual(['dead', 'l']);
  });

  it('refuses a pipe as a model, weights, a setting or a list of stems instead of waiting for it', async () => {
    const pipe = (name: string): string => {
      execFileSync('mkfifo', [join(dir, name)]);
      return join(dir, name);
    };
    pipe('manifest.json');
    await expect(loadModel(dir)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('is a pipe, not a file') as string,
    });
    await expect(openExported(dir)).rejects.toMatchObject({ code: 'MODEL_INVALID' });
    const weights = pipe('a.safetensors');
    expect(() => readSafetensorsHeader(weights)).toThrow('is not a regular file');
    const yaml = pipe('a.yaml');
    expect(() => readYaml(yaml)).toThrow('is a pipe, not a file');
    await expect(openDataset(dir, 'test', { stems: pipe('stems.txt') })).rejects.toMatchObject({
      code: 'STEM_UNKNOWN',
    });
  });
});
