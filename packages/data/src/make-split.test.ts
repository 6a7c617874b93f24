/** Splits made by patient and lesion size, and how they are used. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeCsv } from '@reclmis/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeTinyData } from './testing/tiny-data.js';
import { checkDataset } from './check.js';
import { openDataset } from './dataset.js';
import { grouping } from './groups.js';
import { assignSplits, makeSplit, type SizedCase } from './make-split.js';
import { errorOf, greyPng, inFolder, writeFiles } from './testing/files.js';
import { SPLITS } from './types.js';

const SHARES = { val: 0.15, test: 0.15 };

/** Patients with 1 to 6 cases of any size. */
const anyCases = fc
  .array(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }), {
    minLength: 3,
    maxLength: 60,
  }) // prettier-ignore
  .map((patients) =>
    patients.flatMap((sizes, p) =>
      sizes.map((foreground, i): SizedCase => ({ id: `${p}-${i}`, patient: `P${p}`, foreground })),
    ),
  );

describe('assignSplits', () => {
  it('keeps patients together, leaves no split empty, and meets the shares to a few patients', () => {
    fc.assert(
      fc.property(anyCases, fc.integer({ min: 0, max: 9 }), (cases, seed) => {
        const assigned = assignSplits(cases, SHARES, grouping(), seed);
        const splitOf = (id: string): string | undefined => assigned.get(id);
        expect([...assigned.keys()].sort()).toEqual(cases.map(({ id }) => id).sort());
        for (const patient of new Set(cases.map((one) => one.patient)))
          expect(
            new Set(cases.filter((one) => one.patient === patient).map(({ id }) => splitOf(id))).size,
          ).toBe(1);
        const counts = SPLITS.map((split) => [...assigned.values()].filter((one) => one === split).length);
        expect(Math.min(...counts)).toBeGreaterThan(0);
        // A split is at most one patient (6 cases) ahead of its share when it gets one, two in the last places.
        for (const [i, share] of [0.7, 0.15, 0.15].entries())
          expect(Math.abs((counts[i] ?? 0) - share * cases.length)).toBeLessThanOrEqual(18);
        expect(assignSplits([...cases].reverse(), SHARES, grouping(), seed)).toEqual(assigned);
      }),
      { numRuns: 100 },
    );
  });

  it('gives every split the same mix of sizes', () => {
    const cases = Array.from({ length: 400 }, (_, i) => ({
      id: `c${String(i)}`,
      foreground: (i / 400) ** 3,
    }));
    const mean = 1 / 4;
    for (const seed of [1, 2, 3]) {
      const assigned = assignSplits(cases, SHARES, grouping(), seed);
      for (const split of SPLITS) {
        const own = cases.filter(({ id }) => assigned.get(id) === split);
        expect(Math.abs(own.length - (split === 'train' ? 280 : 60))).toBeLessThanOrEqual(1);
        // By chance alone 60 of these would have a mean within 0.28 / sqrt(60) = 0.036 only in two of three draws.
        expect(Math.abs(own.reduce((sum, one) => sum + one.foreground, 0) / own.length - mean)).toBeLessThan(
          0.01,
        );
      }
    }
    expect(assignSplits(cases, SHARES, grouping(), 1)).not.toEqual(
      assignSplits(cases, SHARES, grouping(), 2),
    );
  });

  it('does not keep patients with many cases for training', () => {
    const cases = Array.from({ length: 600 }, (_, p) =>
      Array.from({ length: p % 6 === 0 ? 6 : 1 }, (_, i) => ({
        id: `${p}-${i}`,
        patient: `P${p}`,
        foreground: ((7 * p) % 600) / 600,
      })),
    ).flat();
    const assigned = assignSplits(cases, SHARES, grouping(), 1);
    const large = Array.from({ length: 100 }, (_, i) => assigned.get(`${6 * i}-0`));
    const inTrain = large.filter((split) => split === 'train').length;
    // 70 of 100 expected; by chance alone 70 +- 4.6.
    expect(Math.abs(inTrain - 70)).toBeLessThanOrEqual(14);
  });

  it('refuses shares without training cases, and fewer patients than splits', async () => {
    const cases = [
      { id: 'a', foreground: 0 },
      { id: 'b', foreground: 1 },
    ];
    const refused = (shares: typeof SHARES): Promise<unknown> =>
      errorOf(Promise.resolve().then(() => assignSplits(cases, shares, grouping(), 1)));
    for (const shares of [{ val: 0, test: 0.1 }, { val: 0.5, test: 0.5 }, { val: 0.1, test: -0.1 }, SHARES])
      expect(await refused(shares)).toMatchObject({ code: 'OPTION_INVALID' });
    expect(assignSplits(cases, { val: 0.3, test: 0 }, grouping(), 1).size).toBe(2);
  });
});

describe('makeSplit', () => {
  it('makes an honest split of slices, which training, evaluation and the check then use', async () => {
    await inFolder(async (dir) => {
      // MosMedData+ as published: slices of the same studies in all splits.
      const data = join(dir, 'data');
      const files: Record<string, Uint8Array | string> = {};
      for (const [at, split] of ['Train', 'Val', 'Test'].entries()) {
        const rows = ['Image,Description'];
        for (let study = 0; study < 12; study += 1) {
          const name = `Morozov_study_${String(study).padStart(4, '0')}_${at}.png`;
          files[`${split}_Folder/img/${name}`] = await greyPng(
            16,
            16,
            (x, y) => (x * (study + 3) + 7 * y * at + study) % 251,
          );
          files[`${split}_Folder/labelcol/mask_${name}`] = await greyPng(16, 16, (x, y) =>
            x < study && y < 4 ? 255 : 0,
          );
          rows.push(`mask_${name},study ${study} infected`);
        }
        files[`${split}_Folder/${split}_text.csv`] = rows.join('\n');
      }
      await writeFiles(data, files);
      const before = (await checkDataset(data)).suspicions.find(
        ({ code }) => code === 'PATIENTS_ACROSS_SPLITS',
      );
      expect(before?.message).toContain(
        '12 patients are in two splits, judging by file names (12 of 12 test cases are of patients who are also in train): ',
      );
      const splits = join(dir, 'splits.csv');
      const { parts, named } = await makeSplit(data, splits, SHARES);
      expect(named).toBe(36);
      expect(parts.map(({ split, cases, patients }) => [split, cases, patients])).toEqual([
        ['train', 24, 8],
        ['val', 6, 2],
        ['test', 6, 2],
      ]);
      const lines = (await readFile(splits, 'utf8')).split('\r\n');
      expect(lines[0]).toBe('case,split,patient');
      expect(lines[1]).toMatch(/^Morozov_study_00\d\d_0,train,Morozov_study_00\d\d$/);
      const after = await checkDataset(data, { splits });
      expect([after.ok, after.suspicions.map(({ code }) => code).includes('PATIENTS_ACROSS_SPLITS')]).toEqual(
        [true, false],
      );
      expect(after.splits.map(({ split, cases }) => [split, cases])).toEqual([
        ['train', 24],
        ['val', 6],
        ['test', 6],
      ]);
      const [train, val, test] = [
        await openDataset(data, 'train', { splits }),
        await openDataset(data, 'val', { splits }),
        await openDataset(data, 'test', { splits }),
      ];
      const studies = [train, val, test].map(
        ({ cases }) => new Set(cases.map(({ id }) => id.slice(0, 18))).size,
      );
      expect(studies).toEqual([8, 2, 2]);
      expect((await openDataset(data, 'test')).fingerprint).not.toBe(test.fingerprint);
    });
  });

  it('refuses a table of splits that does not fit the data', async () => {
    await inFolder(async (dir) => {
      const data = join(dir, 'data');
      await writeTinyData(data, 16, { train: 3, val: 1, test: 1 });
      const splits = join(dir, 'splits.csv');
      const { named } = await makeSplit(data, splits, { val: 0.2, test: 0.2, by: 'case' });
      expect(named).toBe(0);
      const whole = (await readFile(splits, 'utf8'))
        .trim()
        .split('\r\n')
        .map((line) => line.split(','));
      const messageFor = async (rows: string[][]): Promise<string> => {
        await writeFiles(dir, { 'splits.csv': encodeCsv(rows) });
        const { code, message } = await errorOf(openDataset(data, 'train', { splits }));
        return `${code} ${message.slice(message.indexOf(': ') + 2)}`;
      };
      const without = whole.filter(([id]) => id !== 'test-000');
      expect(await messageFor(without)).toBe(
        'DATA_INVALID 1 problem: test-000: splits.csv does not name this case',
      );
      expect(await messageFor([...whole, ['test-009', 'test', '']])).toBe(
        'STEM_UNKNOWN test-009: splits.csv names a case that the data set does not have',
      );
      expect(await messageFor([...whole, ['test-000', 'val', '']])).toMatch(
        /^NOTES_CONFLICT line 7: names the case test-000 again/,
      );
      expect(await messageFor([...without, ['test-000', 'holdout', '']])).toMatch(
        /^NOTES_UNREADABLE line 6: expected train, val, test or nothing, got "holdout"/,
      );
      // Without a split, a case is left out.
      await writeFiles(dir, { 'splits.csv': encodeCsv([...without, ['test-000', '', '']]) });
      const counts = await Promise.all(SPLITS.map(async (split) => (await openDataset(data, split, { splits }).catch(() => null))?.cases.length ?? 0)); // prettier-ignore
      expect(counts.reduce((a, b) => a + b)).toBe(4);
    });
  });

  it('is not opened without a case that cannot be read, whatever the split it had', async () => {
    await inFolder(async (dir) => {
      const table = [['image', 'mask', 'note'], ...['a', 'b', 'c', 'd'].map((one) => [`${one}.png`, `${one}-mask.png`, 'left'])]; // prettier-ignore
      for (const one of ['a', 'b', 'c'])
        await writeFiles(dir, {
          [`${one}.png`]: await greyPng(4, 4, (x) => x),
          [`${one}-mask.png`]: await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
        });
      await writeFiles(dir, { 'd.png': await greyPng(4, 4, (x) => x), 'cases.csv': encodeCsv(table) });
      const splits = join(dir, 'splits', 'made.csv');
      await writeFiles(dir, { 'splits/made.csv': 'case,split\na,train\nb,val\nc,test\nd,test\n' });
      const message = 'cases.csv: line 5: the mask d-mask.png does not exist';
      expect((await errorOf(openDataset(dir, 'test', { splits }))).message).toContain(message);
      const { problems } = await checkDataset(dir, { splits });
      expect(problems.map((one) => one.message)).toHaveLength(1);
      expect(problems[0]?.message).toContain(message);
    });
  });
});
