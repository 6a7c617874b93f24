/** Each layout to each other and back: pixels, notes, splits and what goes with them. */
import { join } from 'node:path';
import { encodeCsv } from '@reclmis/core';
import { readImage, readImageWithHeader } from '@reclmis/files';
import { expect, it } from 'vitest';
import { openDataset } from '../dataset.js';
import { readCaseMask } from '../masks.js';
import { presentSplits } from '../source.js';
import { errorOf, greyPng, inFolder, turnedTiff, writeFiles } from '../testing/files.js';
import type { Case } from '../types.js';
import { writeTinyData } from '../testing/tiny-data.js';
import { convertDataset } from './convert.js';

/** Split, id, note, class, and the pixels of image and mask, of all cases. */
async function contentOf(source: string): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const split of await presentSplits(source))
    for (const one of (await openDataset(source, split)).cases) {
      const { id, note, imagePath, patient, spacing, sides, class: name } = one;
      const { mask } = await readCaseMask(one);
      const image = await readImage(imagePath);
      const pixels = [Buffer.from(image.data).toString('hex'), Buffer.from(mask.data).toString('hex')];
      found.push({ split, id, note, pixels, patient, spacing, sides, class: name });
    }
  return found;
}

it('goes round through every layout and comes back the same', async () => {
  await inFolder(async (dir) => {
    const start = join(dir, 'lvit');
    await writeTinyData(start, 16, { train: 3, val: 2, test: 2 });
    const content = await contentOf(start);
    expect(content).toHaveLength(7);
    let source = start;
    for (const to of ['table', 'huggingface', 'coco', 'table', 'lvit'] as const) {
      const out = join(dir, `${to}-of-${source.split('/').at(-1) ?? ''}`);
      const { cases, notices } = await convertDataset(source, out, { to });
      expect(cases).toEqual({ train: 3, val: 2, test: 2 });
      // COCO's categories are classes, which LViT's layout has not.
      expect(notices).toEqual(to === 'lvit' ? ['The layout has no place for the class of 7 cases.'] : []);
      const found = (await contentOf(out)) as { note: string; class?: string }[];
      const classed = source.includes('coco') ? to !== 'lvit' : to === 'coco';
      expect(found.map((one) => one.class)).toEqual(found.map(({ note }) => (classed ? note : undefined)));
      expect(found.map((one) => ({ ...one, class: undefined }))).toEqual(content);
      source = out;
    }
  });
});

/** Two cases on the first image, one on the second; with everything that a table may state. */
async function writeOrgans(dir: string, overlap = false): Promise<string> {
  await writeFiles(dir, {
    'p/1.png': await greyPng(6, 4, (x, y) => 30 * x + y),
    'q/1.png': await greyPng(6, 4, (x, y) => 30 * y + x),
    'm/left.png': await greyPng(6, 4, (x, y) => (x < 2 && y > 0 ? 255 : 0)),
    'm/right.png': await greyPng(6, 4, (x) => (x > (overlap ? 0 : 3) ? 255 : 0)),
    'cases.csv': encodeCsv([
      ['image', 'mask', 'note', 'split', 'patient', 'spacing', 'sides'],
      ['p/1.png', 'm/left.png', 'left kidney', 'train', 'A', '0.5x0.25', 'image'],
      ['p/1.png', 'm/right.png', 'right kidney', 'train', 'A', '0.5x0.25', 'image'],
      ['q/1.png', 'm/right.png', 'right kidney', 'test', 'B', '', 'image'],
    ]),
  });
  return join(dir, 'cases.csv');
}

it('keeps several notes of an image, patients, spacings and sides where there is a place for them', async () => {
  await inFolder(async (dir) => {
    const source = await writeOrgans(join(dir, 'a'));
    const content = await contentOf(source);
    for (const to of ['table', 'huggingface'] as const) {
      await convertDataset(source, join(dir, to), { to });
      expect(await contentOf(join(dir, to))).toEqual(content);
    }
    const bare = content.map((one) => ({ ...(one as object), patient: undefined, sides: undefined }));
    const { notices } = await convertDataset(source, join(dir, 'lvit'), { to: 'lvit' });
    expect(notices).toEqual([
      'The layout has no place for the patient of 3 cases.',
      'The layout has no place for the sides of 3 cases.',
      'The layout has one note an image: 1 image with several became copies, which a later split may put on both sides.',
    ]);
    expect(await contentOf(join(dir, 'lvit'))).toEqual(bare);
    for (const to of ['coco', 'nnunet'] as const) {
      await convertDataset(source, join(dir, to), { to });
      const found = (await contentOf(join(dir, to))) as { pixels: string[] }[];
      // nnU-Net has the label that an image lacks as an empty mask.
      const drawn = found.filter(({ pixels }) => /1/u.test(pixels[1] ?? ''));
      expect(drawn.map(({ pixels }) => pixels)).toEqual(
        (content as { pixels: string[] }[]).map(({ pixels }) => pixels),
      );
      expect(drawn).toMatchObject(
        [['left kidney', 'train'], ['right kidney', 'train'], ['right kidney', 'test']].map(([note, split]) => ({ note, split })), // prettier-ignore
      );
      expect(found.length - drawn.length).toBe(to === 'nnunet' ? 1 : 0);
    }
  });
});

it('keeps classes through every layout that has them, and says where notes give way to them', async () => {
  await inFolder(async (dir) => {
    const rowsOf = (rows: readonly (readonly string[])[]): string =>
      encodeCsv([['image', 'mask', 'note', 'class', 'split'], ...rows]);
    const source = await writeOrgans(join(dir, 'a'));
    await writeFiles(join(dir, 'a'), {
      'cases.csv': rowsOf([
        ['p/1.png', 'm/left.png', 'left kidney', 'left_kidney', 'train'],
        ['p/1.png', 'm/right.png', 'right kidney', 'right_kidney', 'train'],
        ['q/1.png', 'm/right.png', 'right kidney', 'right_kidney', 'test'],
      ]),
    });
    const content = await contentOf(source);
    expect(content).toMatchObject([{ class: 'left_kidney' }, { class: 'right_kidney' }, { class: 'right_kidney' }]); // prettier-ignore
    let last = source;
    for (const to of ['coco', 'table', 'huggingface', 'coco', 'huggingface'] as const) {
      const out = join(dir, `${to}-of-${last.split('/').at(-1) ?? ''}`);
      expect((await convertDataset(last, out, { to })).notices).toEqual([]);
      expect(await contentOf(out)).toEqual(content);
      last = out;
    }
    expect((await convertDataset(last, join(dir, 'nnunet'), { to: 'nnunet' })).notices).toEqual([
      'nnU-Net has every class in every image: where the source states nothing, 1 case with an empty mask was added.',
    ]);
    const labelled = await contentOf(join(dir, 'nnunet'));
    expect(labelled).toEqual(expect.arrayContaining(content.slice(0, 2)));
    expect((await convertDataset(last, join(dir, 'lvit'), { to: 'lvit' })).notices).toContain(
      'The layout has no place for the class of 3 cases.',
    );

    await writeFiles(join(dir, 'a'), {
      'cases.csv': rowsOf([
        ['p/1.png', 'm/left.png', 'Kidney, left of the spine.', 'kidney', ''],
        ['q/1.png', 'm/right.png', 'Kidney.', 'kidney', ''],
      ]),
    });
    const { notices } = await convertDataset(source, join(dir, 'lost'), { to: 'coco' });
    expect(notices).toEqual([
      'The layout has no place for notes: those of 2 cases became the name of their class.',
    ]);
    expect(await contentOf(join(dir, 'lost'))).toMatchObject([
      { note: 'kidney', class: 'kidney' },
      { note: 'kidney', class: 'kidney' },
    ]);
    await writeFiles(join(dir, 'a'), {
      'cases.csv': rowsOf([
        ['p/1.png', 'm/left.png', 'Kidney, left.', 'kidney', ''],
        ['p/1.png', 'm/right.png', 'Kidney, right.', 'kidney', ''],
      ]),
    });
    expect(await errorOf(convertDataset(source, join(dir, 'no'), { to: 'nnunet' }))).toEqual({
      code: 'DATA_INVALID',
      message:
        '1@kidney-left and 1@kidney-right are of one image and class, kidney, and would become one case',
    });
    await writeFiles(join(dir, 'a'), {
      'cases.csv': rowsOf([
        ['p/1.png', 'm/left.png', 'Kidney', '', ''],
        ['q/1.png', 'm/right.png', 'kidney', '', ''],
      ]),
    });
    expect(await errorOf(convertDataset(source, join(dir, 'no'), { to: 'coco' }))).toEqual({
      code: 'DATA_INVALID',
      message: 'two classes are called kidney, but for case and underscores',
    });
    // A word of its dataset.json, which it reads whatever its case.
    await writeFiles(join(dir, 'b'), {
      'cases.csv': rowsOf([['../a/p/1.png', '../a/m/left.png', 'Ignore', 'Ignore', '']]),
    });
    expect(
      await errorOf(convertDataset(join(dir, 'b'), join(dir, 'no'), { to: 'nnunet', outside: true })),
    ).toEqual({
      code: 'DATA_INVALID',
      message: 'the class "Ignore" means something else in nnU-Net’s dataset.json',
    });
  });
});

it('keeps the mark of derived notes, or says that it and cases with empty masks are lost', async () => {
  await inFolder(async (dir) => {
    const source = join(dir, 'lvit');
    await writeFiles(join(source, 'Train_Folder'), {
      'img/a.png': await greyPng(4, 4, (x) => x),
      'img/b.png': await greyPng(4, 4, (x) => 2 * x),
      'labelcol/a.png': await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
      'labelcol/b.png': await greyPng(4, 4, () => 0),
      'Train_text.csv': 'Image,Description,Source\na.png,left,derived from masks\nb.png,right,\n',
    });
    for (const to of ['table', 'huggingface'] as const) {
      await convertDataset(source, join(dir, to), { to });
      const { cases } = await openDataset(join(dir, to), 'train');
      expect(cases.map(({ derived }) => derived)).toEqual([true, undefined]);
    }
    const mark =
      'The layout has no place for the mark that the notes of 1 case were derived from masks: scores on them say nothing about a reader’s notes.';
    const { notices } = await convertDataset(source, join(dir, 'coco'), { to: 'coco' });
    expect(notices).toEqual([
      mark,
      'An annotation without an area makes no case: 1 case with an empty mask will not be read.',
    ]);
    expect((await openDataset(join(dir, 'coco'), 'train')).cases.map(({ id }) => id)).toEqual(['a']);
    expect((await convertDataset(source, join(dir, 'nnunet'), { to: 'nnunet' })).notices).toEqual([
      mark,
      'nnU-Net has every class in every image: where the source states nothing, 2 cases with an empty mask were added.',
    ]);
  });
});

it('refuses cases that would get one name', async () => {
  await inFolder(async (dir) => {
    const source = join(dir, 'lvit');
    for (const [folder, names] of [
      ['Train_Folder', ['a', 'val-a']],
      ['Val_Folder', ['a']],
    ] as const)
      // prettier-ignore
      for (const name of names)
        await writeFiles(join(source, folder), {
          [`img/${name}.png`]: await greyPng(4, 4, (x) => x),
          [`labelcol/${name}.png`]: await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
          [folder.replace('Folder', 'text.csv')]: `Image,Description\n${names.map((one) => `${one}.png,left\n`).join('')}`,
        });
    expect(await errorOf(convertDataset(source, join(dir, 'out'), { to: 'table' }))).toEqual({
      code: 'DATA_INVALID',
      message: 'two cases or images would be called val-a',
    });
  });
});

it('copies nothing but images, and no mask of another size', async () => {
  await inFolder(async (dir) => {
    const { symlink } = await import('node:fs/promises');
    await writeFiles(dir, {
      'secret.txt': 'secret',
      'b/images/a.png': await greyPng(4, 4, (x) => x),
      'a/masks/a.png': await greyPng(4, 4, (x) => (x < 2 ? 255 : 0)),
      'b/masks/a.png': await greyPng(2, 4, (x) => (x < 2 ? 255 : 0)),
      'a/images/x.txt': '',
      'a/cases.csv': 'image,note\na.png,left\n',
      'b/cases.csv': 'image,note\na.png,left\n',
    });
    await symlink(join(dir, 'secret.txt'), join(dir, 'a', 'images', 'a.png'));
    for (const [name, why] of [
      ['a', /images\/a\.png: /],
      ['b', /masks\/a\.png: .*2 x 4/],
    ] as const) {
      // prettier-ignore
      const error = await errorOf(convertDataset(join(dir, name), join(dir, 'out'), { to: 'table' }));
      expect(error.code).toBe('DATA_INVALID');
      expect(error.message).toMatch(why);
    }
  });
});

it('refuses what a layout cannot hold, and leaves nothing behind', async () => {
  await inFolder(async (dir) => {
    const source = await writeOrgans(join(dir, 'a'), true);
    const out = join(dir, 'nnunet');
    expect(await errorOf(convertDataset(source, out, { to: 'nnunet' }))).toEqual({
      code: 'DATA_INVALID',
      message:
        'p-1@right-kidney: its mask overlaps another of the image’s, and nnU-Net keeps one label a pixel',
    });
    const { readdir } = await import('node:fs/promises');
    expect(await readdir(dir)).toEqual(['a']);
    expect((await errorOf(convertDataset(source, join(dir, 'a'), { to: 'table' }))).code).toBe(
      'OUTPUT_EXISTS',
    );
  });
});

it.each(['coco', 'nnunet'] as const)(
  'turns images with an orientation tag as their masks lie, for readers that ignore the tag: %s',
  async (to) => {
    await inFolder(async (dir) => {
      // Stored as 3 x 2; tag 6 is shown turned a quarter clockwise: the left column becomes the top row, from the right.
      const stored = Uint8Array.from([10, 20, 30, 40, 50, 60]);
      await writeFiles(dir, {
        'a/images/a.tif': turnedTiff(3, 2, 6, stored),
        'a/images/b.png': await greyPng(2, 3, (x, y) => 2 * y + x),
        'a/masks/a.png': await greyPng(2, 3, (x, y) => (x === 0 && y === 0 ? 255 : 0)),
        'a/masks/b.png': await greyPng(2, 3, (x) => (x === 0 ? 255 : 0)),
        'a/cases.csv': 'image,note\na.tif,left\nb.png,left\n',
      });
      const out = join(dir, to);
      await convertDataset(join(dir, 'a'), out, { to });
      const [first, second] = (await openDataset(out, 'train')).cases;
      const { image, header } = await readImageWithHeader(first?.imagePath ?? '');
      expect(header).toMatchObject({ format: 'png', width: 2, height: 3, orientation: 1 });
      expect([...image.data].filter((_, i) => i % 3 === 0)).toEqual([40, 10, 50, 20, 60, 30]);
      expect([...(await readCaseMask(first as Case)).mask.data]).toEqual([1, 0, 0, 0, 0, 0]);
      const { readFile } = await import('node:fs/promises');
      expect(await readFile(second?.imagePath ?? '')).toEqual(await readFile(join(dir, 'a/images/b.png')));
    });
  },
);
