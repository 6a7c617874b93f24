import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseNote, type Mask } from '@reclmis/core';
import { readImage, readMask } from '@reclmis/files';
import { describe, expect, it } from 'vitest';
import { checkDataset } from './check.js';
import { openDataset } from './dataset.js';
import { drawPhantom, phantomNote, phantomSplits, writePhantom } from './phantom.js';
import { errorOf, inFolder, writeFiles } from './testing/files.js';

const SIZE = 64;
const PHANTOMS = Array.from({ length: 60 }, (_, index) => drawPhantom(1, index, SIZE));

/** Foreground pixels on the image's right half (the patient's left) and on the other. */
function halves({ width, data }: Mask): { patientsLeft: number; patientsRight: number } {
  let [patientsLeft, patientsRight] = [0, 0];
  data.forEach((value, p) => {
    if (value > 0 && p % width >= width / 2) patientsLeft += 1;
    else if (value > 0) patientsRight += 1;
  });
  return { patientsLeft, patientsRight };
}

describe('drawPhantom', () => {
  it('has 2 to 5 opacities, of which the note names one to three, never all, in LViT’s grammar', () => {
    for (const { note, opacities, named } of PHANTOMS) {
      expect(opacities.length).toBeGreaterThanOrEqual(2);
      expect(opacities.length).toBeLessThanOrEqual(5);
      expect(named.length).toBeGreaterThanOrEqual(1);
      expect(named.length).toBeLessThanOrEqual(Math.min(3, opacities.length - 1));
      for (const zone of named) expect(opacities).toContain(zone);
      const parsed = parseNote(note);
      expect(parsed.remainder).toEqual([]);
      expect(parsed.count).toBe(named.length);
      expect(
        parsed.places.flatMap(({ side, zones }) => zones.map((zone) => `${zone} ${side}`)).sort(),
      ).toEqual(named.map(({ side, zone }) => `${zone} ${side}`).sort());
    }
    expect(new Set(PHANTOMS.map(({ opacities }) => opacities.length))).toEqual(new Set([2, 3, 4, 5]));
    expect(new Set(PHANTOMS.map(({ named }) => named.length))).toEqual(new Set([1, 2, 3]));
  });

  it('writes notes as LViT does', () => {
    expect(
      phantomNote(
        [
          { side: 'right', zone: 'lower' },
          { side: 'left', zone: 'upper' },
        ].map(find),
      ),
    ).toBe('Bilateral pulmonary infection, two infected areas, upper left lung and lower right lung.');
    expect(phantomNote([{ side: 'left', zone: 'middle' }].map(find))).toBe(
      'Unilateral pulmonary infection, one infected area, middle left lung.',
    );
  });

  it('has a mask on the sides that the note names, and on no other', () => {
    for (const { mask, named } of PHANTOMS) {
      const { patientsLeft, patientsRight } = halves(mask);
      // An opacity of at least 0.13 of the half width covers 25 pixels of 64 x 64; clipping takes some.
      expect(patientsLeft > 8).toBe(named.some(({ side }) => side === 'left'));
      expect(patientsRight > 8).toBe(named.some(({ side }) => side === 'right'));
      expect(Math.min(patientsLeft, patientsRight)).toBeLessThanOrEqual(named.length === 1 ? 0 : Infinity);
    }
  });

  it('orders the zones by height: upper masks lie above middle ones, those above lower ones', () => {
    const heights: Record<string, number[]> = { upper: [], middle: [], lower: [] };
    for (const { mask, named } of PHANTOMS) {
      if (named.length !== 1) continue;
      let [sum, n] = [0, 0];
      mask.data.forEach((value, p) => {
        if (value > 0) [sum, n] = [sum + Math.floor(p / SIZE) / SIZE, n + 1];
      });
      heights[named[0]?.zone ?? '']?.push(sum / n);
    }
    for (const list of Object.values(heights)) expect(list.length).toBeGreaterThan(2);
    expect(Math.max(...(heights['upper'] ?? []))).toBeLessThan(Math.min(...(heights['middle'] ?? [])));
    expect(Math.max(...(heights['middle'] ?? []))).toBeLessThan(Math.min(...(heights['lower'] ?? [])));
  });

  it('shows what the mask holds: masked lung is brighter than free lung', () => {
    let brighter = 0;
    for (const { image, mask } of PHANTOMS) {
      const values = [...image.data].filter((_, p) => mask.data[p] === 1).sort((a, b) => a - b);
      const all = [...image.data].filter((v) => v > 25).sort((a, b) => a - b); // without the air around the body
      const lung = all[Math.floor(all.length * 0.1)] ?? 0; // the darkest tenth is free lung
      if ((values[Math.floor(values.length / 2)] ?? 0) > lung + 20) brighter += 1;
    }
    expect(brighter).toBe(PHANTOMS.length);
  });

  it('is decided by seed, number and size', () => {
    expect(drawPhantom(1, 3, SIZE)).toEqual(PHANTOMS[3]);
    expect(drawPhantom(2, 3, SIZE).image.data).not.toEqual(PHANTOMS[3]?.image.data);
  });
});

/** The phantoms' own zone objects: `phantomNote` compares identities. */
function find(wanted: { side: string; zone: string }): (typeof PHANTOMS)[number]['named'][number] {
  const zone = PHANTOMS.flatMap(({ opacities }) => opacities).find(
    ({ side, zone: z }) => side === wanted.side && z === wanted.zone,
  );
  if (zone === undefined)
    throw new Error(`no phantom has an opacity in the ${wanted.zone} ${wanted.side} lung`);
  return zone;
}

describe('writePhantom', () => {
  it('writes a data set that passes its own check, the same bytes each time', async () => {
    await inFolder(async (dir) => {
      const digest = async (folder: string): Promise<string> => {
        const hash = createHash('sha256');
        for (const name of (await readdir(folder, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()) {
          hash.update(name.slice(folder.length)).update(await readFile(name));
        }
        return hash.digest('hex');
      };
      const steps: number[] = [];
      const options = { count: 10, seed: 5, size: 48, onProgress: (done: number) => steps.push(done) };
      expect(await writePhantom(join(dir, 'a'), options)).toEqual({ train: 6, val: 2, test: 2 });
      await writePhantom(join(dir, 'b'), options);
      expect(await digest(join(dir, 'a'))).toBe(await digest(join(dir, 'b')));
      expect(steps.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      const report = await checkDataset(join(dir, 'a'));
      expect(report.problems).toEqual([]);
      expect(report.splits.map(({ cases }) => cases)).toEqual([6, 2, 2]);
      expect(report.splits.flatMap(({ emptyMasks }) => emptyMasks)).toEqual([]);
      const [first] = (await openDataset(join(dir, 'a'), 'val')).cases;
      const drawn = drawPhantom(5, 6, 48);
      expect(first).toMatchObject({ id: 'phantom_0007', note: drawn.note });
      expect((await readMask(first?.maskPath ?? '')).data).toEqual(drawn.mask.data);
      expect((await readImage(first?.imagePath ?? '')).data.filter((_, i) => i % 3 === 0)).toEqual(
        drawn.image.data,
      );
      expect((await readdir(dir)).sort()).toEqual(['a', 'b']);
    });
  });

  it('splits 70, 15 and 15 %', () => {
    expect(phantomSplits(200)).toEqual({ train: 140, val: 30, test: 30 });
    expect(phantomSplits(3)).toEqual({ train: 1, val: 1, test: 1 });
  });

  it('refuses a taken folder and senseless options, and leaves nothing half-written', async () => {
    await inFolder(async (dir) => {
      const options = { count: 4, seed: 1, size: 32 };
      await writeFiles(dir, { 'taken/file': 'x', file: 'x' });
      expect((await errorOf(writePhantom(join(dir, 'taken'), options))).code).toBe('OUTPUT_EXISTS');
      expect((await errorOf(writePhantom(join(dir, 'file'), options))).code).toBe('OUTPUT_EXISTS');
      for (const bad of [{ count: 2 }, { size: 31 }, { size: 4096 }, { seed: -1 }, { count: 3.5 }]) {
        expect((await errorOf(writePhantom(join(dir, 'x'), { ...options, ...bad }))).code).toBe(
          'OPTION_INVALID',
        );
      }
      const controller = new AbortController();
      const stopped = writePhantom(join(dir, 'x'), {
        ...options,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      expect((await errorOf(stopped)).code).toBe('INTERRUPTED');
      expect((await readdir(dir)).sort()).toEqual(['file', 'taken']);
    });
  });
});
