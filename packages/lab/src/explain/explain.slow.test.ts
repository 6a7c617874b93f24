/**
 * Does Grad-CAM find what a trained model looks at: of two equal squares the one that the note names? Trains for about a minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resizePlane } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { manualSeed } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildModel } from '../model/registry.js';
import { loadPreset } from '../config/config.js';
import { openDataset, type Case } from '@reclmis/data';
import { writeTinyData } from '@reclmis/data/testing';
import { Segmenter } from '../engine/segmenter.js';
import { openRun } from '../run/run.js';
import { train } from '../train/train.js';
import { explain } from './explain.js';
import { isMissing } from './interest.js';

const SIZE = 32;

describe.skipIf(!process.env['RECLMIS_SLOW'])('Grad-CAM of a trained model', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-explain-slow-'));
  const data = join(root, 'squares');
  const out = join(root, 'run');
  let cases: readonly Case[] = [];
  beforeAll(async () => {
    await writeTinyData(data, SIZE, { train: 160, val: 60, test: 40 });
    const config = loadPreset('phantom', {
      'data.dir': data,
      'data.workers': 0,
      'model.baseWidth': 8,
      'model.imageSize': SIZE,
      'text.contextLength': 12,
      'train.epochs': 8,
      'train.lr': 2e-3,
      'train.threads': 1,
    });
    await train(config, { out });
    ({ cases } = await openDataset(data, 'test'));
  }, 600_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Mean share of the map's mass in the half that the note names. */
  async function shareInNamedHalf(segmenter: Segmenter): Promise<number> {
    let sum = 0;
    let count = 0;
    for (const { imagePath, note } of cases) {
      const { gradCam } = explain(segmenter, await readImage(imagePath), note, { target: { kind: 'all' } });
      if (isMissing(gradCam)) continue;
      const plane = resizePlane(gradCam.values, gradCam.side, gradCam.side, SIZE, SIZE);
      const named = note.includes('right'); // the patient's right is on the image's left
      let [inside, all] = [0, 0];
      plane.forEach((value, i) => {
        all += value;
        if (i % SIZE < SIZE / 2 === named) inside += value;
      });
      if (all > 0) [sum, count] = [sum + inside / all, count + 1];
    }
    expect(count).toBeGreaterThan(cases.length / 2);
    return sum / count;
  }

  it('lies rather in the half that the note names, and with random weights in neither', async () => {
    const run = openRun(out);
    using model = run.loadModel();
    const learnt = await shareInNamedHalf(model);
    manualSeed(9);
    using drawn = buildModel(run.config.model, model.encoder);
    const random = await shareInNamedHalf(new Segmenter(drawn, model.encoder, model.engine, 'area'));
    console.log(`mass in the named half: trained ${learnt.toFixed(3)}, random weights ${random.toFixed(3)}`);
    expect(learnt).toBeGreaterThan(0.6);
    expect(Math.abs(random - 0.5)).toBeLessThan(0.1); // half the notes name each side
  });
});
