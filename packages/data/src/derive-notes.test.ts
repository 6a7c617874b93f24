import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agreementOf, deriveNotes, derivedNotice, maskPaths } from './derive-notes.js';
import { openDataset } from './dataset.js';
import { openLungMasks } from './lung-masks.js';
import { errorOf, greyPng, inFolder, splitFiles, writeFiles } from './testing/files.js';

describe('deriveNotes', () => {
  it('takes zones from lung masks by the image’s name, at any size, and names the one that is missing', async () => {
    await inFolder(async (dir) => {
      // The mask is rows 8 to 11 of the left quarter; the lungs fill the lower half: it is in their upper third.
      await writeFiles(dir, {
        'labelcol/mask_a.png': await greyPng(24, 24, (x, y) => (x < 6 && y >= 12 && y < 15 ? 255 : 0)),
        'lungs/a.tif.png': await greyPng(2, 2, () => 0),
        'lungs/a.png': await greyPng(48, 48, (x, y) => (y >= 24 && Math.abs(x - 24) > 4 ? 255 : 0)),
      });
      const paths = await maskPaths(join(dir, 'labelcol'));
      const lungs = join(dir, 'lungs');
      expect(await deriveNotes(paths, { sides: 'patient', lungs })).toEqual([
        { image: 'mask_a.png', note: 'Unilateral pulmonary infection, one infected area, upper right lung.' },
      ]);
      expect((await deriveNotes(paths, { sides: 'image' }))[0]?.note).toContain('lower left lung');
      expect(await errorOf((await openLungMasks(lungs)).of('b.png', 4, 4))).toMatchObject({
        code: 'MASK_MISSING',
      });
      expect(await errorOf(openLungMasks(join(dir, 'none')))).toMatchObject({ code: 'DATA_FOLDER_MISSING' });
      expect(await errorOf(maskPaths(dir))).toMatchObject({ code: 'MASK_MISSING' });
    });
  });

  it('counts what derived and given notes share', () => {
    const note = 'Unilateral pulmonary infection, one infected area, all left lung.';
    expect(
      agreementOf([
        [note, note.toUpperCase()],
        [note, note.replace('all', 'upper middle lower')],
        [note, note.replace('left', 'right')],
        [note, 'Bilateral pulmonary infection, two infected areas, lower left lung and lower right lung.'],
      ]),
    ).toEqual({ cases: 4, laterality: 3, sides: 2, count: 3, zones: 2, singleZones: 15, sentence: 1 });
  });
});

describe('notes that are marked as derived', () => {
  it('are told apart by the reader of data sets', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        ...(await splitFiles('Test_Folder', ['a', 'b'])),
        'Test_Folder/Test_text.csv':
          'Image,Description,Source\nmask_a.png,left lung,derived from masks\nmask_b.png,left lung,a reader\n',
      });
      const { cases } = await openDataset(dir, 'test');
      expect(cases.map(({ derived }) => derived)).toEqual([true, undefined]);
      expect(derivedNotice(cases)).toMatch(/^1 of 2 notes were derived from the masks/);
      expect(derivedNotice(cases.slice(1))).toBe(null);
    });
  });
});
