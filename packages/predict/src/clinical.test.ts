/** Prediction of DICOM and NIfTI with a fake network whose every pixel is known: the mask must lie where the file's pixels are bright. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  readDicom,
  readFileHead,
  readNifti,
  readSeg,
  segLabelMaps,
  SR_STORAGE,
  type SegSource,
} from '@reclmis/clinical';
import { imageFile, niftiFile, type TestImage } from '@reclmis/clinical/testing';
import { ResultChecks, wordReader, WordTokenizer } from '@reclmis/core';
import { readImage, readMask } from '@reclmis/files';
import { afterAll, describe, expect, it } from 'vitest';
import { type CaseSource, predictionCases } from './cases.js';
import type { CaseStatistics } from './case-statistics.js';
import { notesForModels } from './model-notes.js';
import { predict, type PredictionPlan, type PredictionSummary } from './predict.js';
import { BRIGHTNESS, Brightness } from './testing/brightness.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-clinical-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const WIDTH = 6;
const HEIGHT = 4;
/** Bright in the upper left corner, three columns and two rows: no turn leaves it in place. */
const CORNER = Array.from({ length: WIDTH * HEIGHT }, (_, p) => (p % WIDTH < 3 && p < 2 * WIDTH ? 1000 : 0));
const CORNER_MASK = CORNER.map((value) => (value > 0 ? 1 : 0));

const projection = (patient: string | null, more: NonNullable<TestImage['more']> = []): Uint8Array =>
  imageFile({
    width: WIDTH,
    height: HEIGHT,
    pixels: CORNER,
    more: [
      [0x00281050, 'DS', '500'],
      [0x00281051, 'DS', '1000'],
      [0x00181164, 'DS', '0.5\\0.25'], // rows are 0.5 mm apart, columns 0.25 mm
      ...(patient === null ? [] : ([[0x00200020, 'CS', patient]] as const)),
      ...more,
    ],
  });

let serial = 0;
function folderOf(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = join(root, `in-${++serial}`);
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

interface Result {
  readonly out: string;
  readonly summary: PredictionSummary;
  readonly cases: readonly CaseStatistics[];
}

async function segment(
  image: string,
  plan: Partial<PredictionPlan> = {},
  source: Partial<CaseSource> = {},
): Promise<Result> {
  const out = plan.out ?? join(root, `out-${serial}`);
  const cases = await predictionCases({ image, out, note: 'bright', ...source });
  const summary = await predict({ segmenter: new Brightness(), model: BRIGHTNESS, ...plan, cases, out });
  const { cases: statistics } = JSON.parse(readFileSync(join(out, 'statistics.json'), 'utf8')) as Result;
  return { out, summary, cases: statistics };
}

const maskOf = async ({ out }: Result, id: string): Promise<number[]> => [
  ...(await readMask(join(out, `${id}_mask.png`))).data,
];

describe('DICOM', () => {
  it.each([
    ['L\\F', 'upright'],
    ['R\\F', 'mirrored'],
    ['R\\H', 'upside down'],
    ['L\\H', 'flipped'],
    ['F\\L', 'transposed'],
    ['F\\R', 'a quarter'],
    ['H\\L', 'three quarters'],
    ['H\\R', 'transposed the other way'],
    [null, 'without an orientation'],
  ])(
    'puts the mask over the bright pixels as stored: %s, %s',
    async (patient: string | null, _turn: string) => {
      const result = await segment(folderOf({ 'a.dcm': projection(patient) }));
      expect(result.summary.counts).toMatchObject({ cases: 1, done: 1, failed: 0 });
      const [one] = result.cases;
      expect(await maskOf(result, 'a')).toEqual(CORNER_MASK);
      // 6 pixels of 0.25 x 0.5 mm at the detector
      expect(one).toMatchObject({
        width: 6,
        height: 4,
        area: 6,
        spacing: [0.25, 0.5],
        spacingAt: 'detector',
      });
      expect(one?.areaMm2).toBeCloseTo(0.75, 6);
      expect(one?.components[0]?.box).toEqual([0, 0, 3, 2]);
      expect(one?.warnings?.map(({ code }) => code)).toEqual(patient === null ? ['ORIENTATION_UNKNOWN'] : []);
    },
  );

  it('shows overlays and zones as the patient is displayed', async () => {
    const result = await segment(folderOf({ 'a.dcm': projection('R\\F') }));
    const overlay = await readImage(join(result.out, 'a_overlay.png'));
    const isLit = (x: number, y: number): boolean => overlay.data[(y * WIDTH + x) * 3]! > 0;
    expect([isLit(0, 0), isLit(5, 0), isLit(5, 3)]).toEqual([false, true, false]);
    // The patient's left is on the right of the display.
    const upper = result.cases[0]?.zones.filter(({ area }) => area > 0);
    expect(new Set(upper?.map(({ side }) => side))).toEqual(new Set(['left']));
  });

  it('finds DICOM files by content, whatever they are called, and resumes', async () => {
    const folder = folderOf({
      'b.dcm': projection('L\\F'),
      '1.2.840.1': projection('L\\F'),
      IM000001: projection('R\\F'),
      DICOMDIR: projection('L\\F'),
      'notes.txt': new TextEncoder().encode('left'),
    });
    const first = await segment(folder);
    expect(first.cases.map(({ id }) => id)).toEqual(['1.2.840.1', 'IM000001', 'b']);
    const again = await segment(folder, { out: first.out, beginning: 'resume' });
    expect(again.summary.counts).toMatchObject({ done: 0, skipped: 3 });
  });

  it('takes a given pixel size before the file’s', async () => {
    const result = await segment(folderOf({ 'a.dcm': projection('L\\F') }), {}, { spacing: [2, 2] });
    expect(result.cases[0]).toMatchObject({ spacing: [2, 2], areaMm2: 24 });
    expect(result.cases[0]?.spacingAt).toBeUndefined();
  });

  it('shows images in the window asked for, and mixes no results of two windows', async () => {
    const folder = folderOf({ 'a.dcm': projection('L\\F') });
    // Pixels are 0 and 1000: all white above a window of 0 to 1, all black below one of 2000 to 2001.
    const low = await segment(folder, {}, { window: { centre: -50, width: 10 } });
    expect(await maskOf(low, 'a')).toEqual(CORNER.map(() => 1));
    const high = await segment(folder, { out: join(root, 'high') }, { window: { centre: 3000, width: 10 } });
    expect(await maskOf(high, 'a')).toEqual(CORNER.map(() => 0));
    await expect(segment(folder, { out: low.out, beginning: 'resume' })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
    });
    const none = await segment(folder, { out: join(root, 'none') }, { window: 'LUNG' });
    expect(none.summary.failures).toMatchObject([
      {
        id: 'a',
        error: { code: 'IMAGE_WINDOW_UNKNOWN', message: expect.stringContaining('windows 0,') as string },
      },
    ]);
  });

  it('shows a file without a window alike alone and in its series', async () => {
    // The second is ten times as bright: percentiles of both would leave the first dark.
    const dim = (factor: number, n: number): Uint8Array =>
      imageFile({
        ...{ width: 6, height: 4, modality: 'CT', pixels: CORNER_MASK.map((on) => factor * (10 + 90 * on)) },
        more: [[0x00080018, 'UI', `1.2.3.4.5.${n}`]],
      });
    const both = await segment(folderOf({ 'a.dcm': dim(1, 1), 'b.dcm': dim(10, 2) }));
    expect(await maskOf(both, 'a')).toEqual(CORNER_MASK);
    expect(await maskOf(both, 'b')).toEqual(CORNER_MASK);
    const alone = await segment(folderOf({ 'a.dcm': dim(1, 1) }));
    expect(await maskOf(alone, 'a')).toEqual(CORNER_MASK);
  });

  it('segments each frame', async () => {
    const pixels = [...CORNER, ...CORNER.toReversed()];
    const bytes = imageFile({ width: WIDTH, height: HEIGHT, frames: 2, pixels });
    const result = await segment(folderOf({ 'cine.dcm': bytes }));
    expect(result.cases.map(({ id, frame }) => [id, frame])).toEqual([
      ['cine_1', 0],
      ['cine_2', 1],
    ]);
    expect(await maskOf(result, 'cine_1')).toEqual(CORNER_MASK);
    expect(await maskOf(result, 'cine_2')).toEqual(CORNER_MASK.toReversed());
  });

  it('records a damaged file and goes on', async () => {
    const whole = projection('L\\F');
    const result = await segment(folderOf({ 'a.dcm': whole.subarray(0, whole.length - 10), 'b.dcm': whole }));
    expect(result.summary.counts).toMatchObject({ done: 1, failed: 1 });
    expect(result.summary.failures[0]).toMatchObject({ id: 'a', error: { code: 'IMAGE_UNREADABLE' } });
    const written = readdirSync(result.out)
      .map((name) => readFileSync(join(result.out, name), 'latin1'))
      .join();
    expect(written).not.toMatch(/PLANTED/u); // the patient's name and ID
  });

  it('warns of a note about the side that the file does not show', async () => {
    const words = WordTokenizer.fromNotes(['upper right left lung']);
    const checks = [new ResultChecks({ ...wordReader(words, 8), sides: 'patient' })];
    const notes = notesForModels([
      { dir: 'run', readsNotes: true, habits: { sides: 'patient', grammar: 'other' } },
    ]);
    const codes = async (laterality: string): Promise<string[]> => {
      const file = projection('L\\F', [[0x00200062, 'CS', laterality]]);
      const { cases } = await segment(
        folderOf({ 'a.dcm': file }),
        { checks, notes },
        { note: 'upper right lung' },
      );
      return (cases[0]?.warnings ?? []).map(({ code }) => code);
    };
    expect(await codes('L')).toContain('LATERALITY_DIFFERS');
    expect(await codes('R')).not.toContain('LATERALITY_DIFFERS');
  });
});

describe('NIfTI', () => {
  it('segments each slice as stored, in millimetres', async () => {
    // Columns run to the right of the patient, rows to the front: turned upside down for display.
    const voxels = Uint8Array.from([...CORNER_MASK, ...CORNER_MASK.toReversed()], (value) => 200 * value);
    const bytes = niftiFile({
      dims: [3, WIDTH, HEIGHT, 2],
      voxels,
      pixdim: [1, 2, 3, 5],
      sform: [2, 0, 0, 0, 0, 3, 0, 0, 0, 0, 5, 0],
    });
    const result = await segment(folderOf({ 'scan.nii': bytes }));
    expect(result.cases.map(({ id }) => id)).toEqual(['scan_1', 'scan_2']);
    expect(await maskOf(result, 'scan_1')).toEqual(CORNER_MASK);
    expect(await maskOf(result, 'scan_2')).toEqual(CORNER_MASK.toReversed());
    expect(result.cases[0]).toMatchObject({ spacing: [2, 3], areaMm2: 36, spacingAt: 'patient' });
  });
});

describe('files of a series', () => {
  /** An axial slice at z mm, whose first `z / 5` columns are bright. */
  const slice = (z: number): Uint8Array =>
    imageFile({
      width: WIDTH,
      height: HEIGHT,
      modality: 'CT',
      pixels: CORNER.map((_, p) => (p % WIDTH < z / 5 ? 1000 : 0)),
      more: [
        [0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.2'],
        [0x00080018, 'UI', `1.2.3.4.5.${z}`],
        [0x00200032, 'DS', `-10\\20\\${z}`],
        [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
        [0x00200052, 'UI', '1.2.3.4.9'],
        [0x00280030, 'DS', '2\\1'],
        [0x00281050, 'DS', '500'],
        [0x00281051, 'DS', '1000'],
      ],
    });
  /** Eight digits of the SHA-256 of the series' UID, 1.2.3.4.2. */
  const NAME = 'series-0b04b64f';
  /** Names in another order than the slices. */
  const SLICES = { 'c.dcm': slice(5), 'a.dcm': slice(15), 'b.dcm': slice(10) };
  const bright = (columns: number): number[] => CORNER.map((_, p) => (p % WIDTH < columns ? 1 : 0));

  it('is a SEG of all slices, on the images that they were drawn on', async () => {
    const { out, summary } = await segment(folderOf(SLICES), { formats: ['seg'] });
    expect(summary.series).toEqual([{ files: [`${NAME}_seg.dcm`], slices: 3, missing: 0, left: [] }]);
    const seg = readSeg(new Uint8Array(readFileSync(join(out, `${NAME}_seg.dcm`))));
    expect(seg.segments.map(({ label }) => label)).toEqual(['Described region']);
    const sources = await Promise.all(
      Object.values(SLICES).map(async (bytes): Promise<SegSource> => {
        const image = await readDicom(bytes);
        return { source: image.source, frame: 0, frames: image.frames, geometry: image.geometryOf(0) };
      }),
    );
    const maps = segLabelMaps(seg, sources, { width: WIDTH, height: HEIGHT });
    expect(maps.map(({ data }) => [...data])).toEqual([bright(1), bright(3), bright(2)]);
    // From the feet upwards, whatever the files are called.
    expect(seg.frames.map(({ plane }) => plane?.position[2])).toEqual([5, 10, 15]);
  });

  it('is a volume on the series’ grid', async () => {
    const { out } = await segment(folderOf(SLICES), { formats: ['nifti', 'nrrd', 'measures'] });
    const volume = await readNifti(new Uint8Array(readFileSync(join(out, `${NAME}_seg.nii.gz`))));
    expect(volume.size).toEqual([WIDTH, HEIGHT, 3]);
    // x and y turn round between DICOM's and NIfTI's coordinates.
    expect(volume.affine.map((value) => value + 0)).toEqual([
      -1, 0, 0, 10, 0, -2, 0, -20, 0, 0, 5, 5, 0, 0, 0, 1,
    ]);
    expect([0, 1, 2].map((z) => [...(volume.valuesOf(z) ?? [])])).toEqual([bright(1), bright(2), bright(3)]);
    const header = readFileSync(join(out, `${NAME}.seg.nrrd`), 'latin1').split('\n\n')[0] ?? '';
    expect(header).toContain('sizes: 6 4 3');
    expect(header).toContain('space origin: (-10,20,5)');
    const measures = JSON.parse(readFileSync(join(out, `${NAME}_measures.json`), 'utf8')) as {
      segments: { volumeMl: number; frames: { areaMm2: number }[] }[];
    };
    // 4 rows of 1 + 2 + 3 pixels of 1 x 2 mm, 5 mm thick
    expect(measures.segments[0]?.volumeMl).toBeCloseTo((4 * 6 * 2 * 5) / 1000, 9);
    expect(measures.segments[0]?.frames.map(({ areaMm2 }) => areaMm2).sort()).toEqual([16, 24, 8]);
  });

  it('holds probabilities, if they are asked for', async () => {
    const outputs = { overlay: false, probability: 'png16', contours: false } as const;
    const { out } = await segment(folderOf({ 'a.dcm': slice(15) }), { formats: ['seg-fractional'], outputs });
    const seg = readSeg(new Uint8Array(readFileSync(join(out, 'a_seg-fractional.dcm'))));
    expect(seg.kind).toBe('fractional');
    const { data } = seg.pixels(0);
    expect([data[0], data[5]]).toEqual([255, 0]);
    await expect(
      segment(folderOf({ 'a.dcm': slice(15) }), { formats: ['seg-fractional'] }),
    ).rejects.toMatchObject({ code: 'OPTION_INVALID' });
  });

  it('leaves out slices that failed, and formats that cannot show it', async () => {
    const damaged = { ...SLICES, 'b.dcm': slice(10).subarray(0, slice(10).length - 8) };
    const first = await segment(folderOf(damaged), { formats: ['seg', 'nifti'] });
    // Its header cannot be read either, so where it belongs is not known.
    expect(first.summary.series).toEqual([
      {
        files: [`${NAME}_seg.dcm`],
        ...{ slices: 2, missing: 1 },
        left: [expect.stringMatching(/_seg\.nii\.gz: 1 of 3 slices failed/u)],
      },
    ]);
  });

  it('says in measures that slices failed, whatever their place', async () => {
    const damaged = { ...SLICES, 'a.dcm': slice(15).subarray(0, slice(15).length - 8) };
    const { out } = await segment(folderOf(damaged), { formats: ['measures'] });
    const { remarks } = JSON.parse(readFileSync(join(out, `${NAME}_measures.json`), 'utf8')) as {
      remarks: string[];
    };
    expect(remarks).toEqual([expect.stringMatching(/^A slice failed/u)]);
  });

  it('leaves no file of an earlier run where it leaves one out', async () => {
    const folder = folderOf(SLICES);
    const first = await segment(folder, { formats: ['seg', 'nifti'] });
    expect(readdirSync(first.out)).toContain(`${NAME}_seg.nii.gz`);
    writeFileSync(join(folder, 'a.dcm'), slice(15).subarray(0, slice(15).length - 8));
    await segment(folder, { formats: ['seg', 'nifti'], out: first.out, beginning: 'resume' });
    const names = readdirSync(first.out);
    expect([names.includes(`${NAME}_seg.dcm`), names.includes(`${NAME}_seg.nii.gz`)]).toEqual([true, false]);
  });

  it('is left out for slices without UIDs or at one place, naming the reason', async () => {
    const twice = { 'a.dcm': slice(5), 'b.dcm': slice(5) };
    const { summary } = await segment(folderOf(twice), { formats: ['seg', 'nifti'] });
    expect(summary.series?.[0]?.files).toEqual([]);
    expect(summary.series?.[0]?.left).toHaveLength(2);
  });

  it('reports a SEG, with what is missing, and nothing without a binary one', async () => {
    const { out, summary } = await segment(folderOf(SLICES), { formats: ['seg', 'sr'] });
    const [segFile = '', srFile = ''] = summary.series?.[0]?.files ?? [];
    expect([segFile, srFile]).toEqual([expect.stringMatching(/_seg\.dcm$/u), segFile.replace('_seg', '_sr')]);
    const report = readFileSync(join(out, srFile));
    const seg = readFileHead(readFileSync(join(out, segFile)))!;
    expect(readFileHead(report)?.sopClass).toBe(SR_STORAGE);
    for (const held of [seg.sopInstance, 'Described region', 'Volume'])
      expect(report.includes(held)).toBe(true);
    expect(report.includes('failed and')).toBe(false);
    const damaged = { ...SLICES, 'a.dcm': slice(15).subarray(0, slice(15).length - 8) };
    const part = await segment(folderOf(damaged), { formats: ['seg', 'sr'] });
    expect(readFileSync(join(part.out, srFile)).includes('A slice failed and counts as empty')).toBe(true);
    const twice = await segment(folderOf({ 'a.dcm': slice(5), 'b.dcm': slice(5) }), {
      formats: ['seg', 'sr'],
    });
    expect(twice.summary.series?.[0]?.left[1]).toBe(`${srFile}: a report refers to a binary SEG, and there is none`); // prettier-ignore
  });

  it('says which viewers misread masks of bits of this size', async () => {
    const odd = (z: number): Uint8Array =>
      imageFile({
        ...{ width: 3, height: 3, pixels: [1000, 0, 0, 0, 0, 0, 0, 0, 0], modality: 'CT' },
        more: [
          [0x00080018, 'UI', `1.2.3.4.5.${z}`],
          [0x00200032, 'DS', `0\\0\\${z}`],
          [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
          [0x00200052, 'UI', '1.2.3.4.9'],
          [0x00280030, 'DS', '1\\1'],
        ],
      });
    const { summary } = await segment(folderOf({ 'a.dcm': odd(1), 'b.dcm': odd(2) }), { formats: ['seg'] });
    expect(summary.series?.[0]?.advice).toEqual([
      expect.stringContaining('_seg.dcm: 3 x 3 is no multiple of 8 pixels'),
    ]);
  });

  it('keeps classes apart', async () => {
    const classes = [
      { name: 'Light', note: 'bright', label: 1, colour: [255, 0, 0], threshold: null },
      { name: 'Dark', note: 'dark', label: 4, colour: [0, 0, 255], threshold: null },
    ] as const;
    const { out } = await segment(folderOf(SLICES), { formats: ['seg', 'nifti'], classes });
    const seg = readSeg(new Uint8Array(readFileSync(join(out, `${NAME}_seg.dcm`))));
    expect(seg.segments.map(({ label }) => label)).toEqual(['Light', 'Dark']);
    expect(seg.frames).toHaveLength(6);
    const volume = await readNifti(new Uint8Array(readFileSync(join(out, `${NAME}_seg.nii.gz`))));
    expect([...(volume.valuesOf(0) ?? [])]).toEqual(bright(1).map((one) => (one ? 1 : 4)));
  });

  it('is the same from masks in memory and from those of an earlier run', async () => {
    const classes = [
      { name: 'Light', note: 'bright', label: 1, colour: [255, 0, 0], threshold: null },
      { name: 'Dark', note: 'dark', label: 4, colour: [0, 0, 255], threshold: null },
    ] as const;
    const framesOf = (out: string): unknown => {
      const seg = readSeg(new Uint8Array(readFileSync(join(out, `${NAME}_seg.dcm`))));
      return seg.frames.map(({ plane, segment }, i) => ({ plane, segment, pixels: [...seg.pixels(i).data] }));
    };
    const folder = folderOf(SLICES);
    for (const plan of [{ formats: ['seg'] }, { formats: ['seg'], classes }] as const) {
      const out = join(root, `kept-${++serial}`);
      await segment(folder, { ...plan, out });
      const first = framesOf(out);
      // nothing is left to do, so masks and images are read from their files
      const { summary } = await segment(folder, { ...plan, out, beginning: 'resume' });
      expect(summary.counts).toMatchObject({ done: 0, skipped: 3 });
      expect(framesOf(out)).toEqual(first);
    }
  });

  it('is called the same whatever is added to the folder, and by no UID', async () => {
    const folder = folderOf(SLICES);
    const first = await segment(folder, { formats: ['seg'] });
    const other = imageFile({
      ...{ width: WIDTH, height: HEIGHT, modality: 'CT', pixels: CORNER },
      more: [
        [0x00080018, 'UI', '1.2.3.4.6.1'],
        [0x0020000e, 'UI', '1.2.3.4.1'],
      ],
    });
    writeFileSync(join(folder, '0.dcm'), other);
    writeFileSync(join(folder, '00.dcm'), other);
    const again = await segment(folder, { formats: ['seg'], out: join(root, 'again') });
    const files = again.summary.series?.flatMap((one) => one.files);
    expect(first.summary.series?.[0]?.files).toEqual([`${NAME}_seg.dcm`]);
    expect(files).toContain(`${NAME}_seg.dcm`);
    expect(readdirSync(again.out).join()).not.toContain('1.2.3.4');
  });

  it('is each file by itself where files state no series, and says so', async () => {
    const alone = (z: string): Uint8Array =>
      imageFile({ width: WIDTH, height: HEIGHT, pixels: CORNER, more: [[0x0020000e, 'UI', ''], [0x00080018, 'UI', z]] }); // prettier-ignore
    const files = { 'a.dcm': alone('1.2.1'), 'b.dcm': alone('1.2.2') };
    const { summary } = await segment(folderOf(files), { formats: ['measures'] });
    expect(summary.series?.map(({ files: [first], advice }) => [first, advice])).toEqual([
      ['a_measures.json', ['a: the file states no series, so its results are by themselves']],
      ['b_measures.json', ['b: the file states no series, so its results are by themselves']],
    ]);
  });

  it('is measured in the pixel size asked for, by the numbers of its slices', async () => {
    const numbered = (z: number, number: string): Uint8Array =>
      imageFile({
        ...{ width: WIDTH, height: HEIGHT, modality: 'CT' },
        pixels: CORNER.map((_, p) => (p % WIDTH < z / 5 ? 1000 : 0)),
        more: [
          [0x00080018, 'UI', `1.2.3.4.5.${z}`],
          [0x00200013, 'IS', number],
          [0x00200032, 'DS', `-10\\20\\${z}`],
          [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
          [0x00280030, 'DS', '2\\1'],
          [0x00281050, 'DS', '500'],
          [0x00281051, 'DS', '1000'],
        ],
      });
    const files = { 'a.dcm': numbered(15, '30'), 'b.dcm': numbered(5, '10'), 'c.dcm': numbered(10, '20') };
    const { out } = await segment(folderOf(files), { formats: ['measures'] }, { spacing: [3, 2] });
    const measures = JSON.parse(readFileSync(join(out, `${NAME}_measures.json`), 'utf8')) as {
      pixel: { width: number; height: number };
      segments: { volumeMl: number; frames: { frame: number; pixels: number; areaMm2: number }[] }[];
    };
    expect(measures.pixel).toMatchObject({ width: 3, height: 2 });
    // 4 rows of 1, 2 and 3 pixels, from the first Instance Number on.
    expect(
      measures.segments[0]?.frames.map(({ frame, pixels, areaMm2 }) => [frame, pixels, areaMm2]),
    ).toEqual([
      [1, 4, 24],
      [2, 8, 48],
      [3, 12, 72],
    ]);
    expect(measures.segments[0]?.volumeMl).toBeCloseTo((24 * 6 * 5) / 1000, 9);
  });

  it('replaces no file of others', async () => {
    const out = join(root, 'theirs');
    mkdirSync(out);
    writeFileSync(join(out, `${NAME}_seg.dcm`), 'mine');
    await expect(segment(folderOf(SLICES), { formats: ['seg'], out })).rejects.toMatchObject({
      code: 'OUTPUT_EXISTS',
    });
    expect(readFileSync(join(out, `${NAME}_seg.dcm`), 'utf8')).toBe('mine');
  });
});
