/** Tables of cases, folders with one, and Hugging Face's image folder. */
import { encodeCsv } from '@reclmis/core';
import { encodeWorkbook } from '@reclmis/files';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDataset } from '../check.js';
import { openDataset } from '../dataset.js';
import { readSample } from '../sample.js';
import { presentSplits } from '../source.js';
import { errorOf, greyPng, inFolder, writeFiles } from '../testing/files.js';

/** images/a.png and so on of one level each; masks/a.png: the left half, masks/a-right.png: the right. */
async function writePictures(dir: string, names: readonly string[]): Promise<void> {
  const files: Record<string, Uint8Array> = {};
  for (const [i, name] of names.entries()) {
    files[`images/${name}.png`] = await greyPng(8, 8, (x) => 20 * i + x);
    files[`masks/${name}.png`] = await greyPng(8, 8, (x) => (x < 4 ? 255 : 0));
    files[`masks/${name}-right.png`] = await greyPng(8, 8, (x) => (x < 4 ? 0 : 255));
  }
  await writeFiles(dir, files);
}

const withTable = <T>(
  rows: readonly (readonly string[])[],
  work: (table: string, dir: string) => Promise<T>,
): Promise<T> =>
  inFolder(async (dir) => {
    await writePictures(dir, ['a', 'b', 'c']);
    await writeFiles(dir, { 'cases.csv': encodeCsv(rows) });
    return work(join(dir, 'cases.csv'), dir);
  });

const messagesOf = async (source: string, options = {}): Promise<string[]> =>
  (await checkDataset(source, options)).problems.map(({ code, message }) => `${code} ${message}`);

describe('a table of cases', () => {
  it('is read with all its columns, from CSV, TSV, JSON lines and XLSX alike', async () => {
    const rows = [
      ['image', 'mask', 'note', 'split', 'patient', 'spacing', 'sides', 'Class'],
      ['images/a.png', 'masks/a.png', 'Left half, all of it.', 'train', '17', '0.5', 'image', 'left_half'],
      ['images\\b.png', 'masks/b.png', 'Left half.', 'Validation', 'P2', '', 'image', ''],
    ];
    await withTable(rows, async (csv, dir) => {
      const lines = rows.slice(1).map((row) => JSON.stringify({ image: row[0], mask: row[1], note: row[2], split: row[3], patient: row[4], spacing: row[5] === '' ? null : Number(row[5]), sides: row[6], class: row[7] === '' ? null : row[7] })); // prettier-ignore
      await writeFiles(dir, {
        'cases.tsv': rows.map((row) => row.join('\t')).join('\n'),
        'cases.jsonl': lines.join('\n'),
        'cases.xlsx': await encodeWorkbook(rows),
      });
      for (const table of [csv, join(dir, 'cases.tsv'), join(dir, 'cases.jsonl'), join(dir, 'cases.xlsx')]) {
        expect(await presentSplits(table)).toEqual(['train', 'val']);
        const { cases, name } = await openDataset(table, 'train');
        expect(name).toBe('cases');
        expect(cases).toEqual([
          {
            id: 'a',
            imagePath: join(dir, 'images', 'a.png'),
            maskPath: join(dir, 'masks', 'a.png'),
            note: 'Left half, all of it.',
            class: 'left_half',
            patient: '17',
            spacing: [0.5, 0.5],
            sides: 'image',
          },
        ]);
        const [other] = (await openDataset(table, 'val')).cases;
        expect([other?.id, other?.patient, other?.class]).toEqual(['b', 'P2', undefined]);
      }
    });
  });

  it('spells a class in one way, and may have several notes of it for an image', async () => {
    const rows = [
      ['image', 'mask', 'note', 'class'],
      ['images/a.png', 'masks/a.png', 'Left half.', 'half'],
      ['images/a.png', 'masks/a-right.png', 'Right half.', 'half'],
      ['images/b.png', 'masks/b.png', 'Left half.', 'Half'],
    ];
    await withTable(rows, async (table) => {
      expect(await messagesOf(table)).toEqual([
        'DATA_INVALID cases.csv: line 4: expected the class "half", as line 2 spells it, got "Half"',
      ]);
    });
    await withTable(rows.slice(0, 3), async (table) => {
      const { cases } = await openDataset(table, 'train');
      expect(cases.map(({ id, class: name }) => [id, name])).toEqual([
        ['a@left-half', 'half'],
        ['a@right-half', 'half'],
      ]);
    });
  });

  it('may call its columns anything', async () => {
    const rows = [
      ['Filename', 'Segmentation', 'Report'],
      ['images/a.png', 'masks/a.png', 'left'],
    ];
    await withTable(rows, async (table) => {
      const columns = 'image=Filename, mask=segmentation,note=Report';
      expect((await openDataset(table, 'train', { columns })).cases).toMatchObject([
        { id: 'a', note: 'left' },
      ]);
      expect(await errorOf(openDataset(table, 'train'))).toEqual({
        code: 'NOTES_UNREADABLE',
        message: `${table}: expected the columns image, mask and note, separated by comma, semicolon, tab; got Filename, Segmentation, Report`,
      });
      for (const wrong of ['picture=Filename', 'image', 'image=', 'image=a,image=b'])
        expect((await errorOf(openDataset(table, 'train', { columns: wrong }))).code).toBe('OPTION_INVALID');
    });
  });

  it('trains several prompts on one image: ids are unique, and the same in any order', async () => {
    const rows = [
      ['images/a.png', 'masks/a.png', 'Left half'],
      ['images/a.png', 'masks/a-right.png', 'Right half'],
      ['images/b.png', 'masks/b.png', 'Left half'],
    ];
    for (const order of [rows, [...rows].reverse()])
      await withTable([['image', 'mask', 'note'], ...order], async (table) => {
        const { cases } = await openDataset(table, 'train');
        expect(cases.map(({ id, imageId, note }) => [id, imageId, note])).toEqual([
          ['a@left-half', 'a', 'Left half'],
          ['a@right-half', 'a', 'Right half'],
          ['b', undefined, 'Left half'],
        ]);
        const { mask } = await readSample(cases[1] as (typeof cases)[1], 8, 'area');
        expect([...mask.data.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
        // A list of images takes all cases of an image.
        expect((await openDataset(table, 'train', { stems: ['a'] })).cases).toHaveLength(2);
        expect((await openDataset(table, 'train', { stems: ['a@left-half'] })).cases).toHaveLength(1);
      });
  });

  it('names images of one name by their paths', async () => {
    await inFolder(async (dir) => {
      const picture = await greyPng(4, 4, (x) => x);
      const files = ['p1/1.png', 'p2/1.png', 'p1/2.png', 'm/1.png'];
      await writeFiles(dir, Object.fromEntries(files.map((file) => [file, picture])));
      const rows = ['p1/1.png', 'p2/1.png', 'p1/2.png'].map((image) => [image, 'm/1.png', 'x']);
      await writeFiles(dir, { 'cases.csv': encodeCsv([['image', 'mask', 'note'], ...rows]) });
      const { cases } = await openDataset(join(dir, 'cases.csv'), 'train');
      expect(cases.map(({ id }) => id)).toEqual(['2', 'p1-1', 'p2-1']);
    });
  });

  it('counts and names what is missing, leaves the folder, or is there twice', async () => {
    const rows = [
      ['image', 'mask', 'note', 'split'],
      ['images/A.png', 'masks/a.png', 'left', 'train'],
      ['images/b.png', 'masks/none.png', 'left', 'train'],
      ['../b.png', 'masks/b.png', 'left', 'train'],
      ['/etc/passwd', 'masks/b.png', 'left', 'train'],
      ['C:\\x.png', 'masks/b.png', 'left', 'train'],
      ['images/c.png', 'masks/c.png', 'left', 'train'],
      ['images/c.png', 'masks/c-right.png', 'LEFT', 'train'],
      ['images/c.png', 'masks/c.png', '', 'train'],
      ['images/c.png', '', 'right', 'train'],
      ['images/c.png', 'masks/c.png', 'far', 'holdout'],
      ['images/c.png', 'masks/c.png', 'near', ''],
    ];
    await withTable(rows, async (table) => {
      expect(await messagesOf(table)).toEqual([
        'NOTES_UNREADABLE cases.csv: line 11: expected the split train, val or test, got "holdout"',
        'NOTES_UNREADABLE cases.csv: line 12: states no split, as other rows do',
        'IMAGE_MISSING cases.csv: line 2: the image images/A.png does not exist (found "a.png", which differs in case from "A.png")',
        'MASK_MISSING cases.csv: line 3: the mask masks/none.png does not exist',
        'DATA_PATH_OUTSIDE cases.csv: line 4: ../b.png leaves the folder of the data set',
        'DATA_PATH_OUTSIDE cases.csv: line 5: /etc/passwd leaves the folder of the data set',
        'DATA_PATH_OUTSIDE cases.csv: line 6: C:\\x.png leaves the folder of the data set',
        'NOTE_EMPTY cases.csv: line 9: has no note for images/c.png',
        'MASK_MISSING cases.csv: line 10: names no mask for images/c.png',
        'NOTES_CONFLICT cases.csv: line 8: has the image and note of line 7',
      ]);
      const error = await errorOf(openDataset(table, 'train'));
      expect(error.code).toBe('DATA_INVALID');
      expect(error.message).toMatch(/: 10 problems: cases\.csv: line 11: .*; and 7 more$/);
    });
  });

  it('takes paths out of its folder only if that is allowed', async () => {
    await inFolder(async (dir) => {
      await writePictures(dir, ['a']);
      const rows = [
        ['image', 'mask', 'note'],
        ['../images/a.png', join(dir, 'masks', 'a.png'), 'left'],
      ];
      await writeFiles(dir, { 'tables/cases.csv': encodeCsv(rows) });
      const table = join(dir, 'tables', 'cases.csv');
      expect((await errorOf(openDataset(table, 'train'))).message).toContain(
        '../images/a.png leaves the folder',
      );
      expect((await openDataset(table, 'train', { outside: true })).cases).toMatchObject([
        { id: 'a', imagePath: join(dir, 'images', 'a.png'), maskPath: join(dir, 'masks', 'a.png') },
      ]);
    });
  });

  it('states whose sides it means for all rows, which are turned to the patient’s if they differ', async () => {
    const head = ['image', 'mask', 'note', 'sides'];
    const rows = [
      ['images/a.png', 'masks/a.png', 'Left lung.', 'image'],
      ['images/b.png', 'masks/b.png', 'Left lung.', 'patient'],
    ];
    await withTable([head, ...rows], async (table) => {
      const { cases } = await openDataset(table, 'train');
      expect(cases.map(({ note, sides }) => [note, sides])).toEqual([
        ['Right lung.', 'patient'],
        ['Left lung.', 'patient'],
      ]);
    });
    await withTable([head, ...rows, ['images/c.png', 'masks/c.png', 'Left lung.', '']], async (table) => {
      expect(await messagesOf(table)).toEqual([
        'NOTES_UNREADABLE cases.csv: line 4: expected the sides patient or image, got nothing, unlike other rows',
      ]);
    });
  });
});

describe('a folder of images with a sheet', () => {
  it('finds bare names without extensions, and masks by the images’ names', async () => {
    await inFolder(async (dir) => {
      const picture = await greyPng(4, 4, (x) => x);
      await writeFiles(dir, {
        'scan 1.jpg': picture, // what is in a file counts, not its name
        'images/7.png': picture,
        'masks/mask_scan 1.png': picture,
        'labels/7.tif': picture,
        'sheet.xlsx': await encodeWorkbook([
          ['Image', 'Note'],
          ['scan 1', 'first'],
          ['7', 'second'],
        ]),
      });
      expect((await openDataset(dir, 'train')).cases).toEqual([
        {
          id: '7',
          imagePath: join(dir, 'images', '7.png'),
          maskPath: join(dir, 'labels', '7.tif'),
          note: 'second',
        },
        { id: 'scan 1', imagePath: join(dir, 'scan 1.jpg'), maskPath: join(dir, 'masks', 'mask_scan 1.png'), note: 'first' }, // prettier-ignore
      ]);
      // A table of something else does not matter.
      await writeFiles(dir, { 'splits.csv': 'case,split\n7,test\nscan 1,train\n' });
      expect((await openDataset(dir, 'test', { splits: join(dir, 'splits.csv') })).cases).toMatchObject([
        { id: '7' },
      ]);
      await writeFiles(dir, { 'masks/7.png': picture });
      expect(await messagesOf(dir)).toEqual([
        'DATA_INVALID sheet.xlsx: row 3: expected one mask, got masks/7.png and labels/7.tif',
      ]);
      await writeFiles(dir, { 'other.csv': 'image,note\n7,x\n' });
      expect(await errorOf(openDataset(dir, 'train'))).toEqual({
        code: 'DATA_LAYOUT_UNCLEAR',
        message: `${dir}: expected one table of cases, got other.csv, sheet.xlsx`,
      });
    });
  });
});

describe('Hugging Face’s image folder', () => {
  it('reads metadata of each split, or splits by folders of one', async () => {
    await inFolder(async (dir) => {
      await writePictures(join(dir, 'train'), ['a', 'b']);
      await writePictures(join(dir, 'validation'), ['c']);
      const line = (prefix: string, name: string): string =>
        JSON.stringify({
          file_name: `${prefix}images/${name}.png`,
          mask_file_name: `${prefix}masks/${name}.png`,
          text: name,
        });
      await writeFiles(dir, {
        'train/metadata.jsonl': `${line('', 'a')}\n${line('', 'b')}\n`,
        'validation/metadata.jsonl': `${line('', 'c')}\n`,
      });
      const read = async (): Promise<unknown[]> => {
        const splits = await presentSplits(dir);
        return Promise.all(splits.map(async (split) => [split, ...(await openDataset(dir, split)).cases.map(({ id, note }) => `${id} ${note}`)])); // prettier-ignore
      };
      const expected = [
        ['train', 'a a', 'b b'],
        ['val', 'c c'],
      ];
      expect(await read()).toEqual(expected);
      await writeFiles(dir, {
        'metadata.jsonl': [line('train/', 'a'), line('train/', 'b'), line('validation/', 'c')].join('\n'),
      });
      const { rm } = await import('node:fs/promises');
      for (const split of ['train', 'validation']) await rm(join(dir, split, 'metadata.jsonl'));
      expect(await read()).toEqual(expected);
      await rm(join(dir, 'metadata.jsonl'));
      await writeFiles(dir, { 'metadata.csv': 'file_name,caption\ntrain/images/a.png,a\n' });
      expect((await errorOf(openDataset(dir, 'train'))).message).toBe(
        `${join(dir, 'metadata.csv')}: expected the columns file_name, mask_file_name and note, separated by comma, semicolon, tab; got file_name, caption`,
      );
    });
  });
});

describe('what one row says against another', () => {
  it('is a problem: one mask by name for two images, and two patients of one image', async () => {
    await inFolder(async (dir) => {
      await writePictures(dir, ['a', 'x/a']);
      await writeFiles(dir, { 'cases.csv': 'image,note\nimages/a.png,left\nimages/x/a.png,left\n' });
      expect(await messagesOf(dir)).toEqual([
        'DATA_INVALID cases.csv: line 3: masks/a.png is by its name the mask of both images/a.png and images/x/a.png; state masks in a column',
      ]);
      const rows = [
        ['image', 'mask', 'note', 'patient'],
        ['images/a.png', 'masks/a.png', 'left', 'P1'],
        ['images/a.png', 'masks/a-right.png', 'right', ''],
      ];
      await writeFiles(dir, { 'cases.csv': encodeCsv(rows) });
      expect(await messagesOf(dir)).toEqual([
        'DATA_INVALID cases.csv: line 3: expected the patient "P1" that line 2 states for this image, got nothing',
      ]);
    });
  });

  it('does not take an image for its own mask', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        'a.png': await greyPng(4, 4, (x) => x),
        'masks/a.png': await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
        'cases.csv': 'image,mask,note\na.png,a.png,left\n',
      });
      const { cases } = await openDataset(dir, 'train');
      expect(cases.map(({ maskPath }) => maskPath)).toEqual([join(dir, 'masks', 'a.png')]);
      await writeFiles(dir, { 'cases.csv': 'image,mask,note\nmasks/a.png,masks/a.png,left\n' });
      expect(await messagesOf(dir)).toEqual([
        'DATA_INVALID cases.csv: line 2: names masks/a.png as both image and mask',
      ]);
    });
  });

  it('finds masks by name for JSON lines without them too', async () => {
    await inFolder(async (dir) => {
      await writePictures(dir, ['a']);
      await writeFiles(dir, { 'cases.jsonl': '{"image":"a.png","note":"left","source":3}\n' });
      expect((await openDataset(dir, 'train')).cases).toMatchObject([
        { id: 'a', maskPath: join(dir, 'masks', 'a.png') },
      ]);
    });
  });

  it('names cases differently whatever their folders are called', async () => {
    await inFolder(async (dir) => {
      const picture = await greyPng(4, 4, (x) => x);
      const paths = ['x/a.png', 'y/a.png', 'z/x-a.png'];
      await writeFiles(dir, {
        ...Object.fromEntries(paths.map((path) => [path, picture])),
        'm.png': await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
        'cases.csv': encodeCsv([['image', 'mask', 'note'], ...paths.map((path) => [path, 'm.png', 'left'])]),
      });
      const { cases } = await openDataset(join(dir, 'cases.csv'), 'train');
      expect(new Set(cases.map(({ id }) => id)).size).toBe(3);
    });
  });
});
