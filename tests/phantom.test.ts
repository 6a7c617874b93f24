/** The phantom model of `packages/phantom`: its files, its card, and how well it segments, as the card states. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestFiles, type Mask, measuresOf, mirrorNote, type RgbImage } from '@reclmis/core';
import { drawPhantom } from '@reclmis/data';
import { type GreyImage, readImage, readMask } from '@reclmis/files';
import { MODEL, SAMPLES } from '@reclmis/phantom';
import { loadModel, type Model } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = fileURLToPath(MODEL);
const MOST_BYTES = 1.5e6;
/** Dice with the sample's note, on the CPU; other kernels of onnxruntime move single pixels. */
const STATED = [0.695, 0.603, 0.955, 0.779];
const TOLERANCE = 0.02;
/** As `scripts/phantom-model.mjs` draws them. */
const TRAINED = { seed: 28, size: 96, test: { from: 850, to: 1000 } };
const SAMPLE_SEED = 1_608_637_542;

function dice(mask: Mask, truth: Mask): number {
  const count = (test: (i: number) => boolean): number => mask.data.filter((_, i) => test(i)).length;
  return measuresOf({
    intersection: count((i) => mask.data[i] === 1 && truth.data[i] === 1),
    predicted: count((i) => mask.data[i] === 1),
    truth: count((i) => truth.data[i] === 1),
  }).dice;
}

const toRgb = ({ width, height, data }: GreyImage): RgbImage => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * data.length }, (_, i) => data[Math.floor(i / 3)] ?? 0),
});

let model: Model;
beforeAll(async () => {
  model = await loadModel(MODEL, { threads: 1 });
});
afterAll(() => model.dispose());

describe('its files', () => {
  it('have the manifest’s SHA-256, and 1.5 MB at most', () => {
    const files = manifestFiles(model.manifest);
    for (const { name, sha256, bytes } of files) {
      const content = readFileSync(join(folder, name));
      expect([content.length, createHash('sha256').update(content).digest('hex')], name).toEqual([
        bytes,
        sha256,
      ]);
    }
    const names = ['README.md', 'manifest.json', ...files.map(({ name }) => name)];
    expect(readdirSync(folder).sort()).toEqual(names.sort());
    expect(names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)).toBeLessThan(MOST_BYTES);
  });

  it('say that it knows only drawn phantoms, and how it was scored', () => {
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    for (const text of [card, model.manifest.intendedUse])
      expect(text).toMatch(/knows nothing but phantoms.*never seen a radiograph/);
    expect(model.manifest.limits[0]).toMatch(/Knows only drawn phantoms/);
    for (const { sha256 } of manifestFiles(model.manifest)) expect(card).toContain(sha256);
    expect(card).toContain('72.8 (69.9 to 75.8)');
    expect(readFileSync(join(folder, '../README.md'), 'utf8')).toMatch(/knows only phantoms/);
  });
});

describe('its masks', () => {
  it('of the samples are as good as stated, and follow the note to the other side', async () => {
    const scores: number[] = [];
    for (const { image, mask, note } of SAMPLES) {
      const { mask: predicted } = await model.segment(image, note);
      scores.push(dice(predicted, await readMask(fileURLToPath(mask))));
    }
    scores.forEach((score, i) =>
      expect(Math.abs(score - STATED[i]!), SAMPLES[i]!.name).toBeLessThan(TOLERANCE),
    );
    for (const i of [0, 2]) {
      const { image, mask, note } = SAMPLES[i]!;
      const swapped = await model.segment(image, mirrorNote(note));
      expect(dice(swapped.mask, await readMask(fileURLToPath(mask)))).toBeLessThan(0.05);
    }
  });

  it('of its 150 test phantoms have the mean Dice of the card', async () => {
    let sum = 0;
    const { from, to } = TRAINED.test;
    for (let i = from; i < to; i++) {
      const { image, mask, note } = drawPhantom(TRAINED.seed, i, TRAINED.size);
      const { mask: predicted } = await model.segment(toRgb(image), note);
      sum += dice(predicted, mask);
    }
    const stated = model.manifest.scores.find(({ split }) => split === 'test')!;
    expect(stated.cases).toBe(to - from);
    expect(sum / (to - from)).toBeCloseTo(stated.dice, 3);
  });

  it('are of samples that no training drew', async () => {
    for (const [i, index] of [3, 6, 13, 4].entries()) {
      const drawn = drawPhantom(SAMPLE_SEED, index, TRAINED.size);
      const { image, mask, note } = SAMPLES[i]!;
      expect(note).toBe(drawn.note);
      expect((await readMask(fileURLToPath(mask))).data).toEqual(drawn.mask.data);
      const { data } = await readImage(fileURLToPath(image));
      expect(data.filter((_, p) => p % 3 === 0)).toEqual(Uint8Array.from(drawn.image.data));
    }
    expect(SAMPLE_SEED).not.toBe(TRAINED.seed);
  });
});
