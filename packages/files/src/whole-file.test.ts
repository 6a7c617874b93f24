import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorOf, inFolder } from './testing.js';
import { finalName, temporaryName, writeFileAtomic, writeFileAtomicSync } from './whole-file.js';

const WRITERS = [
  ['writeFileAtomic', writeFileAtomic],
  [
    'writeFileAtomicSync',
    (...args: Parameters<typeof writeFileAtomicSync>) =>
      Promise.resolve().then(() => writeFileAtomicSync(...args)),
  ],
] as const;

describe.each(WRITERS)('%s', (_, write) => {
  it('replaces a file whole, with the requested permissions', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'a.json');
      await write(path, 'first');
      await write(path, Uint8Array.of(1, 2), { sync: true, mode: 0o600 });
      expect([...readFileSync(path)]).toEqual([1, 2]);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(dir)).toEqual(['a.json']);
    });
  });

  it('leaves nothing behind if a folder is in its place', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'taken');
      mkdirSync(path);
      const { code, message } = await errorOf(write(path, 'text'));
      expect(code).toBe('OUTPUT_UNWRITABLE');
      expect(message).toMatch(/\/taken: cannot be written \((EISDIR|ENOTEMPTY|EEXIST|EPERM): /);
      expect(readdirSync(dir)).toEqual(['taken']);
    });
  });
});

describe('writing without waiting', () => {
  it('takes pieces, also over bytes written before', async () => {
    await inFolder((dir) => {
      const path = join(dir, 'a');
      writeFileAtomicSync(path, (add) => {
        expect(readdirSync(dir).map(finalName)).toEqual(['a']);
        add(Buffer.from('head body'));
        add(Buffer.from('HEAD'), 0);
      });
      expect(readFileSync(path, 'utf8')).toBe('HEAD body');
      return Promise.resolve();
    });
  });

  it('passes on what its content throws, and keeps the old file', async () => {
    await inFolder((dir) => {
      const path = join(dir, 'a');
      writeFileSync(path, 'old');
      const stop = new RangeError('stop');
      const broken = (add: (bytes: Uint8Array) => void): void => {
        add(Buffer.from('half'));
        throw stop;
      };
      expect(() => writeFileAtomicSync(path, broken)).toThrow(stop);
      expect([readFileSync(path, 'utf8'), readdirSync(dir)]).toEqual(['old', ['a']]);
      return Promise.resolve();
    });
  });

  it('does not recreate a removed folder', async () => {
    await inFolder((dir) => {
      expect(() => writeFileAtomicSync(join(dir, 'gone', 'a'), '')).toThrow(/gone\/a: cannot be written/);
      expect(existsSync(join(dir, 'gone'))).toBe(false);
      return Promise.resolve();
    });
  });
});

describe('temporary names', () => {
  it('are hidden, next to the file, unique, and lead back to it', () => {
    const [one, two] = [temporaryName('/runs/a/run.json'), temporaryName('/runs/a/run.json')];
    expect(one).toMatch(new RegExp(`^/runs/a/\\.run\\.json\\.${process.pid}\\.[0-9a-f]{8}\\.tmp$`));
    expect(one).not.toBe(two);
    expect(finalName(one.slice('/runs/a/'.length))).toBe('run.json');
  });

  it('of earlier versions, with counters, are recognised; user’s names are not', () => {
    expect(finalName('.run.json.12.3.tmp')).toBe('run.json');
    expect(['run.json', '.tmp', '.a.tmp', 'a.1.2.tmp', '.lock'].map(finalName)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });
});
