import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mirrorNote } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import { openDataset } from './dataset.js';
import { Loader, type LoaderOptions } from './loader.js';
import { errorOf, greyPng, inFolder, notesXlsx, splitFiles, writeFiles } from './testing/files.js';
import type { Batch, Case } from './types.js';

const STEMS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const NOTE = 'Unilateral pulmonary infection, one infected area, lower right lung.';

const inSet = (work: (cases: readonly Case[], dir: string) => Promise<void>): Promise<void> =>
  inFolder(async (dir) => {
    await writeFiles(dir, {
      ...(await splitFiles('Train_Folder', STEMS)),
      'Train_Folder/Train_text.xlsx': await notesXlsx(STEMS.map((stem) => [`mask_${stem}.png`, NOTE])),
    });
    await work((await openDataset(dir, 'train')).cases, dir);
  });

async function collect(options: LoaderOptions, epochs: readonly number[]): Promise<Omit<Batch, 'waitMs'>[]> {
  const loader = new Loader(options);
  const batches: Omit<Batch, 'waitMs'>[] = [];
  try {
    for (const epoch of epochs) {
      for await (const { waitMs, ...batch } of loader.batches(epoch)) {
        expect(waitMs).toBeGreaterThanOrEqual(0);
        batches.push({ ...batch, images: batch.images.slice(), masks: batch.masks.slice() });
      }
    }
  } finally {
    await loader.close();
  }
  return batches;
}

describe('Loader', () => {
  it('lays a batch out as planes in [0, 1] and masks of 0 and 1, in the order of the cases', async () => {
    await inSet(async (cases) => {
      const [first, , last] = await collect(
        { cases, size: 8, resize: 'area', batchSize: 3, workers: 0 },
        [0],
      );
      expect(first?.ids).toEqual(['a', 'b', 'c']);
      expect(first?.notes).toEqual([NOTE, NOTE, NOTE]);
      expect(first?.images).toHaveLength(3 * 3 * 64);
      expect(first?.images[3 * 64]).toBe(Math.fround(20 / 255)); // the second case's grey level is 20
      expect([...(first?.masks.subarray(0, 8) ?? [])]).toEqual([1, 1, 1, 1, 0, 0, 0, 0]);
      expect(last).toMatchObject({ ids: ['g'], count: 1 });
      expect(
        (
          await collect({ cases, size: 8, resize: 'area', batchSize: 3, workers: 0, dropLast: true }, [0])
        ).map(({ count }) => count),
      ).toEqual([3, 3]);
    });
  });

  it('gives the same rewordings with 0 and 2 workers, in part from any batch', async () => {
    await inSet(async (cases) => {
      const options = {
        cases,
        size: 8,
        resize: 'area' as const,
        batchSize: 2,
        seed: 7,
        shuffle: true,
        augment: { notes: 0.5 },
      };
      const notes = async (workers: number): Promise<string[]> =>
        (await collect({ ...options, workers }, [0, 1, 2])).flatMap((batch) => batch.notes);
      const expected = await notes(0);
      expect(await notes(2)).toEqual(expected);
      const reworded = expected.filter((note) => note !== NOTE && note !== mirrorNote(NOTE));
      // Half of 21; three deviations of 2.3.
      expect(Math.abs(reworded.length - 10.5)).toBeLessThan(7);
    });
  });

  it('gives the same batches with 0, 1 and 2 workers, with and without the cache', async () => {
    await inSet(async (cases) => {
      const options = {
        cases,
        size: 16,
        resize: 'area' as const,
        batchSize: 2,
        seed: 7,
        shuffle: true,
        augment: {},
      };
      const expected = await collect({ ...options, workers: 0 }, [0, 1]);
      for (const extra of [
        { workers: 1 },
        { workers: 2, prefetch: 3 },
        { workers: 0, cacheBytes: 0 },
        { workers: 2, cacheBytes: 3 * 1024 },
      ]) {
        expect(await collect({ ...options, ...extra }, [0, 1])).toEqual(expected);
      }
      const again = await collect({ ...options, workers: 0 }, [1]);
      expect(again).toEqual(expected.slice(4)); // an epoch does not need those before it
    });
  });

  it('takes the memory of a batch back when the next one is asked for', async () => {
    await inSet(async (cases) => {
      const loader = new Loader({ cases, size: 8, resize: 'area', batchSize: 1, workers: 0 });
      const buffers = new Set<ArrayBufferLike>();
      for (const epoch of [0, 1, 2]) {
        for await (const { images, masks } of loader.batches(epoch)) {
          buffers.add(images.buffer).add(masks.buffer);
        }
      }
      expect(buffers.size).toBe(2); // 21 batches in the memory of one: without threads none is made ahead
      const threaded = new Loader({ cases, size: 8, resize: 'area', batchSize: 1, workers: 1, prefetch: 2 });
      const seen: Float32Array[] = [];
      for (const epoch of [0, 1, 2])
        for await (const { images } of threaded.batches(epoch)) seen.push(images);
      // Memory that went back to the thread is gone here; only batches after which none was requested remain.
      expect(seen.filter(({ length }) => length > 0).length).toBeLessThanOrEqual(3);
      await threaded.close();
    });
  });

  it('draws a new order each epoch, a permutation of all cases', async () => {
    await inSet((cases) => {
      const loader = new Loader({
        cases,
        size: 8,
        resize: 'area',
        batchSize: 2,
        seed: 1,
        shuffle: true,
        workers: 0,
      });
      const orders = [0, 1, 2, 3].map((epoch) => loader.plan(epoch).flat());
      for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(new Set(orders.map(String)).size).toBeGreaterThan(1);
      expect(loader.length).toBe(4);
      return Promise.resolve();
    });
  });

  it('decodes a file once: later epochs do without it', async () => {
    await inSet(async (cases, dir) => {
      for (const workers of [0, 2]) {
        const loader = new Loader({ cases, size: 8, resize: 'area', batchSize: 2, shuffle: true, workers });
        const count = async (epoch: number): Promise<number> => {
          let sum = 0;
          for await (const batch of loader.batches(epoch)) sum += batch.count;
          return sum;
        };
        expect(await count(0)).toBe(7);
        await rm(join(dir, 'Train_Folder/img/a.png'));
        expect(await count(1)).toBe(7);
        await loader.close();
        await writeFiles(dir, { 'Train_Folder/img/a.png': await greyPng(8, 8, () => 10) });
      }
    });
  });

  it.each([0, 1, 2])('reports a damaged file by its code and name, with %i workers', async (workers) => {
    await inSet(async (cases, dir) => {
      await writeFile(join(dir, 'Train_Folder/img/d.png'), 'damaged');
      const error = await errorOf(collect({ cases, size: 8, resize: 'area', batchSize: 2, workers }, [0]));
      expect(error.code).toBe('IMAGE_UNREADABLE');
      expect(error.message).toContain('d.png');
    });
  });

  it('can be left early, closed twice, and refuses batches after it', async () => {
    await inSet(async (cases) => {
      const loader = new Loader({ cases, size: 8, resize: 'area', batchSize: 1, workers: 2, prefetch: 4 });
      for await (const batch of loader.batches(0)) {
        expect(batch.ids).toEqual(['a']);
        break;
      }
      for await (const batch of loader.batches(1)) {
        expect(batch.ids).toEqual(['a']);
        break;
      }
      await loader.close();
      await loader.close();
      expect((await errorOf(loader.batches(2).next())).code).toBe('INTERNAL');
    });
  });

  /** The output of a process that takes one batch, then does `rest`. */
  async function printed(cases: readonly Case[], rest: string): Promise<string> {
    const script =
      `import { Loader } from ${JSON.stringify(new URL('./loader.js', import.meta.url).href)};` +
      `const loader = new Loader({ cases: ${JSON.stringify(cases)}, size: 8, resize: 'area', batchSize: 2, workers: 1 });` +
      `for await (const batch of loader.batches(0)) { console.log(batch.ids.join()); break; } ${rest}`;
    const args = ['--input-type=module', '-e', script];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 90_000 });
    return stdout.trim();
  }

  it('does not keep the process alive, even if nobody closes it', async () => {
    await inSet(async (cases) => {
      expect(await printed(cases, '')).toBe('a,b');
    });
  }, 40_000);

  it('keeps the process alive while it is closed, though a thread answers meanwhile', async () => {
    await inSet(async (cases) => {
      // Closes with an answer on the way: some of twelve moments meet one.
      const script = `for (let i = 0; i < 12; i++) {
        const one = new Loader({ cases: ${JSON.stringify(cases)}, size: 64, resize: 'area', batchSize: 1, workers: 1, prefetch: 7 });
        for await (const batch of one.batches(0)) break;
        for (const end = performance.now() + i / 2.4; performance.now() < end; );
        await one.close();
      }
      console.log('closed');`;
      expect(await printed(cases, `await loader.close(); ${script}`)).toBe('a,b\nclosed');
    });
  }, 100_000);

  it('refuses senseless options', async () => {
    await inSet((cases) => {
      expect(() => new Loader({ cases: [], size: 8, resize: 'area', batchSize: 1 })).toThrow(
        /at least one case/,
      );
      for (const bad of [{ batchSize: 0 }, { size: 1.5 }, { workers: -1 }, { prefetch: -1 }]) {
        expect(() => new Loader({ cases, size: 8, resize: 'area', batchSize: 1, ...bad })).toThrow(
          /must be an integer/,
        );
      }
      return Promise.resolve();
    });
  });
});
