/** COCO's annotations, and nnU-Net's raw data. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDataset } from '../check.js';
import { openDataset } from '../dataset.js';
import { readCaseMask } from '../masks.js';
import { presentSplits } from '../source.js';
import { errorOf, greyPng, inFolder, writeFiles } from '../testing/files.js';
import type { Case } from '../types.js';

const rowsOf = async (one: Case | undefined): Promise<string[]> => {
  const { mask } = await readCaseMask(one as Case);
  return Array.from({ length: mask.height }, (_, y) =>
    mask.data.subarray(y * mask.width, (y + 1) * mask.width).join(''),
  );
};

const IMAGES = [
  { id: 1, file_name: 'a.png', width: 6, height: 4 },
  { id: 2, file_name: 'b.png', width: 6, height: 4 },
  { id: 3, file_name: 'c.png', width: 6, height: 4 },
];
const CATEGORIES = [
  { id: 1, name: 'left_lung' },
  { id: 7, name: 'heart' },
];
const square = { image_id: 1, category_id: 7, segmentation: [[1, 1, 3, 1, 3, 3, 1, 3]] };

async function writeCoco(dir: string, annotations: readonly object[], more: object = {}): Promise<void> {
  const picture = await greyPng(6, 4, (x) => 40 * x);
  await writeFiles(dir, {
    'images/a.png': picture,
    'images/b.png': picture,
    'images/c.png': picture,
    'annotations/instances_train2017.json': JSON.stringify({
      ...{ images: IMAGES, categories: CATEGORIES },
      ...{ annotations: annotations.map((one, id) => ({ id, ...one })), ...more },
    }),
  });
}

describe('COCO', () => {
  it('refuses two entries of one file, whose cases would share a name', async () => {
    await inFolder(async (dir) => {
      const images = [...IMAGES.slice(0, 1), { ...IMAGES[0], id: 2 }];
      await writeCoco(dir, [square, { ...square, image_id: 2 }], { images });
      expect(await errorOf(openDataset(dir, 'train'))).toEqual({
        code: 'DATA_INVALID',
        message: `${dir}: 1 problem: image 2: has the file of image 1, a.png`,
      });
    });
  });

  it('makes a case of each category of an image, from polygons and both forms of run lengths', async () => {
    await inFolder(async (dir) => {
      await writeCoco(
        dir,
        [
          square,
          { image_id: 1, category_id: 7, segmentation: { size: [4, 6], counts: [20, 1, 3] } },
          { image_id: 1, category_id: 1, segmentation: [[0, 0, 1, 0, 1, 4, 0, 4]] },
          { image_id: 2, category_id: 1, segmentation: { size: [4, 6], counts: '444000000' }, iscrowd: 0 },
        ].slice(0, 3),
      );
      const { cases, notices } = await openDataset(dir, 'train');
      expect(cases.map(({ id, note, class: name }) => [id, note, name])).toEqual([
        ['a@heart', 'heart', 'heart'],
        ['a@left-lung', 'left lung', 'left_lung'],
      ]);
      expect(await rowsOf(cases[0])).toEqual(['000001', '011000', '011000', '000000']);
      expect(await rowsOf(cases[1])).toEqual(['100000', '100000', '100000', '100000']);
      expect(notices).toEqual([
        'IMAGES_WITHOUT_CASES: 2 images have no annotation with an area: b.png, c.png',
      ]);
      expect((await checkDataset(dir)).problems).toEqual([]);
      // The file by itself, next to its images.
      await writeFiles(dir, {
        'images/all.json': JSON.stringify({
          images: IMAGES,
          categories: CATEGORIES,
          annotations: [{ id: 1, ...square }],
        }),
      });
      const alone = await openDataset(join(dir, 'images', 'all.json'), 'train');
      expect(alone.cases.map(({ id }) => id)).toEqual(['a']);
    });
  });

  it('counts crowds and annotations without an area', async () => {
    await inFolder(async (dir) => {
      await writeCoco(dir, [
        square,
        { ...square, iscrowd: 1 },
        { ...square, image_id: 2, segmentation: [] },
        { ...square, image_id: 2, segmentation: [[1, 1, 2, 2]] },
        { ...square, image_id: 3, segmentation: { size: [4, 6], counts: [24] } },
        { image_id: 3, category_id: 1, bbox: [0, 0, 2, 2] },
      ]);
      const { suspicions, ok, splits } = await checkDataset(dir);
      expect([ok, splits[0]?.cases]).toEqual([true, 1]);
      const [, ...own] = suspicions; // first: a note of one word
      expect(own.map(({ code, count, message }) => [code, count, message])).toEqual([
        ['COCO_CROWDS', 1, '1 annotations of crowds are not used, in: a.png'],
        ['COCO_EMPTY', 4, '4 annotations have no area and are not used, in: b.png, b.png, c.png, and 1 more'],
        ['IMAGES_WITHOUT_CASES', 2, '2 images have no annotation with an area: b.png, c.png'],
      ]);
    });
  });

  it.each([
    [
      'an unknown class',
      [{ ...square, category_id: 9 }],
      'LABEL_UNKNOWN',
      'annotations[0]: no category has the id 9',
    ],
    [
      'an unknown image',
      [{ ...square, image_id: 9 }],
      'ANNOTATION_INVALID',
      'annotations[0]: no image has the id 9',
    ],
    ['run lengths of another size', [{ ...square, segmentation: { size: [4, 6], counts: [3, 3] } }], 'ANNOTATION_INVALID', 'annotations[0]: expected run lengths of 24 pixels together (6 x 4), got 6'], // prettier-ignore
    ['a polygon of texts', [{ ...square, segmentation: [['1', 2, 3, 4, 5, 6]] }], 'ANNOTATION_INVALID', 'annotations[0]: expected polygons as lists of x, y, x, y, ...'], // prettier-ignore
  ])('refuses %s', async (_, annotations, code, message) => {
    await inFolder(async (dir) => {
      await writeCoco(dir, annotations);
      expect(await errorOf(openDataset(dir, 'train'))).toEqual({
        code,
        message: `${join(dir, 'annotations', 'instances_train2017.json')}: ${message}`,
      });
    });
  });

  it('names the image whose path no file can have, and finds the others', async () => {
    await inFolder(async (dir) => {
      const long = `${'x'.repeat(5000)}/a.png`;
      const images = [IMAGES[0], { ...IMAGES[1], file_name: 'b\0.png' }, { ...IMAGES[2], file_name: long }];
      const own = [square, { ...square, image_id: 2 }, { ...square, image_id: 3 }];
      await writeCoco(dir, own, { images });
      const { problems, splits } = await checkDataset(dir);
      expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
        'IMAGE_MISSING image 2: the image b\\u0000.png has a NUL in its path',
        `IMAGE_MISSING image 3: the image ${'x'.repeat(100)}... does not exist`,
      ]);
      expect(splits[0]?.cases).toBe(1);
    });
  });

  it.each(['left lung', 'Left_Lung'])('refuses categories whose notes would be one: %s', async (name) => {
    await inFolder(async (dir) => {
      await writeCoco(dir, [square], { categories: [...CATEGORIES, { id: 8, name }] });
      expect((await errorOf(openDataset(dir, 'train'))).message).toContain(
        `categories: "${name}" differs from "left_lung" only in case, blanks and underscores`,
      );
    });
  });

  it('refuses files that are damaged, and images that are too large or leave the folder', async () => {
    await inFolder(async (dir) => {
      const path = join(dir, 'x.json');
      const asks: readonly (readonly [string, string])[] = [
        ['{', 'ANNOTATION_INVALID'],
        ['[]', 'ANNOTATION_INVALID'],
        ['{"images": []}', 'ANNOTATION_INVALID'],
        [JSON.stringify({ images: [{ ...IMAGES[0], width: 1e6, height: 1e6 }], categories: CATEGORIES, annotations: [] }), 'ANNOTATION_INVALID'], // prettier-ignore
        [JSON.stringify({ images: [IMAGES[0], IMAGES[0]], categories: CATEGORIES, annotations: [] }), 'ANNOTATION_INVALID'], // prettier-ignore
        [JSON.stringify({ images: [{ ...IMAGES[0], file_name: '../a.png' }], categories: CATEGORIES, annotations: [square] }), 'DATA_INVALID'], // prettier-ignore
      ];
      for (const [text, code] of asks) {
        await writeFiles(dir, { 'x.json': text });
        expect((await errorOf(openDataset(path, 'train'))).code).toBe(code);
      }
      expect((await errorOf(openDataset(path, 'train'))).message).toContain('../a.png leaves the folder');
    });
  });
});

const LABELS = { background: 0, liver: 1, tumour_core: 2, all: [1, 2] };

async function writeNnUnet(dir: string, labels: object = LABELS): Promise<void> {
  const picture = await greyPng(6, 4, (x) => 40 * x);
  await writeFiles(dir, {
    'dataset.json': JSON.stringify({
      channel_names: { 0: 'R' },
      labels,
      numTraining: 1,
      file_ending: '.png',
    }),
    'imagesTr/p1_0000.png': picture,
    'labelsTr/p1.png': await greyPng(6, 4, (x) => (x < 2 ? 0 : x < 4 ? 1 : 2)),
    'imagesTs/p2_0000.png': picture,
    'imagesTs/p3_0000.png': picture,
    'labelsTs/p2.png': await greyPng(6, 4, (x) => (x === 5 ? 2 : 0)),
  });
}

describe('nnU-Net’s raw data', () => {
  it('makes a case of each label of an image, empty ones too', async () => {
    await inFolder(async (dir) => {
      await writeNnUnet(dir);
      expect(await presentSplits(dir)).toEqual(['train', 'test']);
      const { cases } = await openDataset(dir, 'train');
      expect(cases.map(({ id, note, class: name }) => [id, note, name])).toEqual([
        ['p1@all', 'all', 'all'],
        ['p1@liver', 'liver', 'liver'],
        ['p1@tumour-core', 'tumour core', 'tumour_core'],
      ]);
      expect((await Promise.all(cases.map(rowsOf))).map(([row]) => row)).toEqual([
        '001111',
        '001100',
        '000011',
      ]);
      const test = await openDataset(dir, 'test');
      expect((await Promise.all(test.cases.map(rowsOf))).map(([row]) => row)).toEqual([
        '000001',
        '000000',
        '000001',
      ]);
      expect(test.notices).toEqual(['IMAGES_WITHOUT_CASES: 1 images of imagesTs have no mask']);
      const report = await checkDataset(dir);
      expect([report.ok, report.splits[1]?.emptyMasks]).toEqual([true, ['p2@liver']]);
    });
  });

  it('refuses labels that it does not define, further channels, volumes and strays', async () => {
    await inFolder(async (dir) => {
      await writeNnUnet(dir, { background: 0, liver: 1 });
      await writeFiles(dir, {
        'imagesTr/p1_0001.png': '',
        'imagesTr/p9_0000.png': '',
        'labelsTr/p5.png': '',
        'labelsTr/p6.nii.gz': '',
        'imagesTr/p6_0000.nii.gz': '',
        'imagesTr/readme.txt': '',
      });
      const slices =
        'is a volume, and this layout is read for 2D images alone: list the slices of NIfTI volumes in a table of cases, with the columns image, slice, mask and note (docs/reference/tables.md#tables-of-cases)';
      expect((await checkDataset(dir)).problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
        'IMAGE_UNSUPPORTED imagesTr/p1_0001.png: is a second channel; a model reads one image, grey or RGB',
        'MASK_MISSING imagesTr/p9_0000.png: has no mask; expected labelsTr/p9.png',
        'IMAGE_MISSING labelsTr/p5.png: is a mask without an image',
        `IMAGE_UNSUPPORTED imagesTr/p6_0000.nii.gz: ${slices}`,
        'IMAGE_UNSUPPORTED imagesTr/readme.txt: expected only PNG or TIFF files',
        `IMAGE_UNSUPPORTED labelsTr/p6.nii.gz: ${slices}`,
        'LABEL_UNKNOWN labelsTr/p1.png: holds the label 2; dataset.json has 0, 1',
        'LABEL_UNKNOWN labelsTs/p2.png: holds the label 2; dataset.json has 0, 1',
      ]);
      for (const wrong of [{}, { background: 0 }, { liver: -1 }, { liver: 'one' }]) {
        await writeNnUnet(dir, wrong);
        expect((await errorOf(openDataset(dir, 'train'))).code).toBe('DATA_INVALID');
      }
    });
  });
});

it('asks which layout is meant if several fit, and takes the one that is named', async () => {
  await inFolder(async (dir) => {
    await writeNnUnet(dir);
    await writeCoco(dir, [square]);
    const error = await errorOf(openDataset(dir, 'train'));
    expect(error).toEqual({
      code: 'DATA_LAYOUT_UNCLEAR',
      message: `${dir}: fits several layouts, nnunet and coco`,
    });
    expect((await openDataset(dir, 'train', { layout: 'coco' })).cases).toHaveLength(1);
    expect((await openDataset(dir, 'train', { layout: 'nnunet' })).cases).toHaveLength(3);
    expect((await errorOf(openDataset(dir, 'train', { layout: 'dicom' }))).code).toBe('OPTION_INVALID');
  });
});

it.each(['left lung', 'Left_lung'])(
  'refuses labels of nnU-Net whose notes would be one: %s',
  async (name) => {
    await inFolder(async (dir) => {
      await writeFiles(dir, {
        'imagesTr/a_0000.png': await greyPng(4, 4, (x) => x),
        'labelsTr/a.png': await greyPng(4, 4, (x) => x),
        'dataset.json': JSON.stringify({ labels: { background: 0, left_lung: 1, [name]: 2 } }),
      });
      expect(await errorOf(openDataset(dir, 'train'))).toEqual({
        code: 'DATA_INVALID',
        message: `${join(dir, 'dataset.json')}: labels: expected names that differ by more than case, blanks and underscores`,
      });
    });
  },
);
