import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from './files.js';
import { errorOf, inFolder } from './testing.js';

describe('makeFolder', () => {
  it('names a dangling link and its target', async () => {
    await inFolder(async (dir) => {
      const [dead, loop] = [join(dir, 'dead'), join(dir, 'loop')];
      symlinkSync('unmounted', dead);
      symlinkSync('loop', loop);
      const code = 'OUTPUT_UNWRITABLE';
      const message = `${dead}: is a link to unmounted, which does not exist`;
      expect(await errorOf(makeFolder(dead))).toEqual({ code, message });
      expect(await errorOf(makeFolder(join(dead, 'below')))).toEqual({ code, message });
      expect(await errorOf(makeFolder(loop))).toEqual({
        code,
        message: `${loop}: is a link to loop, which points back to itself`,
      });
      await makeFolder(join(dir, 'unmounted'));
      await makeFolder(join(dead, 'below'));
      expect(existsSync(join(dir, 'unmounted', 'below'))).toBe(true);
    });
  });
});
