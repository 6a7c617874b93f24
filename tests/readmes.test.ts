/** The first program of each package's README runs and prints what its comments say. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from '#reclmis-here';
import { ROOT } from './packed.js';
import { makeSmallModel, writePictures } from './small-model.js';

const scratch = mkdtempSync(join(tmpdir(), 'reclmis-readmes-'));
const root = join(scratch, 'project');
beforeAll(async () => {
  const { model } = await makeSmallModel(scratch);
  mkdirSync(join(root, 'models'), { recursive: true });
  cpSync(model, join(root, 'models', 'qata'), { recursive: true });
  await writePictures(join(scratch, 'pictures'));
  cpSync(join(scratch, 'pictures', '1.png'), join(root, 'chest.png'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  workspaces: readonly string[];
};
const readmeOf = (folder: string): string => readFileSync(join(ROOT, folder, 'README.md'), 'utf8');

describe('the README of', () => {
  // In order: the export takes the run of lab.
  it.each(workspaces.filter((folder) => folder !== 'packages/cli'))(
    '%s has a program that runs',
    (folder) => {
      const [, program = ''] = /```(?:js|ts)\n([^]*?)```/.exec(readmeOf(folder)) ?? [];
      expect(program).toContain('@reclmis/');
      writeFileSync(join(root, 'program.mjs'), program);
      const { status, stdout, stderr } = spawnSync(process.execPath, ['program.mjs'], {
        cwd: root,
        encoding: 'utf8',
      });
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
      // Its model is the phantom's, which tests/phantom.test.ts holds to its masks.
      if (folder === 'packages/phantom') {
        expect(stdout).toMatch(/^(?:[A-Z][a-z ,]+\. \d+ pixels\n){4}$/);
        return;
      }
      const said = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text);
      if (said.length > 0) expect(stdout.trim().split('\n')).toEqual(said);
      else expect(stdout).toMatch(/^200 200 \d+\n$/); // the runtime's
    },
  );

  it('the command has a line that runs', async () => {
    const [, line = ''] = /```sh\nnpx reclmis (.*)\n```/.exec(readmeOf('packages/cli')) ?? [];
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
    const { status } = await reclmisHere(root)(...words);
    expect([status, existsSync(join(root, 'masks', 'chest_mask.png'))]).toEqual([0, true]);
  });
});
