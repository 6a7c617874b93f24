/** `reclmis calibrate`, and what evaluate, predict, export and the runtime make of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Confidence, ConfidenceCalibration, ModelManifest } from '@reclmis/core';
import { writeTinyData } from '@reclmis/data/testing';
import type { ConfidenceReport } from '@reclmis/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-calibrate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);
const at = (...path: string[]): string => join(root, ...path);
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

async function result(...args: string[]): Promise<unknown> {
  const { status, stdout, stderr } = await reclmis(...args, '--json', '-q');
  expect([status, stderr.replaceAll(/^warning .*\n/gm, '')]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const evaluate = async (...args: string[]): Promise<Evaluated> =>
  (await result('evaluate', 'run', ...args)) as Evaluated;

interface Evaluated {
  readonly confidence: ConfidenceReport | null;
  readonly rows: readonly { id: string; dice: number; predictedDice?: number }[];
  readonly csv: string;
}
interface Figures {
  readonly cases: readonly { id: string; confidence?: Confidence }[];
}

let evaluated: Evaluated;
beforeAll(async () => {
  await writeTinyData(at('data'), 32, { train: 16, val: 24, test: 12 });
  await writeTinyData(at('other'), 32, { train: 2, val: 25, test: 2 });
  const settings =
    '--data data -o run --batch 4 --threads 1 --workers 0 --epochs 12 --lr 1e-2 --model.baseWidth 4 --model.imageSize 32 --model.layers 1 --text.encoder words --note.sides patient -q';
  expect(await reclmis('train', ...settings.split(' '))).toMatchObject({ status: 0, stderr: '' });
});

describe('reclmis calibrate', () => {
  it('without it no Dice is predicted', async () => {
    const { confidence, rows } = await evaluate();
    expect(confidence).toBeNull();
    expect(rows[0]).not.toHaveProperty('predictedDice');
  });

  it('fits on the validation cases and writes confidence.json', async () => {
    const { status, stdout } = await reclmis('calibrate', 'run');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^data: 24 validation images of 24 patients, weights of epoch \d+\npredicted Dice/,
    );
    expect(stdout).toContain('presence: not calibrated, 0 of the images have an empty true mask');
    const { data } = json(at('run', 'confidence.json')) as ConfidenceCalibration;
    const run = json(at('run', 'run.json')) as { data: { val: { fingerprint: string } } };
    expect(data).toMatchObject({ cases: 24, empty: 0, fingerprint: run.data.val.fingerprint });
  });

  it('refuses other cases, and too few', async () => {
    const before = readFileSync(at('run', 'confidence.json'), 'utf8');
    const other = await reclmis('calibrate', 'run', '--data', 'other');
    expect(other.status).toBe(3);
    expect(other.stderr).toMatch(
      /error CONFIDENCE_DATA: .*other: val has 25 cases .*, expected run’s 24 cases/,
    );
    await writeTinyData(at('few'), 32, { train: 4, val: 6, test: 2 });
    const small =
      'train --data few -o few-run --batch 4 --threads 1 --workers 0 --epochs 1 --model.baseWidth 4 --model.imageSize 32 --model.layers 1 --text.encoder words -q';
    expect((await reclmis(...small.split(' '))).status).toBe(0);
    const few = await reclmis('calibrate', 'few-run');
    expect(few.status).toBe(3);
    expect(few.stderr).toMatch(
      /error CONFIDENCE_CASES: data|error CONFIDENCE_CASES: few: expected at least 20/,
    );
    expect(readFileSync(at('run', 'confidence.json'), 'utf8')).toBe(before);
  });
});

describe('a calibrated run', () => {
  it('is measured on test cases: on the terminal, in JSON, CSV and the report', async () => {
    const { status, stdout } = await reclmis('evaluate', 'run', '--report', 'report');
    expect(status).toBe(0);
    expect(stdout).toMatch(/Predicted Dice \(calibrated on 24 validation images\): off by \d+\.\d+ points/);
    expect(stdout).toMatch(/Without the least confident tenth: mean Dice \d+\.\d+ instead of \d+\.\d+/);
    evaluated = await evaluate();
    const { rows, confidence, csv } = evaluated;
    const errors = rows.map(({ dice, predictedDice = Number.NaN }) => Math.abs(predictedDice - dice));
    expect(confidence?.error.value).toBeCloseTo(errors.reduce((a, b) => a + b) / 12, 12);
    const [header = '', line = ''] = readFileSync(at(csv), 'utf8').split('\r\n');
    expect(header.split(',').slice(-2)).toEqual(['predictedDice', 'presence']);
    expect(Number(line.split(',').at(-2))).toBe(rows[0]?.predictedDice);
    const page = readFileSync(at('report', 'report.html'), 'utf8');
    expect(page).toContain('<section id="confidence">');
    expect(page.replaceAll(/base64,[^"]*/g, '')).not.toMatch(/NaN|undefined/);
    expect(readFileSync(at('report', 'figures', 'confidence.svg'), 'utf8')).not.toMatch(/NaN|Infinity/);
    const report = json(at('report', 'report.json')) as { runs: { confidence: ConfidenceReport }[] };
    expect(report.runs[0]?.confidence).toEqual(confidence);
  });

  it('predicts the same Dice with predict, and none for a mean with flips', async () => {
    const predict = async (out: string, ...more: string[]) =>
      (await result(
        ...[
          'predict',
          ...more,
          '--image',
          'data/Test_Folder/img',
          '--notes',
          'data/Test_Folder/Test_text.csv',
        ],
        ...['-o', out, '--no-overlay'],
      )) as { predictedDice: { cases: number; mean: number } | null };
    const { predictedDice } = await predict('masks', 'run');
    const { cases } = json(at('masks', 'statistics.json')) as Figures;
    cases.forEach(({ id, confidence }, i) => {
      expect(id).toBe(evaluated.rows[i]?.id);
      expect(confidence?.dice).toBeCloseTo(evaluated.rows[i]?.predictedDice ?? Number.NaN, 6); // rounded
    });
    expect(predictedDice?.mean).toBeCloseTo(evaluated.confidence?.predicted ?? Number.NaN, 6);
    await predict('flipped', 'run', '--flips');
    expect((json(at('flipped', 'statistics.json')) as Figures).cases[0]).not.toHaveProperty('confidence');
    expect((await evaluate('--flips')).confidence).toBeNull();
  });

  it('exports it with its error on test cases, and the exported model predicts the same', async () => {
    const { manifest } = (await result('export', 'run', '-o', 'model')) as { manifest: ModelManifest };
    const { error, rank } = evaluated.confidence!;
    expect(manifest.confidence?.tests).toEqual([
      { data: 'data', cases: 12, error: expect.closeTo(error.value!, 12) as number, rank },
    ]);
    const { loadModel } = await import('@reclmis/runtime');
    const model = await loadModel(at('model'), { threads: 1 });
    try {
      const { id, predictedDice = Number.NaN } = evaluated.rows[0]!;
      const image = at('data', 'Test_Folder', 'img', `${id}.png`);
      const note = 'Unilateral pulmonary infection, one infected area, lower left lung.';
      const { confidence } = await model.segment(image, note);
      expect(confidence?.dice).toBeCloseTo(predictedDice, 4); // probabilities agree to 1e-5
    } finally {
      await model.dispose();
    }
  });

  it('a damaged calibration ends every command that would use it', async () => {
    writeFileSync(at('run', 'confidence.json'), '{');
    const { status, stderr } = await reclmis('evaluate', 'run');
    expect(status).toBe(4);
    expect(stderr).toMatch(/error RUN_INVALID: .*confidence\.json/);
    expect(stderr).toContain('Fit it again with `reclmis calibrate run`, or delete the file');
    expect((await reclmis('calibrate', 'run', '-q')).status).toBe(0); // which replaces it
  });
});
