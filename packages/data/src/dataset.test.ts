import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { assertValid, checkDataset, noteStatistics } from './check.js';
import { assertUsable, openDataset } from './dataset.js';
import { measureCases } from './measure/measure.js';
import { readSample } from './sample.js';
import {
  errorOf,
  greyPng,
  inFolder,
  notesXlsx,
  splitFiles,
  turnedTiff,
  writeFiles,
} from './testing/files.js';

const note = (stem: string): [string, string] => [`mask_${stem}.png`, `Lower left lung of ${stem}.`];
let small: Uint8Array;

beforeAll(async () => {
  small = await greyPng(8, 8, (x) => (x < 4 ? 255 : 0));
});

/** Two train cases and one val case with one workbook, two test cases with a CSV file. */
async function writeSet(dir: string): Promise<void> {
  await writeFiles(dir, {
    ...(await splitFiles('Train_Folder', ['a', 'b'])),
    ...(await splitFiles('Val_Folder', ['c'])),
    ...(await splitFiles('Test_Folder', ['d', 'e'])),
    'Train_Folder/Train_Val_text.xlsx': await notesXlsx([
      note('a'),
      note('b'),
      note('c'),
      ['', ''],
      [' ', ''],
    ]),
    'Test_Folder/Test_text.csv': `description,IMAGE\nfirst,mask_d.png\n"second, with comma",mask_e.png\n`,
  });
}

const inSet = <T>(work: (dir: string) => Promise<T>): Promise<T> =>
  inFolder(async (dir) => {
    await writeSet(dir);
    return work(dir);
  });

const problems = async (dir: string, options = {}): Promise<string[]> =>
  (await checkDataset(dir, options)).problems.map(({ code, item }) => `${code} ${item}`);

describe('openDataset', () => {
  it.skipIf(process.platform === 'win32')(
    'names an image or a mask that is a link to nothing or to itself',
    async () => {
      for (const [target, code] of [
        ['nowhere.png', 'IMAGE_MISSING'],
        ['mask_a.png', 'IMAGE_UNREADABLE'],
      ] as const) {
        await inSet(async (dir) => {
          const mask = join(dir, 'Train_Folder', 'labelcol', 'mask_a.png');
          await rm(mask);
          await symlink(target, mask);
          const error = await errorOf(openDataset(dir, 'train'));
          expect([error.code, error.message]).toEqual([code, expect.stringContaining(`${mask}: `)]);
          expect(await problems(dir)).toEqual([`${code} Train_Folder/labelcol/mask_a.png`]);
        });
      }
    },
  );

  it('matches images, mask_ masks and notes, also those that train and val share', async () => {
    await inSet(async (dir) => {
      const train = await openDataset(dir, 'train');
      expect(train.cases).toEqual(
        ['a', 'b'].map((id) => ({
          id,
          imagePath: join(dir, 'Train_Folder', 'img', `${id}.png`),
          maskPath: join(dir, 'Train_Folder', 'labelcol', `mask_${id}.png`),
          note: `Lower left lung of ${id}.`,
        })),
      );
      expect((await openDataset(dir, 'val')).cases.map(({ id }) => id)).toEqual(['c']);
      expect((await openDataset(dir, 'test')).cases.map((item) => item.note)).toEqual([
        'first',
        'second, with comma',
      ]);
      expect(await problems(dir)).toEqual([]);
    });
  });

  it('matches masks of the image’s own name with another extension, and ignores hidden files', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        'Test_Folder/img/TCGA-1.x.tif': small,
        'Test_Folder/img/.DS_Store': 'x',
        'Test_Folder/img/Thumbs.db': 'x',
        'Test_Folder/labelcol/TCGA-1.x.png': small,
        'Test_Folder/labelcol/._TCGA-1.x.png': 'x',
        'Test_Folder/~$Test_text.xlsx': 'x',
        'Test_Folder/Test_text.xlsx': await notesXlsx([['TCGA-1.x.png', 'note']]),
      });
      expect((await openDataset(dir, 'test')).cases.map(({ id }) => id)).toEqual(['TCGA-1.x']);
      expect(await problems(dir)).toEqual([]);
    });
  });

  it('passes over what systems, file servers and office programs leave in its folders', async () => {
    await inSet(async (dir) => {
      const litter = [
        '@eaDir/a.png',
        'Icon\r',
        '.ipynb_checkpoints/a.png',
        'lost+found/x',
        '$RECYCLE.BIN/a.png',
      ];
      const more = [
        'System Volume Information/x',
        '.AppleDouble/a.png',
        'desktop.ini',
        'a.png:Zone.Identifier',
      ];
      for (const folder of ['.', 'Train_Folder', 'Train_Folder/img', 'Train_Folder/labelcol'])
        await writeFiles(
          dir,
          Object.fromEntries([...litter, ...more].map((name) => [`${folder}/${name}`, 'x'])),
        );
      await writeFiles(dir, {
        'Train_Folder/~$Train_Val_text.xlsx': 'x',
        'Train_Folder/.~lock.Train_Val_text.xlsx#': 'x',
        'Test_Folder/Test_text.csv~': 'x',
      });
      expect(await problems(dir)).toEqual([]);
      expect((await openDataset(dir, 'train')).cases.map(({ id }) => id)).toEqual(['a', 'b']);
    });
  });

  it('matches images, masks, notes and stems of one name in whichever form Unicode has it', async () => {
    const [nfc, nfd] = ['M\u00fcller', 'Mu\u0308ller'];
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        [`Test_Folder/img/${nfd}.png`]: small,
        [`Test_Folder/labelcol/mask_${nfc}.png`]: small,
        [`Test_Folder/img/2${nfc}.png`]: small,
        [`Test_Folder/labelcol/2${nfd}.png`]: small,
        'Test_Folder/Test_text.csv': `Image,Description,Spacing\nmask_${nfd}.png,one,0.5\n2${nfc}.png,two,\n`,
      });
      const { cases } = await openDataset(dir, 'test');
      expect(cases).toMatchObject([
        { id: `2${nfc}`, note: 'two', maskPath: join(dir, 'Test_Folder', 'labelcol', `2${nfd}.png`) },
        {
          id: nfc,
          note: 'one',
          spacing: [0.5, 0.5],
          imagePath: join(dir, 'Test_Folder', 'img', `${nfd}.png`),
        },
      ]);
      expect(await problems(dir)).toEqual([]);
      expect((await openDataset(dir, 'test', { stems: [nfd] })).cases).toHaveLength(1);
      await writeFiles(dir, { [`Test_Folder/img/${nfc}.png`]: small });
      const [problem] = (await checkDataset(dir)).problems;
      expect(problem?.message).toContain(
        `expected one image of this stem, got "Mu\\u{308}ller.png" and "M\u00fcller.png"`,
      );
    });
  });

  it('says where a name differs in case, blanks or look-alikes alone, or lost its zeros', async () => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        ...(await splitFiles('Test_Folder', ['a', 'b 1', '007'])),
        'Test_Folder/Test_text.csv': 'Image,Description\nmask_A.png,one\nmask_b1.png,two\nmask_007.png,x\n',
      });
      const said = (await checkDataset(dir)).problems.map(({ message }) => message);
      expect(said.slice(0, 2)).toEqual([
        expect.stringContaining('(found "mask_A.png", which differs in case from "mask_a.png")'),
        expect.stringContaining('(found "mask_b1.png", which differs in spaces from "mask_b 1.png")'),
      ]);
      expect(said.slice(2).join('; ')).toContain(
        'a note without an image: Test_Folder holds no mask of this name (found "mask_a.png"',
      );
      await rm(join(dir, 'Test_Folder', 'labelcol', 'mask_a.png'));
      await writeFiles(dir, { 'Test_Folder/labelcol/mask_A.png': small });
      const [missing] = (await checkDataset(dir)).problems;
      expect(missing?.message).toContain(
        'has no mask; expected Test_Folder/labelcol/a.png or mask_a.png (found "mask_A"',
      );
    });
  });

  it('selects stems, from a list or a file, and names unknown ones', async () => {
    await inSet(async (dir) => {
      const ids = async (stems: string | string[]): Promise<string[]> =>
        (await openDataset(dir, 'train', { stems })).cases.map(({ id }) => id);
      expect(await ids(['b'])).toEqual(['b']);
      await writeFile(join(dir, 'list.txt'), '\uFEFF# chosen\r\nb.png\r\n\r\n a \r\n');
      expect(await ids(join(dir, 'list.txt'))).toEqual(['a', 'b']);
      expect(await errorOf(ids(['zz']))).toMatchObject({
        code: 'STEM_UNKNOWN',
        message: expect.stringContaining('zz') as string,
      });
      expect(await errorOf(ids(join(dir, 'none.txt')))).toMatchObject({ code: 'STEM_UNKNOWN' });
      await writeFile(join(dir, 'utf16.txt'), '\uFEFFa\r\nb\r\n', 'utf16le');
      expect(await ids(join(dir, 'utf16.txt'))).toEqual(['a', 'b']);
      await writeFile(join(dir, 'latin.txt'), 'a\nM\u00fcller\n', 'latin1');
      expect((await errorOf(ids(join(dir, 'latin.txt')))).message).toContain('line 2 has bytes of another');
      expect(await errorOf(ids([]))).toMatchObject({ code: 'DATA_SPLIT_EMPTY' });
      // Files outside the selection do not matter.
      await rm(join(dir, 'Train_Folder/labelcol/mask_a.png'));
      expect(await ids(['b'])).toEqual(['b']);
      expect(await problems(dir, { only: ['train'], stems: ['b'] })).toEqual([]);
    });
  });

  it('has a fingerprint of ids, notes and sizes, wherever the folder lies', async () => {
    await inSet(async (dir) => {
      const { fingerprint } = await openDataset(dir, 'train');
      expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
      await inSet(async (twin) => {
        expect((await openDataset(twin, 'train')).fingerprint).toBe(fingerprint);
        await writeFiles(twin, {
          'Train_Folder/Train_Val_text.xlsx': await notesXlsx([note('a'), ['mask_b.png', 'x'], note('c')]),
        });
        expect((await openDataset(twin, 'train')).fingerprint).not.toBe(fingerprint);
      });
      expect((await openDataset(dir, 'train', { stems: ['a'] })).fingerprint).not.toBe(fingerprint);
    });
  });

  it('names missing folders and files of notes', async () => {
    await inSet(async (dir) => {
      expect(await errorOf(openDataset(join(dir, 'no'), 'train'))).toMatchObject({
        code: 'DATA_FOLDER_MISSING',
      });
      expect(await errorOf(checkDataset(join(dir, 'Train_Folder')))).toMatchObject({
        code: 'DATA_FOLDER_MISSING',
      });
      await rm(join(dir, 'Test_Folder/labelcol'), { recursive: true });
      expect((await errorOf(openDataset(dir, 'test'))).message).toContain('labelcol');
      await rename(join(dir, 'Val_Folder'), join(dir, 'Other'));
      expect((await errorOf(openDataset(dir, 'val'))).message).toContain('Val_Folder');
      await rm(join(dir, 'Train_Folder/Train_Val_text.xlsx'));
      expect(await errorOf(openDataset(dir, 'train'))).toMatchObject({ code: 'NOTES_MISSING' });
      await writeFiles(dir, { 'Train_Folder/Train_text.xlsx': await notesXlsx([]) });
      expect(await errorOf(openDataset(dir, 'train'))).toMatchObject({ code: 'NOTES_EMPTY' });
      await writeFiles(dir, { 'Train_Folder/Train_text.csv': 'Image,Description\n' });
      expect(await errorOf(openDataset(dir, 'train'))).toMatchObject({ code: 'NOTES_CONFLICT' });
    });
  });
});

describe('checkDataset', () => {
  it('names everything that is missing, on either side', async () => {
    await inSet(async (dir) => {
      await rm(join(dir, 'Train_Folder/labelcol/mask_a.png'));
      await rm(join(dir, 'Test_Folder/img/d.png'));
      await writeFiles(dir, {
        'Val_Folder/img/extra.png': small,
        'Val_Folder/labelcol/extra.png': small,
        'Test_Folder/Test_text.csv':
          'Image,Description\nmask_e.png,x\nmask_gone.png,y\nmask_d.png,z\nmask_f.png,\n,stray\n',
        'Test_Folder/img/readme.txt': 'x',
      });
      expect(await problems(dir)).toEqual([
        'MASK_MISSING Train_Folder/img/a.png',
        'NOTE_MISSING Val_Folder/img/extra.png',
        'IMAGE_MISSING Test_Folder/labelcol/mask_d.png',
        'IMAGE_UNSUPPORTED Test_Folder/img/readme.txt',
        'NOTE_WITHOUT_IMAGE Test_Folder/Test_text.csv: mask_gone.png',
        'NOTE_WITHOUT_IMAGE Test_Folder/Test_text.csv: mask_f.png',
        'NOTES_UNREADABLE Test_Folder/Test_text.csv: line 6',
      ]);
      const error = await errorOf(openDataset(dir, 'test'));
      expect(error.code).toBe('DATA_INVALID');
      expect(error.message).toContain('mask_d.png: is a mask without an image');
      expect(error.message).toContain('and 2 more');
    });
  });

  it('counts a note of a shared file as stray only if neither train nor val has its mask', async () => {
    await inSet(async (dir) => {
      await writeFiles(dir, {
        'Train_Folder/Train_Val_text.xlsx': await notesXlsx([note('a'), note('b'), note('c'), note('q')]),
      });
      const expected = ['NOTE_WITHOUT_IMAGE Train_Folder/Train_Val_text.xlsx: mask_q.png'];
      expect(await problems(dir)).toEqual(expected);
      expect(await problems(dir, { only: ['train'] })).toEqual(expected);
    });
  });

  it('hints at notes that are keyed by the image', async () => {
    await inSet(async (dir) => {
      await writeFiles(dir, { 'Test_Folder/Test_text.csv': 'Image,Description\nd.png,x\nmask_e.png,y\n' });
      const { problems: found } = await checkDataset(dir, { only: ['test'] });
      expect(found.map(({ message }) => message)).toEqual([
        'Test_Folder/img/d.png: has no note; expected a row with Image mask_d.png in Test_Folder/Test_text.csv (there is one with Image d.png, but notes are keyed by the mask)',
      ]);
    });
  });

  it('decodes everything: damaged, cut, empty and mismatched files', async () => {
    await inSet(async (dir) => {
      const whole = await greyPng(64, 64, (x, y) => (x * 37 + y * 91) % 251);
      await writeFiles(dir, {
        'Train_Folder/img/a.png': whole.subarray(0, whole.length / 2),
        'Train_Folder/img/b.png': '',
        'Val_Folder/labelcol/mask_c.png': await greyPng(8, 9, () => 255),
        'Test_Folder/labelcol/mask_d.png': 'not a mask',
        'Test_Folder/labelcol/mask_e.png': await greyPng(8, 8, () => 0),
      });
      expect(await problems(dir)).toEqual([
        'IMAGE_UNREADABLE Train_Folder/img/a.png',
        'IMAGE_UNREADABLE Train_Folder/img/b.png',
        'MASK_SIZE_MISMATCH Val_Folder/labelcol/mask_c.png',
        'IMAGE_UNREADABLE Test_Folder/labelcol/mask_d.png',
      ]);
      const report = await checkDataset(dir, { only: ['test'] });
      expect(report.splits[0]).toMatchObject({
        images: 2,
        masks: 2,
        notes: 2,
        cases: 1,
        emptyMasks: ['Test_Folder/labelcol/mask_e.png'],
      });
      expect(() => assertValid(report)).toThrow(/1 problem: Test_Folder\/labelcol\/mask_d\.png/);
      // Training refuses with the same words.
      for (const split of ['train', 'val', 'test'] as const) {
        const messages = (await checkDataset(dir, { only: [split] })).problems.map(({ message }) => message);
        const error = await errorOf(openDataset(dir, split).then(assertUsable));
        expect(error.code).toBe('DATA_INVALID');
        for (const message of messages) expect(error.message).toContain(message);
      }
    });
  });

  it('names the orientation tag of an image whose mask was drawn on the stored pixels', async () => {
    await inSet(async (dir) => {
      await rm(join(dir, 'Test_Folder', 'img', 'd.png'));
      const grey = Uint8Array.from({ length: 32 }, (_, p) => p * 7);
      await writeFiles(dir, {
        'Test_Folder/img/d.tif': turnedTiff(8, 4, 6, grey),
        'Test_Folder/labelcol/mask_d.png': await greyPng(8, 4, (x) => (x < 4 ? 255 : 0)),
      });
      const expected =
        "mask_d.png: the mask has 8 x 4 pixels, expected its image's 4 x 8: the image has the orientation tag 6 (turned a quarter clockwise), which is applied, and the mask has no orientation tag";
      const dataset = await openDataset(dir, 'test');
      const [first] = dataset.cases;
      if (first === undefined) throw new Error('expected a case');
      const measured = await measureCases({ dir, split: 'test', cases: dataset.cases });
      for (const message of [
        (await errorOf(assertUsable(dataset))).message,
        (await errorOf(readSample(first, 8, 'area'))).message,
        measured.problems.map((problem) => problem.message).join(),
      ])
        expect(message).toContain(expected);
      // A mask with the same tag fits.
      await rm(join(dir, 'Test_Folder', 'labelcol', 'mask_d.png'));
      const mask = Uint8Array.from({ length: 32 }, (_, p) => (p % 8 < 2 ? 255 : 0)); // the two left columns
      const maskPath = join(dir, 'Test_Folder', 'labelcol', 'mask_d.tif');
      await writeFile(maskPath, turnedTiff(8, 4, 6, mask));
      const sample = await readSample({ ...first, maskPath }, 8, 'area'); // the two top rows of eight
      expect([...sample.mask.data]).toEqual(Array.from({ length: 64 }, (_, p) => (p < 16 ? 1 : 0)));
    });
  });

  it('refuses two images or two masks of one stem', async () => {
    await inSet(async (dir) => {
      await writeFiles(dir, { 'Test_Folder/img/d.tif': small, 'Test_Folder/labelcol/mask_e.tif': small });
      expect(await problems(dir, { only: ['test'] })).toEqual([
        'DATA_INVALID Test_Folder/img/d.png',
        'DATA_INVALID Test_Folder/img/e.png',
      ]);
    });
  });

  it('counts, and reports progress to the end', async () => {
    await inSet(async (dir) => {
      const steps: number[] = [];
      const report = await checkDataset(dir, { onProgress: (done, total) => steps.push(done / total) });
      expect(steps.every((share, i) => share > (steps[i - 1] ?? 0))).toBe(true);
      expect(steps.at(-1)).toBe(1);
      expect(report.splits.map(({ split, cases }) => `${split} ${cases}`)).toEqual([
        'train 2',
        'val 1',
        'test 2',
      ]);
      expect(report.splits[0]).toMatchObject({
        foreground: 0.5,
        sizes: [{ size: '8x8', count: 2 }],
        emptyMasks: [],
      });
      await expect(openDataset(dir, 'train').then(assertUsable)).resolves.toBeUndefined();
    });
  });

  it('describes notes', () => {
    expect(noteStatistics(['Upper left lung.', 'upper left lung.', 'Nothing', 'Upper left lung.'])).toEqual({
      distinct: 3,
      distinctIgnoringCase: 2,
      words: { min: 1, median: 3, max: 3 },
      namingSides: 0.75,
      namingPlaces: 0.75,
      vocabulary: 4,
      mostFrequent: [
        { note: 'Upper left lung.', count: 2 },
        { note: 'Nothing', count: 1 },
        { note: 'upper left lung.', count: 1 },
      ],
    });
    expect(noteStatistics([])).toBeNull();
  });
});
