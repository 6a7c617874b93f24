import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mirrorNote } from '@reclmis/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf } from '@reclmis/data/testing';
import { openRun } from '../run/run.js';
import { makeTinyRun, TINY_RUN_SIZE } from '../testing/tiny-run.js';
import { openEnsemble } from './ensemble.js';
import { evaluateRun } from './evaluate.js';

const S = TINY_RUN_SIZE;
const root = mkdtempSync(join(tmpdir(), 'reclmis-ensemble-'));
const [a, b, large] = ['a', 'b', 'large'].map((name) => join(root, name, 'run')) as [string, string, string];
afterAll(() => rmSync(root, { recursive: true, force: true }));

beforeAll(async () => {
  await makeTinyRun(join(root, 'a'), { 'train.epochs': 1 });
  await makeTinyRun(join(root, 'b'), { 'train.epochs': 1, seed: 2 });
  await makeTinyRun(join(root, 'large'), { 'train.epochs': 1, 'model.imageSize': 48 });
});

describe('an ensemble', () => {
  it('is the mean of its runs, and of each one’s answer to the mirror image', async () => {
    const first = openRun(a).loadModel();
    const second = openRun(b).loadModel();
    const notes = ['Unilateral pulmonary infection, one infected area, lower left lung.'];
    const image = Float32Array.from({ length: 3 * S * S }, (_, i) => ((i * 13) % 29) / 29);
    const mirrored = (planes: Float32Array): Float32Array =>
      planes.map((_, i) => planes[i - (i % S) + S - 1 - (i % S)] as number);
    const ensemble = openEnsemble(first, { ensemble: [b], flips: true });
    const got = await ensemble.opinion.probabilities(image.slice(), notes);
    const four = [first, second].flatMap((model) => [
      model.probabilities(image, notes),
      mirrored(model.probabilities(mirrored(image), notes.map(mirrorNote))),
    ]);
    // float32 sums in another order
    got.forEach((p, i) => expect(p).toBeCloseTo(four.reduce((sum, one) => sum + (one[i] ?? 0), 0) / 4, 5));
    expect(four[0]).not.toEqual(four[2]);
    for (const model of [ensemble, first, second]) model.dispose();
  });

  it('is evaluated as one, and named', async () => {
    const one = await evaluateRun(a, { split: 'val' });
    expect(one.ensemble).toBeUndefined();
    const both = await evaluateRun(a, { split: 'val', ensemble: [b], flips: true });
    expect(both.ensemble).toEqual({ flips: true, members: [{ run: b, epoch: 1 }] });
    expect(both.rows.map(({ id }) => id)).toEqual(one.rows.map(({ id }) => id));
    expect(both.rows.map(({ predicted }) => predicted)).not.toEqual(
      one.rows.map(({ predicted }) => predicted),
    );
  });

  it('needs one image size', async () => {
    expect(await errorOf(evaluateRun(a, { split: 'val', ensemble: [large] }))).toMatchObject({
      code: 'OPTION_INVALID',
    });
  });
});
