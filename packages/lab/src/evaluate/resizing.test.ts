import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foregroundPixels, maskForModel, type ResizeRule } from '@reclmis/core';
import { CALIBRATION } from '@reclmis/core/testing';
import { readMask } from '@reclmis/files';
import { scope } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataset } from '@reclmis/data';
import { errorOf, writeTinyData } from '@reclmis/data/testing';
import { readCheckpoint } from '../run/checkpoint.js';
import { confidencePath, writeConfidence } from '../run/confidence.js';
import { openRun, runFiles } from '../run/run.js';
import { weightsHash } from '../run/weights-hash.js';
import { makeTinyRun, TINY_RUN_SIZE as S } from '../testing/tiny-run.js';
import { evaluateRuns } from './evaluate-runs.js';
import { evaluateRun } from './evaluate.js';
import { comparesWithPublished, describeResizing, resizeNotice } from './resizing.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-resizing-'));
const [area, upstream] = ['area', 'upstream'].map((rule) => join(root, rule, 'run')) as [string, string];
const large = join(root, 'large');
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  await writeTinyData(large, 48, { train: 2, val: 2, test: 4 });
  for (const rule of ['area', 'upstream'])
    await makeTinyRun(join(root, rule), { 'train.epochs': 1, 'data.resize': rule });
});

/** Pixels of the true masks at the model's size, computed apart. */
async function truths(rule: ResizeRule): Promise<number[]> {
  const { cases } = await openDataset(large, 'test');
  return Promise.all(
    cases.map(async ({ maskPath }) => foregroundPixels(maskForModel(await readMask(maskPath), S, rule))),
  );
}

describe('an evaluation', () => {
  it('resizes as the training did, and says how many images', async () => {
    for (const [run, rule] of [
      [area, 'area'],
      [upstream, 'upstream'],
    ] as const) {
      const { info, config } = openRun(run);
      expect([info.resize, config.data.resize]).toEqual([rule, rule]);
      using model = openRun(run).loadModel();
      expect(model.resize).toBe(rule);
      const lines: string[] = [];
      const found = await evaluateRun(run, { dataDir: large, onNotice: (line) => lines.push(line) });
      expect(found.resize).toEqual({ rule, trained: rule, resized: 4 });
      expect(found.rows.map(({ truth }) => truth)).toEqual(await truths(rule));
      expect(lines.join()).not.toContain('resized');
      expect((await evaluateRun(run)).resize.resized).toBe(0);
    }
    // Masks of 12 x 12 pixels at steps of 1.5 grow where half a pixel would be cut.
    const [small, grown] = [await truths('area'), await truths('upstream')];
    expect(grown.reduce((sum, n) => sum + n)).toBeGreaterThan(small.reduce((sum, n) => sum + n));
  });

  it('uses another rule only if asked to, and says so', async () => {
    const lines: string[] = [];
    const { runs } = await evaluateRuns([area], {
      dataDir: large,
      resize: 'upstream',
      onNotice: (line) => lines.push(line),
    });
    const { evaluation, warnings } = runs[0]!.report;
    expect(evaluation.resize).toEqual({ rule: 'upstream', trained: 'area', resized: 4 });
    expect(evaluation.rows.map(({ truth }) => truth)).toEqual(await truths('upstream'));
    const notice = resizeNotice(evaluation.resize);
    expect(notice).toMatch(/by the rule upstream, but the run was trained under area/);
    expect(lines).toContain(notice);
    expect(warnings).toContain(notice);
    expect(runs[0]?.csv).toContain('resize-upstream');
  });

  it('predicts no Dice under a rule that the calibration was not fitted for', async () => {
    const checkpoint = scope(() => {
      const { tensors, info } = readCheckpoint(area, 'best', openRun(area).config);
      return { epoch: info.epoch, step: info.step, weights: weightsHash(tensors) };
    });
    writeConfidence(area, { checkpoint, calibration: CALIBRATION });
    try {
      const lines: string[] = [];
      const own = await evaluateRun(area, { dataDir: large, onNotice: (line) => lines.push(line) });
      expect(lines.join()).not.toContain('no predicted Dice');
      expect(own.rows.every(({ predictedDice }) => predictedDice! >= 0 && predictedDice! <= 1)).toBe(true);
      const other = await evaluateRun(area, {
        dataDir: large,
        resize: 'upstream',
        onNotice: (line) => lines.push(line),
      });
      expect([other.confidence, ...other.rows.map((row) => row.predictedDice)]).toEqual([
        null,
        ...other.rows.map(() => undefined),
      ]);
      expect(lines).toContain(
        'The calibration was fitted on images resized by the run’s own rule (area), not upstream: no predicted Dice.',
      );
    } finally {
      rmSync(confidencePath(area));
    }
  });

  it('refuses to compare or average runs under different rules', async () => {
    const refused = {
      code: 'OPTION_INVALID',
      message: expect.stringContaining('by the rule upstream') as string,
    };
    expect(await errorOf(evaluateRuns([area, upstream], { dataDir: large }))).toMatchObject(refused);
    expect(await errorOf(evaluateRuns([area, upstream], { dataDir: large, ensemble: true }))).toMatchObject(
      refused,
    );
    const { runs } = await evaluateRuns([area, upstream], { dataDir: large, resize: 'area' });
    expect(runs.map(({ report }) => report.evaluation.resize.trained)).toEqual(['area', 'upstream']);
  });

  it('of an older run, which states no rule, is by area', async () => {
    const { config, info } = runFiles(area);
    for (const file of [config, info])
      writeFileSync(file, readFileSync(file, 'utf8').replace(/^.*"?resize"?: "?area"?,?\n/m, ''));
    expect(readFileSync(config, 'utf8')).not.toContain('resize');
    const run = openRun(area);
    expect([run.info.resize, run.config.data.resize]).toEqual([undefined, 'area']);
    expect((await evaluateRun(area, { dataDir: large })).resize.rule).toBe('area');
  });
});

describe('the words for it', () => {
  it('say how many images were resized, and what compares with published figures', () => {
    const all = { rule: 'area', trained: 'area', resized: 3 } as const;
    expect(describeResizing(all, 3)).toBe('all resized (area)');
    expect(describeResizing(all, 4)).toBe('3 of 4 resized (area)');
    expect(describeResizing({ ...all, resized: 0 }, 4)).toBe('');
    expect(
      [all, { ...all, resized: 0 }, { ...all, rule: 'upstream' as const }].map(comparesWithPublished),
    ).toEqual([false, true, true]);
    expect(comparesWithPublished(undefined)).toBe(false);
  });
});
