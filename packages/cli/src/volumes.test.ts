/** Slices of volumes and frames of DICOM files as cases of a table: read, checked, grouped, converted, trained and explained. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gridOfNifti, readDicom, readNifti, writeNifti, writeSeg } from '@reclmis/clinical';
import { imageFile, niftiFile } from '@reclmis/clinical/testing';
import { encodePng, readImage, readMask } from '@reclmis/files';
import { grouping, openDataset, readSample } from '@reclmis/data';
import { readTarget } from '@reclmis/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-volumes-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);

const SIDE = 16;
const SLICES = 4;
const PIXELS = SIDE * SIDE;
/** Stored: a block in the upper left part, wider in each slice; no turn leaves it in place. */
const inBlock = (slice: number, p: number): boolean => p % SIDE < 4 + slice && p < 5 * SIDE;
const stored = (slice: number): number[] =>
  Array.from({ length: PIXELS }, (_, p) => (inBlock(slice, p) ? 1 : 0));
/** NIfTI's voxels run to the patient's right and front, so they are displayed upside down. */
const displayed = (slice: number): number[] => stored(slice).toReversed();
const all = [0, 1, 2, 3];

const table = (name: string, lines: readonly string[]): string => {
  writeFileSync(join(root, name), [...lines, ''].join('\n'));
  return join(root, name);
};

beforeAll(async () => {
  mkdirSync(join(root, 'images'));
  mkdirSync(join(root, 'masks'));
  const volume = niftiFile({
    dims: [3, SIDE, SIDE, SLICES],
    voxels: Uint8Array.from(all.flatMap((z) => stored(z).map((one) => 50 + 100 * one + 10 * z))),
    pixdim: [1, 1, 1, 5],
    sform: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 5, 0],
  });
  writeFileSync(join(root, 'images', 'scan.nii'), volume);
  const masks = all.map((z) => ({ width: SIDE, height: SIDE, data: Uint8Array.from(stored(z)) }));
  const grid = gridOfNifti(await readNifti(volume));
  writeFileSync(join(root, 'masks', 'scan.nii.gz'), writeNifti(masks, grid));
  const cine = imageFile({
    ...{ width: SIDE, height: SIDE, frames: SLICES, allocated: 8, modality: 'US' },
    pixels: all.flatMap((z) => stored(z).map((one) => 100 * one + 10 * z)),
    more: [
      [0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.3.1'],
      [0x00281050, 'DS', '64\\200'],
      [0x00281051, 'DS', '128\\10'],
      [0x00281055, 'LO', 'ALL\\NONE'],
    ],
  });
  writeFileSync(join(root, 'images', 'cine.dcm'), cine);
  const image = await readDicom(cine);
  const sources = all.map((frame) => ({ source: image.source, frame, frames: SLICES, geometry: image.geometryOf(frame) })); // prettier-ignore
  const seg = writeSeg({ sources, algorithm: 'hand', segments: [{ label: 'Lesion', frames: masks }] });
  writeFileSync(join(root, 'masks', 'cine.dcm'), seg.bytes);
});

const ROWS = [
  'image,slice,mask,note,split',
  'images/scan.nii,2,masks/scan.nii.gz,"Lesion, left lung.",train',
  'images/scan.nii,4,masks/scan.nii.gz,"Lesion, left lung.",train',
  'images/cine.dcm,1,masks/cine.dcm,"Lesion, right lung.",train',
  'images/cine.dcm,3,masks/cine.dcm,"Lesion, right lung.",val',
];

describe('a column slice', () => {
  it('makes a case of each slice, with its own pixels and mask', async () => {
    const source = table('cases.csv', ROWS);
    const { cases } = await openDataset(source, 'train');
    expect(cases.map(({ id, frame, volumeId }) => [id, frame, volumeId])).toEqual([
      ['cine_1', 0, 'cine'],
      ['scan_2', 1, 'scan'],
      ['scan_4', 3, 'scan'],
    ]);
    const samples = await Promise.all(cases.map((one) => readSample(one, SIDE, 'area')));
    expect(samples.map(({ mask }) => [...mask.data])).toEqual([stored(0), displayed(1), displayed(3)]);
    // Bright where the mask is, in the slice of its own.
    for (const { image, mask } of samples) {
      const levels = mask.data.map((_, p) => image.data[3 * p]!);
      const least = Math.min(...levels.filter((_, p) => mask.data[p] === 1));
      expect(least).toBeGreaterThan(Math.max(...levels.filter((_, p) => mask.data[p] === 0)));
    }
  });

  it('keeps the slices of a volume together, as one patient', async () => {
    const { cases } = await openDataset(table('cases.csv', ROWS), 'train');
    const { groupOf, fits } = grouping();
    expect(cases.map(groupOf)).toEqual(['patient cine', 'patient scan', 'patient scan']);
    expect(cases.every(fits)).toBe(true);
  });

  it('may be called frame, and is read from JSON lines', async () => {
    const lines = [1, 2].map((slice) => JSON.stringify({ image: 'images/scan.nii', frame: slice, mask: 'masks/scan.nii.gz', note: 'Lesion.' })); // prettier-ignore
    const { cases } = await openDataset(table('cases.jsonl', lines), 'train');
    expect(cases.map(({ id }) => id)).toEqual(['scan_1', 'scan_2']);
    const both = table('both.csv', ['image,slice,frame,mask,note', 'images/scan.nii,1,1,masks/scan.nii.gz,Lesion.']); // prettier-ignore
    await expect(openDataset(both, 'train')).rejects.toMatchObject({ code: 'NOTES_UNREADABLE' });
  });

  it('is checked: wrong numbers are problems that name the row', async () => {
    const rows = [5, 0, 'x', 1].map((slice) => `images/scan.nii,${slice},masks/scan.nii.gz,Lesion.`);
    const source = table('wrong.csv', ['image,slice,mask,note', ...rows, 'images/cine.dcm,9,masks/cine.dcm,Lesion.']); // prettier-ignore
    const { status, stdout } = await reclmis('data', 'check', source, '-q', '--json');
    expect(status).not.toBe(0);
    const { problems } = JSON.parse(stdout) as { problems: { code: string; message: string }[] };
    expect(problems.map(({ code, message }) => `${code} ${message}`).sort()).toEqual([
      'NOTES_UNREADABLE wrong.csv: line 3: expected a slice, a whole number from 1, got "0"',
      'NOTES_UNREADABLE wrong.csv: line 4: expected a slice, a whole number from 1, got "x"',
      'SLICE_MISSING wrong.csv: line 2: names slice 5 of scan.nii, which has 4',
      'SLICE_MISSING wrong.csv: line 6: names slice 9 of cine.dcm, which has 4',
    ]);
    const clean = await reclmis('data', 'check', table('cases.csv', ROWS), '-q', '--json');
    expect(JSON.parse(clean.stdout)).toMatchObject({ problems: [] });
  });

  it('refuses a slice that a file beside it has the name of', async () => {
    writeFileSync(join(root, 'images', 'scan_2.nii'), readFileSync(join(root, 'images', 'scan.nii')));
    const rows = ['images/scan.nii,2,masks/scan.nii.gz,A.', 'images/scan_2.nii,,masks/scan.nii.gz,B.'];
    const source = table('twins.csv', ['image,slice,mask,note', ...rows]);
    await expect(openDataset(source, 'train')).rejects.toMatchObject({
      message: expect.stringContaining('line 3: would be called images/scan_2.nii, as line 2 is') as string,
    });
  });

  it('is converted to images and masks of each slice, whose patient stays known', async () => {
    table('cases.csv', ROWS);
    expect((await reclmis('data', 'convert', 'cases.csv', 'converted', '-q')).status).toBe(0);
    const masks = await Promise.all(['cine_1', 'scan_2', 'cine_3'].map((id) => readMask(join(root, 'converted', 'masks', `${id}.png`)))); // prettier-ignore
    expect(masks.map(({ data }) => [...data])).toEqual([stored(0), displayed(1), stored(2)]);
    const own = await readImage(join(root, 'images', 'scan.nii'), { frame: 1 });
    expect(await readImage(join(root, 'converted', 'images', 'scan_2.png'))).toEqual(own);
    const { cases } = await openDataset(join(root, 'converted'), 'train');
    expect(cases.map(({ patient }) => patient)).toEqual(['cine', 'scan', 'scan']);
  });
});

describe('a window', () => {
  it('is that of data.window for all images of a data set', async () => {
    const source = table('cases.csv', ROWS);
    const [one] = (await openDataset(source, 'val', { window: '0/10' })).cases;
    // 20 and 120: white both.
    expect([...new Set((await readSample(one!, SIDE, 'area')).image.data)]).toEqual([255]);
    const [none] = (await openDataset(source, 'val', { window: 'none' })).cases;
    expect([...new Set((await readSample(none!, SIDE, 'area')).image.data)]).toEqual([0]);
    const unknown = await reclmis(
      'data',
      'check',
      source,
      '--split',
      'val',
      '--window',
      'BONE',
      '-q',
      '--json',
    );
    const { problems } = JSON.parse(unknown.stdout) as { problems: { code: string; message: string }[] };
    expect(problems[0]?.code).toBe('IMAGE_WINDOW_UNKNOWN');
    expect(problems[0]?.message).toContain('0 ("ALL"), 1 ("NONE")');
  });
});

it('derives notes from masks as their images are displayed', async () => {
  const folder = join(root, 'lvit', 'Train_Folder');
  mkdirSync(join(folder, 'img'), { recursive: true });
  mkdirSync(join(folder, 'labelcol'));
  // Stored with the patient's left on the left, where the mask lies.
  const left = Array.from({ length: PIXELS }, (_, p) => (p % SIDE < 6 && p < 6 * SIDE ? 1 : 0));
  const image = imageFile({ width: SIDE, height: SIDE, allocated: 8, pixels: left, more: [[0x00200020, 'CS', 'R\\F']] }); // prettier-ignore
  const png = (values: readonly number[]): Promise<Uint8Array> =>
    encodePng({ width: SIDE, height: SIDE, data: Uint8Array.from(values, (one) => 255 * one) }, 1);
  writeFileSync(join(folder, 'img', 'a.dcm'), image);
  writeFileSync(join(folder, 'labelcol', 'a.png'), await png(left));
  expect((await reclmis('notes', 'lvit', '--sides', 'patient', '-o', 'derived.csv', '-q')).status).toBe(0);
  expect(readFileSync(join(root, 'derived.csv'), 'utf8')).toMatch(/upper middle left lung/u);
});

it('explains the mask that lies on a turned image, whether it is a picture or a volume', async () => {
  const png = join(root, 'mask.png');
  const data = Uint8Array.from(stored(1), (one) => 255 * one);
  writeFileSync(png, await encodePng({ width: SIDE, height: SIDE, data }, 1));
  const image = { imagePath: join(root, 'images', 'scan.nii'), frame: 1 };
  for (const path of [png, join(root, 'masks', 'scan.nii.gz')]) {
    const target = await readTarget(path, [image]);
    expect(target.kind === 'mask' && [...target.mask.data]).toEqual(displayed(1));
  }
});

const SMALL = '--preset phantom --model.baseWidth 4 --model.imageSize 32 --epochs 1 --batch 2 --threads 1 --workers 0 --train.warmupSteps 0 -q'.split(' '); // prettier-ignore

it('trains, evaluates, predicts and explains by slices, in the window of the training', async () => {
  table(
    'cases.csv',
    ROWS.filter((row) => !row.includes('scan.nii,2')),
  );
  const trained = await reclmis(
    'train',
    '--data',
    'cases.csv',
    '--data.window',
    '64/128',
    '-o',
    'run',
    ...SMALL,
  );
  expect(trained.stderr).toBe('');
  expect(trained.status).toBe(0);
  const scored = await reclmis('evaluate', 'run', '--split', 'val', '-q', '--json');
  expect((JSON.parse(scored.stdout) as { rows: { id: string }[] }).rows.map(({ id }) => id)).toEqual([
    'cine_3',
  ]);
  // In a window that shows no grey above -999, every pixel is white; the scores get a file of their own.
  const elsewhere = await reclmis('evaluate', 'run', '--split', 'val', '--window', '-1000/2', '--json');
  expect(elsewhere.stderr).toContain('shown in the window -1000/2, but the run was trained in 64/128');
  const csvOf = ({ stdout }: Finished): string => (JSON.parse(stdout) as { csv: string }).csv;
  expect(csvOf(elsewhere)).toMatch(/cases-val-[0-9a-f]{8}\.csv$/);
  expect(csvOf(scored)).toMatch(/cases-val\.csv$/);
  const same = await reclmis('evaluate', 'run', '--split', 'val', '--window', '64/128', '--json');
  expect(same.stderr).not.toContain('shown in the window');
  expect(csvOf(same)).toBe(csvOf(scored));
  const notes = table('notes.csv', ['slices,note', '2-3,"Lesion, left lung."']);
  const predicted = await reclmis('predict', 'run', '--image', 'images/scan.nii', '--notes', notes, '-o', 'masks', '-q'); // prettier-ignore
  expect(predicted.status).toBe(0);
  expect(JSON.parse(readFileSync(join(root, 'masks', 'run.json'), 'utf8'))).toMatchObject({
    settings: { window: '64/128' },
    slicesWithoutNote: [{ volume: 'scan.nii', slices: '1, 4', count: 2, of: 4 }],
  });
  const explained = await reclmis('explain', 'run', '--image', 'images/scan.nii', '--notes', notes, '-o', 'why', '--numbers', '-q', '--json'); // prettier-ignore
  expect([explained.status, (JSON.parse(explained.stdout) as { cases: number }).cases]).toEqual([0, 2]);
}, 120_000);
