import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { niftiFile } from '@reclmis/clinical/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { readImage } from './images.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-clinical-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a volume that stays open', () => {
  it('is read again if another file takes its place, even with its size and time', async () => {
    const path = join(root, 'scan.nii');
    const volume = (first: number): Uint8Array =>
      niftiFile({ dims: [3, 2, 1, 1], voxels: Uint8Array.from([first, 255 - first]) });
    writeFileSync(path, volume(0));
    const { atime, mtime } = statSync(path);
    const before = await readImage(path, { frame: 0 });
    rmSync(path);
    writeFileSync(path, volume(255));
    utimesSync(path, atime, mtime);
    const after = await readImage(path, { frame: 0 });
    expect([...after.data]).toEqual([...before.data].toReversed());
  });
});
