import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COLOURS, type Mask, type RgbImage } from '@reclmis/core';
import { readImageHeader } from '@reclmis/files';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset, markup } from '@reclmis/data';
import { makeTinyRun } from '../testing/tiny-run.js';
import { collectReport, type RunReport } from './collect.js';
import { compareEvaluations } from './compare.js';
import { drawExample } from './examples.js';
import { overlapOf, overlapWarnings } from './overlap.js';
import { writeEvaluationReport } from './report.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-report-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let run = '';
let report: RunReport;
beforeAll(async () => {
  run = await makeTinyRun(root, { 'train.epochs': 12, 'train.lr': 1e-2 }); // long enough to predict something
  report = await collectReport(run, { spacing: [0.5, 0.25], resamples: 200 });
});

describe('collectReport', () => {
  it('measures what evaluation measures, and distances, patients and probabilities besides', () => {
    const { evaluation, figures, fit, overlap, warnings, examples } = report;
    expect(evaluation.rows).toHaveLength(4);
    expect(figures.find(({ key }) => key === 'dice')?.value).toBeCloseTo(evaluation.summary.mean.dice, 12);
    expect(figures.find(({ key }) => key === 'pooledIou')?.value).toBeCloseTo(
      evaluation.summary.pooled.iou,
      12,
    );
    const at = evaluation.probabilities.curve.find(({ threshold }) => threshold === 0.5);
    expect(at?.mean.dice).toBeCloseTo(evaluation.summary.mean.dice, 12); // curve and scores count the same pixels
    expect(evaluation.probabilities.calibration.bins.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(
      4 * 32 * 32,
    );
    for (const row of evaluation.rows) {
      if (row.hd95 === null || row.hd95Mm === null) continue;
      expect(row.hd95Mm).toBeGreaterThanOrEqual(0.25 * row.hd95 - 1e-9); // images are as large as the input
      expect(row.hd95Mm).toBeLessThanOrEqual(0.5 * row.hd95 + 1e-9);
    }
    expect(evaluation.summary.mean.recall).toBeGreaterThan(0);
    expect(fit.train?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
    expect(fit.train?.fingerprint).not.toBe(evaluation.data.fingerprint);
    expect(overlap).toMatchObject({ checked: true, train: { sameImages: [], samePatients: [] } });
    expect(warnings).toEqual([
      '4 images are too few for the intervals and p-values: they come out too narrow and too small',
    ]);
    expect(examples.map(({ kind }) => kind)).toEqual(['worst', 'median', 'best']);
  });

  it('warns where the test is what the run was trained on, and where that is not known', async () => {
    const trained = await collectReport(run, { split: 'train', examples: 0, resamples: 50 });
    expect(trained.warnings[0]).toMatch(
      /^The run has trained on 10 of the 10 images, byte by byte the same: /,
    );
    expect(trained.examples).toEqual([]);
    expect(overlapWarnings({ checked: false, why: 'gone' }, 4)).toEqual([
      'It was not checked whether the run has seen these images: gone.',
    ]);
  });
});

describe('overlapOf', () => {
  it('finds an image under another name, and patients by names', async () => {
    const { cases } = await openDataset(join(root, 'data'), 'train');
    const [one, two] = cases;
    if (!one || !two) throw new Error('expected cases');
    const copy = join(root, 'copy.png');
    copyFileSync(one.imagePath, copy);
    const test = [
      { ...one, id: 'cxr_s7-e1-r1', imagePath: copy },
      { ...two, id: 'cxr_s8-e1-r1', imagePath: join(root, 'run', 'progress.png') },
    ];
    const others = [...cases, { ...two, id: 'cxr_s8-e9-r1' }];
    expect(await overlapOf(test, cases)).toEqual({
      sameImages: ['cxr_s7-e1-r1'],
      samePatients: [],
      imagesOfSamePatients: 0,
    });
    const found = await overlapOf(test, others);
    expect(found).toEqual({
      sameImages: ['cxr_s7-e1-r1'],
      samePatients: ['patient 8'],
      imagesOfSamePatients: 1,
    });
    const clean = { sameImages: [], samePatients: [], imagesOfSamePatients: 0 };
    expect(overlapWarnings({ checked: true, train: clean, val: { ...found, sameImages: [] } }, 2)).toEqual([
      '1 of the 2 images are of 1 patient that the run has chosen its best epoch by, judging by file names.',
    ]);
  });
});

describe('writeEvaluationReport', () => {
  it('writes a page, its figures and a table, and takes the sections of others', async () => {
    const dir = join(root, 'report');
    const files = await writeEvaluationReport(dir, {
      runs: [report],
      differences: [],
      sections: [{ id: 'probes', title: 'Note probes', html: markup`<p>probed</p>` }],
      data: { probes: [1] },
    });
    expect(readdirSync(dir).sort()).toEqual(['cases.csv', 'figures', 'report.html', 'report.json']);
    for (const name of ['distribution', 'parts', 'thresholds', 'calibration']) {
      const svg = readFileSync(join(dir, 'figures', `${name}.svg`), 'utf8');
      expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
      const [, width = '', height = ''] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
      expect(await readImageHeader(join(dir, 'figures', `${name}.png`))).toMatchObject({
        width: Number(width),
        height: Number(height),
      });
    }
    expect(files.figures).toContain(join(dir, 'figures', 'worst.png'));
    const page = readFileSync(files.html, 'utf8');
    for (const id of ['scores', 'probes', 'distribution', 'parts', 'probabilities', 'cases', 'data']) {
      expect(page).toContain(`<section id="${id}">`);
    }
    expect(page).toContain(report.evaluation.data.fingerprint.slice(0, 16));
    expect(page).toMatch(/<th[^>]*>starting weights<\/th>/);
    expect(page).toMatch(/<td[^>]*>from scratch<\/td>/);
    expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined|https?:/);
    const json = JSON.parse(readFileSync(files.json, 'utf8')) as {
      probes: unknown;
      runs: { figures: unknown; rows?: unknown; start: string }[];
    };
    expect(json.probes).toEqual([1]);
    expect(json.runs[0]?.start).toBe('from scratch');
    expect(json.runs[0]?.figures).toEqual(report.figures);
    expect(json.runs[0]?.rows).toBeUndefined();
    expect(readFileSync(join(dir, 'cases.csv'), 'utf8').trim().split('\r\n')).toHaveLength(5);
  });

  it('compares runs', async () => {
    const dir = join(root, 'two');
    const shifted: RunReport = {
      ...report,
      evaluation: {
        ...report.evaluation,
        run: join(root, 'other'),
        rows: report.evaluation.rows.map((row) => ({ ...row, dice: row.dice / 2 })),
      },
    };
    const runs = [report, shifted];
    const differences = compareEvaluations(runs.map(({ evaluation }) => evaluation));
    const files = await writeEvaluationReport(dir, { runs, differences });
    expect(files.cases.map((path) => path.slice(dir.length + 1))).toEqual([
      'cases-run.csv',
      'cases-other.csv',
    ]);
    const page = readFileSync(files.html, 'utf8');
    expect(page).toContain('<section id="comparison">');
    expect(page).toContain('other less run');
    const { dice } = report.evaluation.summary.mean;
    expect(differences[0]).toMatchObject({ key: 'dice', first: 0, second: 1 });
    expect(differences[0]?.value).toBeCloseTo(-dice / 2, 12);
  });
});

describe('drawExample', () => {
  it('draws the prediction as an area and the truth as an outline, at 224 pixels or more', () => {
    const image: RgbImage = { width: 16, height: 16, data: new Uint8Array(16 * 16 * 3) };
    const square = (x0: number): Mask => ({
      width: 16,
      height: 16,
      data: Uint8Array.from({ length: 256 }, (_, p) =>
        p % 16 >= x0 && p % 16 < x0 + 6 && p >= 64 && p < 192 ? 1 : 0,
      ),
    });
    const picture = drawExample(image, square(1), square(9));
    expect([picture.width, picture.height]).toEqual([224, 224]);
    const at = (x: number, y: number) => [...picture.data.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)];
    expect(at(14, 112)).toEqual([...COLOURS.skyBlue]); // left edge of the truth
    expect(at(56, 112)).toEqual([0, 0, 0]); // inside it
    expect(at(168, 112)).toEqual(COLOURS.orange.map((v) => Math.floor(0.4 * v + 0.5))); // inside the prediction
  });
});
