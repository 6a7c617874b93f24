import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endsComplete, readImage, readImageHeader } from './images.js';
import { readMask } from './masks.js';
import { readNotes } from './notes.js';
import { openRegular, openRegularSync, readRegular, readRegularSync } from './regular.js';
import { errorOf, inFolder } from './testing.js';

const READERS = [
  ['readRegular', async (path: string) => readRegular(path)],
  ['readRegularSync', async (path: string) => readRegularSync(path)], // eslint-disable-line @typescript-eslint/require-await
  ['openRegular', async (path: string) => (await openRegular(path)).close()],
  ['openRegularSync', async (path: string) => openRegularSync(path)], // eslint-disable-line @typescript-eslint/require-await
] as const;

describe.skipIf(process.platform === 'win32')('what is not a regular file', () => {
  it.each(READERS)('is refused unopened by %s', async (_, read) => {
    await inFolder(async (dir) => {
      const at = (name: string): string => join(dir, name);
      execFileSync('mkfifo', [at('pipe')]);
      mkdirSync(at('folder'));
      symlinkSync(at('pipe'), at('link'));
      const server = createServer().listen(at('socket'));
      await new Promise((resolve) => server.once('listening', resolve));
      try {
        await expect(read(at('pipe'))).rejects.toThrow('is a pipe, not a file');
        await expect(read(at('link'))).rejects.toThrow('is a pipe, not a file');
        await expect(read(at('folder'))).rejects.toThrow('is a folder, not a file');
        await expect(read(at('socket'))).rejects.toThrow('is a socket, not a file');
        await expect(read('/dev/zero')).rejects.toThrow('is a device, not a file');
        await expect(read(at('none'))).rejects.toMatchObject({ code: 'ENOENT' });
      } finally {
        server.close();
      }
    });
  });

  it('is named if an image, a mask or notes are expected', async () => {
    await inFolder(async (dir) => {
      for (const name of ['a.png', 'a.csv', 'a.xlsx', 'a.jsonl']) execFileSync('mkfifo', [join(dir, name)]);
      const path = join(dir, 'a.png');
      for (const read of [readImage, readMask, readImageHeader, endsComplete]) {
        const { code, message } = await errorOf(read(path));
        expect([code, message]).toEqual([
          'IMAGE_UNREADABLE',
          expect.stringMatching(/a\.png: .*is a pipe, not a file/),
        ]);
      }
      for (const name of ['a.csv', 'a.xlsx', 'a.jsonl']) {
        const { code, message } = await errorOf(readNotes(join(dir, name)));
        expect([code, message]).toEqual(['NOTES_UNREADABLE', expect.stringMatching(/is a pipe, not a file/)]);
      }
    });
  });
});

describe('readRegular', () => {
  it('returns the bytes, even none, and keeps to a limit', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'a');
      writeFileSync(path, 'abc');
      expect((await readRegular(path)).toString()).toBe('abc');
      expect(readRegularSync(path, { limit: 3 }).toString()).toBe('abc');
      appendFileSync(path, 'd');
      await expect(readRegular(path, { limit: 3 })).rejects.toThrow('has 4 bytes, the limit is 3');
      expect(() => readRegularSync(path, { limit: 3 })).toThrow('has 4 bytes, the limit is 3');
      writeFileSync(path, '');
      expect(await readRegular(path)).toHaveLength(0);
    });
  });

  // Linux reports these as regular files of 0 bytes; some never end.
  it.skipIf(!existsSync('/proc/self/maps'))('takes no more bytes than a file states', async () => {
    expect(await readRegular('/proc/self/maps')).toHaveLength(0);
    expect(readRegularSync('/proc/self/maps')).toHaveLength(0);
  });
});
