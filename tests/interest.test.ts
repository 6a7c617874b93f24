/** Patches and words of interest of exported models: the runtime against `explain`, which computes them with libtorch. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cut, groupTokens, type Interest, readOutline, splitOnnx, sumByGroup } from '@reclmis/core';
import { exportModel } from '@reclmis/export';
import { decodeImage } from '@reclmis/files';
import { explain, isMissing, openRun } from '@reclmis/lab';
import { loadModel, type Model, type Segmentation } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallModel, type Picture, writePictures } from './small-model.js';

interface Manifest {
  readonly format: string;
  readonly parameters: number;
  readonly segmenter: object & { readonly interest?: unknown };
}

const root = mkdtempSync(join(tmpdir(), 'reclmis-interest-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const NOTES = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'Bilateral pulmonary infektion, two infected areas, all left lung and lower right lung.',
];
let run: string;
let pictures: Picture[];
const folder = (name: string): string => join(root, name);
const manifestOf = (dir: string): Manifest =>
  JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Manifest;

beforeAll(async () => {
  ({ run } = await makeSmallModel(root));
  pictures = (await writePictures(folder('pictures'))).slice(0, 3);
  for (const precision of ['fp16', 'int8'] as const)
    await exportModel(run, { out: folder(precision), precision, threads: 1 });
  // As of reclmis before it stated interest: the same graph.
  cpSync(folder('model'), folder('format-2'), { recursive: true });
  const { segmenter, ...rest } = manifestOf(folder('model'));
  const { interest: _, ...older } = segmenter;
  const json = { ...rest, format: 'reclmis-model/2', segmenter: older };
  writeFileSync(join(folder('format-2'), 'manifest.json'), JSON.stringify(json));
});

async function withModel(
  name: string,
  body: (model: Model) => Promise<void>,
  options: Parameters<typeof loadModel>[1] = {},
): Promise<void> {
  const model = await loadModel(folder(name), { threads: 1, ...options });
  try {
    await body(model);
  } finally {
    await model.dispose();
  }
}

/** By libtorch. */
async function explained(picture: Picture, note: string): Promise<{ map: Float32Array; words: unknown[] }> {
  using model = openRun(run).loadModel({ threads: 1 });
  const image = await decodeImage(picture.bytes, picture.file);
  const { poi, woi, note: read } = explain(model, image, note, { noteStyle: 'as-is' });
  if (isMissing(poi) || isMissing(woi) || !read) throw new Error('explain gave none');
  const { groups } = groupTokens({ tokens: read.tokens, words: [] });
  const weights = sumByGroup(groups, woi.values);
  const words = read.groups.flatMap(({ text }, i) => (text === '' ? [] : [[text, weights[i]]]));
  return { map: poi.values, words };
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
const interestOf = ({ interest }: Segmentation): Interest => {
  if (!interest) throw new Error('no interest');
  return interest;
};

describe('interest of a model in fp32', () => {
  it.each([2 ** 28, 0])('is what `explain` computes, with %i bytes for features', async (featureBytes) => {
    const body = async (model: Model): Promise<void> => {
      for (const picture of pictures)
        for (const note of NOTES) {
          const found = await model.segment(picture.bytes, note, { interest: true, noteStyle: 'as-is' });
          const { map, width, height, words } = interestOf(found);
          const expected = await explained(picture, note);
          expect([width, height, map.length]).toEqual([2, 2, 4]);
          expect(furthest(map, expected.map)).toBeLessThan(1e-5);
          expect(words.map(({ text }) => text.toLowerCase())).toEqual(
            expected.words.map((word) => (word as [string])[0]),
          );
          const weights = words.map(({ weight }) => weight);
          expect(furthest(weights, expected.words.map((word) => (word as [string, number])[1]))).toBeLessThan(1e-5); // prettier-ignore
          expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
          for (const { text, start, end } of words) expect(note.slice(start, end)).toBe(text);
        }
    };
    await withModel('model', body, { featureBytes });
  });

  it('differs between notes and images, and leaves the mask as it is', async () => {
    await withModel('model', async (model) => {
      const [{ bytes: a }, { bytes: b }] = pictures as [Picture, Picture];
      const image = await model.open(a);
      const [first, second] = NOTES as [string, string];
      const plain = await image.segment(first);
      const asked = await image.segment(first, { interest: true });
      expect(plain).not.toHaveProperty('interest');
      expect(asked.probability).toEqual(plain.probability);
      const other = await image.segment(second, { interest: true });
      expect(furthest(interestOf(asked).map, interestOf(other).map)).toBeGreaterThan(1e-6);
      const batch = await model.segmentBatch(
        [
          { image: a, note: first },
          { image: a, note: second },
          { image: b, note: first },
        ],
        { interest: true },
      );
      expect(batch.slice(0, 2).map(interestOf)).toEqual([asked, other].map(interestOf));
      const alone = await model.segment(b, first, { interest: true });
      expect(furthest(interestOf(batch[2]!).map, interestOf(alone).map)).toBeLessThan(1e-6);
      await image.dispose();
    });
  });

  it('is stated, and of no mask’s graph or parameter', () => {
    const manifest = manifestOf(folder('model'));
    expect(manifest).toMatchObject({
      format: 'reclmis-model/3',
      segmenter: { interest: { output: 'interest', side: 2 } },
    });
    const { outputs } = readOutline(readFileSync(join(folder('model'), 'segmenter.onnx')));
    expect(outputs.map(({ name }) => name)).toEqual(['probability', 'interest']);
    expect(outputs[1]?.shape).toEqual([null, 4 + 24]);
    // The part that makes masks holds none of it, so it costs the same.
    const { features } = manifest.segmenter as { features: Cut['features'] };
    const names = { image: 'image', note: 'note', probability: 'probability', features };
    const bytes = readFileSync(join(folder('model'), 'segmenter.onnx'));
    const parts = splitOnnx(bytes, { ...names, interest: 'interest' });
    const holds = (part: Uint8Array): boolean[] =>
      ['mlp_visual', 'mlp_woi', 'interact.CTBN', 'up1'].map((key) => Buffer.from(part).includes(key));
    expect(holds(parts.note())).toEqual([false, false, false, true]);
    expect(holds(parts.interest!())).toEqual([true, true, true, false]);
  });
});

describe('interest in other precisions', () => {
  it.each([
    ['fp16', 2e-3],
    ['int8', 0.05],
  ] as const)('is that of fp32 but for rounding, in %s', async (precision, limit) => {
    await withModel('model', (full) =>
      withModel(precision, async (model) => {
        for (const { bytes } of pictures)
          for (const note of NOTES) {
            const [a, b] = [
              interestOf(await model.segment(bytes, note, { interest: true })),
              interestOf(await full.segment(bytes, note, { interest: true })),
            ];
            const weights = [a, b].map(({ words }) => words.map(({ weight }) => weight));
            expect(furthest(a.map, b.map)).toBeLessThan(limit);
            expect(furthest(weights[0]!, weights[1]!)).toBeLessThan(limit);
          }
      }),
    );
  });
});

describe('a model that states no interest', () => {
  it('is read as before, gives the same mask, and refuses the question with a remedy', async () => {
    await withModel('format-2', (old) =>
      withModel('model', async (model) => {
        const [{ bytes }] = pictures as [Picture];
        const [note] = NOTES as [string];
        expect((await old.segment(bytes, note)).probability).toEqual((await model.segment(bytes, note)).probability); // prettier-ignore
        await expect(old.segment(bytes, note, { interest: true })).rejects.toMatchObject({
          code: 'OPTION_INVALID',
          remedy: expect.stringContaining('manifest.segmenter.interest') as string,
        });
        expect((await old.segment(bytes, note, { interest: false })).mask.width).toBe(50);
        const wrong = { interest: 'yes' as unknown as boolean };
        await expect(model.segment(bytes, note, wrong)).rejects.toMatchObject({ code: 'OPTION_INVALID' });
      }),
    );
  });
});
