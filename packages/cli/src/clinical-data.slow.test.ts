/** Data sets of DICOM images with masks as PNG, SEG and NIfTI: checked, converted, trained and evaluated alike. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gridOfSlices, readDicom, writeNifti, writeSeg } from '@reclmis/clinical';
import { imageFile } from '@reclmis/clinical/testing';
import { encodePng, readImage, readImageHeader, readMask } from '@reclmis/files';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-clinical-data-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

const SIZE = 32;
const FORMS = ['png', 'dcm', 'nii.gz'] as const;
const SPLITS = ['train', 'train', 'train', 'train', 'val', 'val', 'test', 'test'];
const SMALL = '--preset phantom --model.baseWidth 4 --model.imageSize 32 --epochs 1 --batch 4 --threads 1 --workers 0 --train.warmupSteps 0 -q'.split(' '); // prettier-ignore

/** As stored: a rectangle in the upper left part, another for each case. */
const isInside = (i: number, p: number): boolean =>
  p % SIZE >= 2 && p % SIZE < 10 + i && p >= 3 * SIZE && p < (8 + 2 * i) * SIZE;
/** Every other image is stored with the patient's left on the left, so its display is mirrored. */
const isMirrored = (i: number): boolean => i % 2 === 1;
const displayed = (i: number): number[] =>
  Array.from({ length: SIZE * SIZE }, (_, p) => {
    const [x, y] = [p % SIZE, Math.floor(p / SIZE)];
    return isInside(i, y * SIZE + (isMirrored(i) ? SIZE - 1 - x : x)) ? 1 : 0;
  });

beforeAll(async () => {
  for (const form of FORMS) mkdirSync(join(root, form, 'masks'), { recursive: true });
  for (const form of FORMS) mkdirSync(join(root, form, 'images'));
  for (const [i] of SPLITS.entries()) {
    const pixels = Array.from({ length: SIZE * SIZE }, (_, p) => (isInside(i, p) ? 3000 : (p * 37 + i * 11) % 900)); // prettier-ignore
    const file = imageFile({
      ...{ width: SIZE, height: SIZE, pixels, stored: 12 },
      more: [
        [0x00080018, 'UI', `1.2.3.4.5.${i + 1}`],
        [0x00200020, 'CS', isMirrored(i) ? 'R\\F' : 'L\\F'],
        [0x00281050, 'DS', '1500'],
        [0x00281051, 'DS', '3000'],
      ],
    });
    const { source } = await readDicom(file);
    const geometry = (await readDicom(file)).geometryOf(0);
    const mask = { width: SIZE, height: SIZE, data: Uint8Array.from(pixels, (_, p) => (isInside(i, p) ? 1 : 0)) }; // prettier-ignore
    const sources = [{ source, frame: 0, frames: 1, geometry }];
    const masks = {
      png: await encodePng({ ...mask, data: mask.data.map((value) => 255 * value) }, 1),
      dcm: writeSeg({ sources, algorithm: 'hand', segments: [{ label: 'Lesion', frames: [mask] }] }).bytes,
      'nii.gz': writeNifti([mask], gridOfSlices([geometry], SIZE, SIZE).grid),
    };
    for (const form of FORMS) {
      writeFileSync(join(root, form, 'images', `c${i}.dcm`), file);
      writeFileSync(join(root, form, 'masks', `c${i}.${form}`), masks[form]);
    }
  }
  for (const form of FORMS) {
    const rows = SPLITS.map((split, i) => `images/c${i}.dcm,masks/c${i}.${form},"Infected area ${i}.",${split}`); // prettier-ignore
    writeFileSync(join(root, form, 'cases.csv'), ['image,mask,note,split', ...rows, ''].join('\n'));
  }
});

interface Report {
  readonly splits: readonly { split: string; cases: number; foreground: number }[];
  readonly problems: readonly unknown[];
}

it('checks and converts masks of every form to the same pixels, as displayed', async () => {
  for (const form of FORMS) {
    const { status, stdout } = await reclmis('data', 'check', form, '-q', '--json');
    expect(status, form).toBe(0);
    const { splits, problems } = JSON.parse(stdout) as Report;
    expect(problems).toEqual([]);
    for (const [name, cases] of [
      ['train', [0, 1, 2, 3]],
      ['val', [4, 5]],
      ['test', [6, 7]],
    ] as const)
      // prettier-ignore
      expect(splits.find(({ split }) => split === name)?.foreground).toBeCloseTo(
        cases.reduce<number>((sum, i) => sum + ((8 + i) * (5 + 2 * i)) / SIZE ** 2 / cases.length, 0),
        9,
      );
    expect((await reclmis('data', 'convert', form, `${form}-out`, '-q')).status).toBe(0);
    for (const [i] of SPLITS.entries()) {
      const due = displayed(i);
      expect([...(await readMask(join(root, `${form}-out`, 'masks', `c${i}.png`))).data]).toEqual(due);
      const image = join(root, `${form}-out`, 'images', `c${i}.png`);
      expect(await readImageHeader(image)).toMatchObject({ format: 'png', bits: 8, grey: true });
      // The window shows 0 to 3000: lesions are white, the rest is at most 900 of 3000.
      const { data } = await readImage(image);
      expect(due.map((_, p) => (data[3 * p]! > 128 ? 1 : 0))).toEqual(due);
    }
  }
});

it('trains and scores the same on masks of every form', async () => {
  expect((await reclmis('train', '--data', 'dcm', '-o', 'run', ...SMALL)).status).toBe(0);
  const first = await reclmis('evaluate', 'run', '-q', '--json');
  const others = [
    await reclmis('evaluate', 'run', '--data', 'png', '-q', '--json'),
    await reclmis('evaluate', 'run', '--data', 'nii.gz', '-q', '--json'),
  ];
  expect(first.status).toBe(0);
  const rowsOf = (text: string): unknown => (JSON.parse(text) as { rows?: unknown[] }).rows;
  expect(rowsOf(first.stdout)).toHaveLength(2);
  for (const { stdout } of others) expect(rowsOf(stdout)).toEqual(rowsOf(first.stdout));
});

it('names masks that belong to another image', async () => {
  const table = ['image,mask,note,split', 'images/c0.dcm,masks/c1.dcm,A.,train', 'images/c1.dcm,images/c2.dcm,B.,train', '']; // prettier-ignore
  writeFileSync(join(root, 'dcm', 'wrong.csv'), table.join('\n'));
  const { status, stdout } = await reclmis('data', 'check', 'dcm/wrong.csv', '-q', '--json');
  expect(status).not.toBe(0);
  const { problems } = JSON.parse(stdout) as { problems: { code: string }[] };
  expect(problems.map(({ code }) => code).sort()).toEqual(['IMAGE_UNSUPPORTED', 'SEG_INVALID']);
});
