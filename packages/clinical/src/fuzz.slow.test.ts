/**
 * 20,000 damaged DICOM and NIfTI files: each is a sound image or a coded error, in bounded time and memory, and no error
 * repeats a name or ID of the file.
 */
import { Random, ReclmisError } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { readDicom, readNifti } from './index.js';
import { damaged, seeds, type Seed } from './testing/fuzz.js';

const FILES = 20_000;
const MAX_MILLISECONDS = 10_000;
const MAX_RESIDENT = 1024 ** 3;

/** The code of the error, or "read". Anything else throws. */
async function outcome(kind: Seed['kind'], bytes: Uint8Array): Promise<string> {
  try {
    const image = await (kind === 'dicom' ? readDicom(bytes) : readNifti(bytes));
    for (const frame of new Set([0, image.frames - 1])) {
      image.geometryOf(frame);
      const { width, height, data } = await image.frame(frame);
      if (data.length !== width * height * 3 || width !== image.width || height !== image.height)
        throw new Error(`${data.length} values for ${width} x ${height}`);
    }
    return 'read';
  } catch (error) {
    if (!(error instanceof ReclmisError)) throw error;
    const { code, message, remedy, cause } = error;
    const text = `${message} ${remedy}`;
    if (/PLANTED|\n/u.test(text + String(cause))) throw new Error('it says too much', { cause: error });
    if (!code.startsWith('IMAGE_')) throw new Error('no code for an image', { cause: error });
    return code;
  }
}

describe.skipIf(!process.env['RECLMIS_SLOW'])('damaged files', () => {
  it(
    'are images or coded errors',
    async () => {
      const files = await seeds();
      for (const { kind, bytes, name } of files)
        expect([name, await outcome(kind, bytes)]).toEqual([name, 'read']);
      const tally: Record<string, number> = {};
      let slowest = 0;
      let resident = 0;
      for (let i = 0; i < FILES; i += 1) {
        const random = Random.from('clinical fuzz', i);
        const { kind, bytes, name } = files[i % files.length]!;
        const file = damaged(bytes, random.pick(files).bytes, random);
        const before = performance.now();
        const result = await outcome(kind, file).catch((error: unknown) => {
          throw new Error(`file ${i} (${name})`, { cause: error });
        });
        slowest = Math.max(slowest, performance.now() - before);
        resident = Math.max(resident, process.memoryUsage.rss());
        tally[`${kind} ${result}`] = (tally[`${kind} ${result}`] ?? 0) + 1;
      }
      console.log(
        JSON.stringify({ ...tally, slowest: Math.round(slowest), megabytes: Math.round(resident / 2 ** 20) }),
      );
      expect(slowest).toBeLessThan(MAX_MILLISECONDS);
      expect(resident).toBeLessThan(MAX_RESIDENT);
      expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(FILES);
      expect(tally['dicom read']).toBeGreaterThan(100); // otherwise the faults are too coarse
    },
    40 * 60_000,
  );
});
