import { spawnSync } from 'node:child_process';
import { linkSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openGrown, openToAppend } from './append.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-append-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string): string => join(root, name);

describe('a file that grows', () => {
  it('is created, appended to and read', async () => {
    expect(await openGrown(at('own'))).toBeNull();
    for (const text of ['a\n', 'b\n']) {
      const file = await openToAppend(at('own'));
      await file.appendFile(text);
      await file.close();
    }
    const file = await openGrown(at('own'));
    expect(await file?.readFile('utf8')).toBe('a\nb\n');
    await file?.close();
  });

  it('refuses links, pipes and folders', async () => {
    writeFileSync(at('victim'), 'VICTIM');
    symlinkSync(at('victim'), at('link'));
    symlinkSync(at('nowhere'), at('dangling'));
    linkSync(at('victim'), at('hard'));
    spawnSync('mkfifo', [at('pipe')]);
    for (const name of ['link', 'dangling', 'hard', 'pipe', '.']) {
      for (const open of [openToAppend, openGrown]) {
        await expect(open(at(name)), `${name} ${open.name}`).rejects.toMatchObject({
          code: 'OUTPUT_UNWRITABLE',
        });
      }
    }
    expect(readFileSync(at('victim'), 'utf8')).toBe('VICTIM');
    expect(existsSync(at('nowhere'))).toBe(false);
  });
});
