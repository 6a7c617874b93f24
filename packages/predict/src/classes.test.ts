/** Prediction of classes with a fake network whose every pixel is known. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FlippingSegmenter,
  parseClasses,
  type PlaneSegmenter,
  ResultChecks,
  type RgbImage,
  type SegmentClass,
  wordReader,
  WordTokenizer,
} from '@reclmis/core';
import { readImage, readImageHeader, readLabels, readMask, writePngRgb } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseStatistics } from './case-statistics.js';
import { type PredictionCase, predictionCases } from './cases.js';
import { notesForModels } from './model-notes.js';
import { predict, type PredictionPlan, type PredictionSummary } from './predict.js';
import { BRIGHTNESS } from './testing/brightness.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-predict-classes-'));
const images = join(root, 'images');
const S = 4;
let serial = 0;
afterAll(() => rmSync(root, { recursive: true, force: true }));
const place = (): string => join(root, `out-${++serial}`);

/** By note, the probability of each column of the image. */
const COLUMNS: Readonly<Record<string, readonly number[]>> = {
  'the left': [0.875, 0.75, 0.625, 0.25],
  'the middle': [0.25, 0.75, 0.875, 0.25],
  'the right': [0, 0.25, 0.4375, 0.4375],
};

/** Answers with `COLUMNS`; counts images by note, and spoils the planes, which belong to it. */
class Columns implements PlaneSegmenter {
  readonly size = S;
  readonly asked: string[] = [];

  constructor(private readonly columns = COLUMNS) {}

  async probabilities(planes: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    await Promise.resolve();
    if (planes.some(Number.isNaN)) throw new Error('these planes were used before');
    planes.fill(Number.NaN);
    this.asked.push(`${notes.length} x ${notes[0] ?? ''}`);
    return Float32Array.from({ length: notes.length * S * S }, (_, i) => {
      return this.columns[notes[Math.floor(i / (S * S))] ?? '']?.[i % S] ?? 0;
    });
  }
}

const CLASSES = parseClasses({
  left: 'the left',
  Middle: { note: 'the middle', label: 7 },
  'right part': { note: 'the right', label: 200, threshold: 0.375 },
});

/** Column 1 is a tie of left and middle: the first wins. The right's claim of column 2 is weaker. */
const LABELS = [1, 1, 7, 200];

function grey(width: number, height: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(128) };
}

const cases = (spacing: [number, number] | null = null, image = images): Promise<PredictionCase[]> =>
  predictionCases({ image, out: join(root, 'elsewhere'), required: false, spacing });

async function run(plan: Partial<PredictionPlan> & Pick<PredictionPlan, 'out'>): Promise<PredictionSummary> {
  const { segmenter = new Columns(), classes = CLASSES } = plan;
  return predict({ segmenter, model: BRIGHTNESS, cases: await cases(), ...plan, classes });
}

interface Statistics {
  readonly classes: object[];
  readonly cases: CaseStatistics[];
  readonly summary: { readonly classes: object[] };
}
const statisticsOf = (out: string): Statistics =>
  JSON.parse(readFileSync(join(out, 'statistics.json'), 'utf8')) as Statistics;

const row = (values: ArrayLike<number>): number[] => Array.from(values).slice(0, S);

beforeAll(async () => {
  mkdirSync(images);
  await writePngRgb(join(images, 'a.png'), grey(S, S));
  await writePngRgb(join(images, 'b.png'), grey(2 * S, 3));
});

describe('classes', () => {
  it('give a labelled mask, where the greatest probability wins, and the mask of each', async () => {
    const out = place();
    const segmenter = new Columns();
    const summary = await run({ out, segmenter });
    expect(summary).toMatchObject({ status: 'finished', counts: { done: 2, failed: 0 } });
    expect(segmenter.asked).toEqual(['2 x the left', '2 x the middle', '2 x the right']);
    const files = ['labels.png', 'mask-left.png', 'mask-middle.png', 'mask-right-part.png', 'overview.png'];
    expect(readdirSync(out).sort()).toEqual(
      [
        ...['a', 'b'].flatMap((id) => files.map((name) => `${id}_${name}`)),
        ...['cases.jsonl', 'run.json', 'statistics.csv', 'statistics.json'],
      ].sort(),
    );
    const path = join(out, 'a_labels.png');
    expect(await readImageHeader(path)).toMatchObject({ width: S, height: S, bits: 8, grey: true });
    const { data } = await readLabels(path);
    for (let y = 0; y < S; y++) expect(row(data.subarray(y * S))).toEqual(LABELS);
    for (const [name, label] of [
      ['left', 1],
      ['middle', 7],
      ['right-part', 200],
    ] as const)
      // prettier-ignore
      expect(row((await readMask(join(out, `a_mask-${name}.png`))).data)).toEqual(
        LABELS.map((one) => Number(one === label)),
      );
    expect(await readImageHeader(join(out, 'b_labels.png'))).toMatchObject({ width: 2 * S, height: 3 });
  });

  it('are measured by case in statistics.json and statistics.csv, without notes', async () => {
    const out = place();
    const summary = await run({ out, cases: await cases([0.5, 2]) });
    expect(summary.statistics).toEqual([join(out, 'statistics.json'), join(out, 'statistics.csv')]);
    const { classes, cases: measured, summary: whole } = statisticsOf(out);
    expect(classes).toEqual([
      { name: 'left', label: 1, colour: '#e69f00', threshold: null },
      { name: 'Middle', label: 7, colour: '#56b4e9', threshold: null },
      { name: 'right part', label: 200, colour: '#009e73', threshold: 0.375 },
    ]);
    expect(measured[0]).toMatchObject({ id: 'a', area: 16, share: 1, componentCount: 1 });
    expect(measured[0]?.classes).toMatchObject([
      { name: 'left', label: 1, area: 8, areaMm2: 8, share: 0.5, claimed: 12, componentCount: 1, components: [{ area: 8, box: [0, 0, 2, 4] }] }, // prettier-ignore
      { name: 'Middle', label: 7, area: 4, areaMm2: 4, share: 0.25, claimed: 8 },
      { name: 'right part', label: 200, area: 4, areaMm2: 4, share: 0.25, claimed: 8 },
    ]);
    expect(whole.classes[0]).toMatchObject({ name: 'left', cases: 2 });
    const lines = readFileSync(join(out, 'statistics.csv'), 'utf8').split('\r\n');
    expect(lines.slice(0, 4)).toEqual([
      'id,class,label,colour,threshold,area,areaMm2,share,claimed,components',
      'a,left,1,#e69f00,0.5,8,8,0.5,12,1',
      'a,Middle,7,#56b4e9,0.5,4,4,0.25,8,1',
      'a,right part,200,#009e73,0.375,4,4,0.25,8,1',
    ]);
    expect(lines).toHaveLength(8);
    const record = JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')) as Record<string, unknown>;
    expect(record['classes']).toEqual(classes);
    for (const name of ['run.json', 'cases.jsonl', 'statistics.json', 'statistics.csv'])
      expect(readFileSync(join(out, name), 'utf8')).not.toContain('the left');
  });

  it('have probabilities and outlines of their own where asked for, and no overview where not', async () => {
    const out = place();
    await run({ out, outputs: { overlay: false, probability: 'npy', contours: true } });
    expect(
      readdirSync(out)
        .filter((name) => name.startsWith('a_'))
        .sort(),
    ).toEqual([
      ...['left', 'middle', 'right-part'].map((name) => `a_contours-${name}.geojson`),
      'a_labels.png',
      ...['left', 'middle', 'right-part'].map((name) => `a_mask-${name}.png`),
      ...['left', 'middle', 'right-part'].map((name) => `a_probability-${name}.npy`),
    ]);
    const bytes = readFileSync(join(out, 'a_probability-middle.npy'));
    const values = new Float32Array(new Uint8Array(bytes.subarray(-4 * S * S)).buffer);
    expect(row(values)).toEqual([0.25, 0.75, 0.875, 0.25]);
  });

  it('are averaged over models and flips before they are compared', async () => {
    const out = place();
    const other = new Columns({ ...COLUMNS, 'the middle': [0.25, 1, 0.375, 0.25] });
    await run({ out, segmenter: [new Columns(), other] });
    // Middle: 0.25, 0.875, 0.625 (a tie with the left), 0.25.
    expect(row((await readLabels(join(out, 'a_labels.png'))).data)).toEqual([1, 7, 1, 200]);
    const flipped = place();
    const mirrored = notesForModels([]);
    expect(mirrored.identity).toBe('');
    const single = parseClasses({ all: 'the middle' });
    await run({ out: flipped, segmenter: new FlippingSegmenter(new Columns()), classes: single });
    // Means with the mirrored columns: 0.25, 0.8125, 0.8125, 0.25.
    expect(row((await readLabels(join(flipped, 'a_labels.png'))).data)).toEqual([0, 1, 1, 0]);
  });

  it('draw an overview: the image, the classes in their colours, and the legend below', async () => {
    const out = place();
    await run({ out, classes: CLASSES });
    const { width, height, data } = await readImage(join(out, 'a_overview.png'));
    expect(width).toBe(12 + 320 + 8 + 320 + 12);
    expect(height).toBeGreaterThan(12 + 320 + 12);
    const at = (x: number, y: number): number[] => [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]; // prettier-ignore
    expect(at(100, 100)).toEqual([128, 128, 128]);
    // Each of the image's pixels is 80 wide; the contour is a pixel of the image, so the borders are opaque.
    expect([340, 500, 580].map((x) => at(x + 10, 20))).toEqual([[230, 159, 0], [86, 180, 233], [0, 158, 115]]); // prettier-ignore
    // The first swatch.
    expect(at(12 + 4, 12 + 320 + 12 + 4)).toEqual([230, 159, 0]);
    expect(at(0, height - 1)).toEqual([255, 255, 255]);
  });

  it('warn by the name of the class', async () => {
    const out = place();
    const checks = [new ResultChecks(wordReader(WordTokenizer.fromNotes(['the left middle']), 24))];
    const { warnings } = await run({ out, checks });
    expect(warnings.NOTE_WORDS_UNKNOWN).toEqual({
      cases: 2,
      first: ['a', 'b'],
      example: 'right part: 1 of 2 words is unknown to the model: "right"',
    });
  });

  it('name the class for which the model gave no probabilities', async () => {
    const out = place();
    const broken = new Columns({ ...COLUMNS, 'the middle': [0.5, 2, 0, 0] });
    const { failures } = await run({ out, segmenter: broken });
    expect(failures[0]?.error).toEqual({
      code: 'CHECKPOINT_CORRUPT',
      message: `${join(images, 'a.png')}: the model gave a probability of 2, expected 0 to 1 for the class Middle`,
    });
    expect(readdirSync(out).filter((name) => name.startsWith('a_'))).toEqual([]);
  });

  it('refuse notes that the models read alike', async () => {
    const notes = notesForModels([
      { dir: 'm', readsNotes: true, habits: { sides: 'patient', grammar: 'lvit' } },
    ]);
    const classes = parseClasses({
      one: 'Unilateral pulmonary infection, one infected area, upper left lung.',
      two: 'One opacity, LUL',
    });
    await expect(run({ out: place(), classes, notes })).rejects.toMatchObject({
      code: 'CLASSES_INVALID',
      message: 'the notes of one and two are the same in the words that the model has learnt',
    });
  });
});

describe('resuming classes', () => {
  it('skips what is complete, and redoes a missing mask of one class', async () => {
    const out = place();
    await run({ out });
    const whole = readFileSync(join(out, 'statistics.csv'));
    expect((await run({ out, beginning: 'resume' })).counts).toMatchObject({ done: 0, skipped: 2 });
    rmSync(join(out, 'b_mask-middle.png'));
    expect((await run({ out, beginning: 'resume' })).counts).toMatchObject({ done: 1, skipped: 1 });
    expect(readFileSync(join(out, 'statistics.csv'))).toEqual(whole);
  });

  it('refuses other classes, and the same in another order; --overwrite leaves nothing of them', async () => {
    const out = place();
    await run({ out });
    const others: readonly (readonly SegmentClass[] | undefined)[] = [
      CLASSES.slice(0, 2),
      [...CLASSES].reverse(),
      CLASSES.map((one) => ({ ...one, note: `${one.note}.` })),
    ];
    for (const classes of others)
      await expect(run({ out, beginning: 'resume', ...(classes && { classes }) })).rejects.toMatchObject({
        code: 'OUTPUT_EXISTS',
        message: expect.stringMatching(/, \d classes \([\da-f]{8}\)/u) as unknown,
      });
    await run({ out, beginning: 'overwrite', classes: parseClasses({ whole: 'the left' }) });
    expect(
      readdirSync(out)
        .filter((name) => name.startsWith('a_'))
        .sort(),
    ).toEqual(['a_labels.png', 'a_mask-whole.png', 'a_overview.png']);
  });

  it('shares them among parts, with one table in the end', async () => {
    const whole = place();
    await run({ out: whole });
    const out = place();
    await run({ out, part: { index: 2, of: 2 } });
    expect(readdirSync(out)).toContain('statistics.2-of-2.csv');
    await run({ out, part: { index: 1, of: 2 } });
    for (const name of ['statistics.csv', 'statistics.json'])
      expect(readFileSync(join(out, name))).toEqual(readFileSync(join(whole, name)));
  });

  it('never writes over an image that is called as a result would be', async () => {
    const dir = join(root, 'named');
    mkdirSync(join(dir, 'in'), { recursive: true });
    await writePngRgb(join(dir, 'in', 'a.png'), grey(S, S));
    await writePngRgb(join(dir, 'a_mask-left.png'), grey(S, S));
    const all = await predictionCases({ image: `${dir}/**/*.png`, out: join(dir, 'x'), required: false });
    const own = all.map((one) => ({ ...one, id: one.id.replace('in/', '') }));
    await expect(run({ out: dir, cases: own })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  });
});
