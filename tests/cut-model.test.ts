/** Exported models that are cut where their note enters: the runtime's parts against the whole graph, on real networks. */
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { exportModel } from '@reclmis/export';
import { loadModel, type Model, type Segmentation } from '@reclmis/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeSmallModel, type Picture, writePictures } from './small-model.js';

interface Manifest {
  format: string;
  segmenter: {
    file: { name: string; bytes: number };
    features?: { type: string }[] | null;
    interest?: unknown;
  };
}

const root = mkdtempSync(join(tmpdir(), 'reclmis-cut-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
type Precision = (typeof PRECISIONS)[number];
const folder = (precision: Precision): string => join(root, precision);
const older = (precision: Precision): string => join(root, `${precision}-format-1`);
const manifestOf = (dir: string): Manifest =>
  JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')) as Manifest;
const writeManifest = (dir: string, manifest: object): void =>
  writeFileSync(join(dir, 'manifest.json'), JSON.stringify(manifest));
const NOTES = [
  'Unilateral pulmonary infection, one infected area, upper left lung.',
  'Bilateral pulmonary infection, two infected areas, all left lung and lower right lung.',
];
let pictures: Picture[];

beforeAll(async () => {
  const { run, model } = await makeSmallModel(root);
  pictures = await writePictures(join(root, 'pictures'));
  cpSync(model, folder('fp32'), { recursive: true });
  for (const precision of ['fp16', 'int8'] as const)
    await exportModel(run, { out: folder(precision), precision, threads: 1 });
  for (const precision of PRECISIONS) {
    // As written before models were cut: the same graph.
    cpSync(folder(precision), older(precision), { recursive: true });
    const { segmenter, ...rest } = manifestOf(folder(precision));
    const { features: _, interest: __, ...whole } = segmenter;
    writeManifest(older(precision), { ...rest, format: 'reclmis-model/1', segmenter: whole });
  }
});

async function withModels(
  dirs: readonly string[],
  body: (...models: Model[]) => Promise<void>,
  options: Parameters<typeof loadModel>[1] = {},
): Promise<void> {
  const models: Model[] = [];
  try {
    for (const dir of dirs) models.push(await loadModel(dir, { threads: 1, ...options }));
    await body(...models);
  } finally {
    for (const model of models) await model.dispose();
  }
}

const untimed = ({ timings: _, ...rest }: Segmentation): object => rest;
const difference = (a: Float32Array, b: Float32Array): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each(PRECISIONS)('a model in %s', (precision) => {
  it('states its features, bytes in int8, and has one graph with every weight once', () => {
    const { format, segmenter } = manifestOf(folder(precision));
    expect(format).toBe('reclmis-model/3');
    const types = segmenter.features?.map(({ type }) => type);
    const maps = { fp32: 'float32', fp16: 'float16', int8: 'uint8' }[precision];
    expect(types?.filter((type) => type === maps).length).toBeGreaterThanOrEqual(4); // of the skips
    const { size } = statSync(join(folder(precision), segmenter.file.name));
    expect(size).toBe(segmenter.file.bytes);
    expect(size).toBe(statSync(join(older(precision), segmenter.file.name)).size);
  });

  it('gives in two parts what the whole graph gives', async () => {
    await withModels([folder(precision), older(precision)], async (cut, whole) => {
      expect(whole.manifest.segmenter.features).toBeUndefined();
      for (const { bytes } of pictures)
        for (const note of NOTES) {
          const [a, b] = [await cut.segment(bytes, note), await whole.segment(bytes, note)];
          // onnxruntime joins other operators across the cut, so sums may be rounded once more: in half precision by 2^-11.
          expect(difference(a.probability, b.probability)).toBeLessThan(precision === 'fp16' ? 2e-3 : 2e-6);
          expect(a.note).toEqual(b.note);
        }
    });
  });

  it('gives an open image’s notes what `segment` gives, bit for bit', async () => {
    await withModels([folder(precision), folder(precision)], async (kept, fresh) => {
      for (const { bytes } of pictures.slice(0, 3)) {
        const image = await kept.open(bytes);
        for (const note of [...NOTES, NOTES[0]!])
          expect(untimed(await image.segment(note))).toEqual(untimed(await fresh.segment(bytes, note)));
        const other = { sides: 'patient', threshold: 0.3 } as const;
        expect(untimed(await image.segment(NOTES[0]!, other))).toEqual(
          untimed(await fresh.segment(bytes, NOTES[0]!, other)),
        );
        const classes = { a: NOTES[0]!, b: { note: NOTES[1]!, threshold: 0.4 } };
        const { timings: _, ...found } = await image.segmentClasses(classes);
        expect(await fresh.segmentClasses(bytes, classes)).toMatchObject(found);
        await image.dispose();
      }
    });
  });
});

describe('batches and limits', () => {
  it('give the same masks with several notes of an image in one batch, and whatever may be kept', async () => {
    const cases = [0, 1, 0, 0, 2].map((k, i) => ({ image: pictures[k]!.bytes, note: NOTES[i % 2]! }));
    const results: Segmentation[][] = [];
    for (const featureBytes of [0, 100_000, 2 ** 28])
      await withModels(
        [folder('fp32')],
        async (model) => {
          results.push(await model.segmentBatch(cases));
          const image = await model.open(cases[0]!.image);
          expect(untimed(await image.segment(NOTES[1]!))).toEqual(
            untimed(await model.segment(cases[0]!.image, NOTES[1]!)),
          );
          await image.dispose();
          await image.dispose();
        },
        { featureBytes },
      );
    await withModels([older('fp32')], async (whole) => {
      for (const [i, { image, note }] of cases.entries()) {
        const alone = await whole.segment(image, note);
        for (const found of results)
          expect(difference(found[i]!.probability, alone.probability)).toBeLessThan(2e-6); // order of sums
      }
    });
  });

  it('are aborted, and leave the model usable', async () => {
    await withModels([folder('fp32')], async (model) => {
      const image = await model.open(pictures[2]!.bytes);
      const control = new AbortController();
      const { signal } = control;
      const first = model.segment(pictures[0]!.bytes, NOTES[0]!);
      const second = model.open(pictures[1]!.bytes, { signal });
      const third = image.segment(NOTES[0]!, { signal });
      const ended = [second, third].map((work) => expect(work).rejects.toThrow('no longer wanted'));
      control.abort(new Error('no longer wanted'));
      await Promise.all(ended);
      expect((await first).mask.data.length).toBeGreaterThan(0);
      expect((await image.segment(NOTES[0]!)).mask.data.length).toBeGreaterThan(0);
    });
  });
});

describe('a damaged model', () => {
  const damaged = (name: string, change: (dir: string, manifest: Manifest) => void): string => {
    const dir = join(root, name);
    cpSync(folder('fp32'), dir, { recursive: true });
    change(dir, manifestOf(dir));
    return dir;
  };
  const code = (dir: string): Promise<string> =>
    loadModel(dir, { threads: 1 }).then(
      () => 'loaded',
      (error: unknown) => (error instanceof ReclmisError ? error.code : String(error)),
    );

  it.each<[string, string, (dir: string, manifest: Manifest) => void]>([
    ['lacks its file of weights', 'MODEL_MISSING', (dir) => rmSync(join(dir, 'segmenter.onnx'))],
    [
      'has lost the end of it',
      'MODEL_INVALID',
      (dir) => {
        const path = join(dir, 'segmenter.onnx');
        writeFileSync(path, readFileSync(path).subarray(0, -100));
      },
    ],
    [
      'has one wrong byte in it',
      'MODEL_INVALID',
      (dir) => {
        const path = join(dir, 'segmenter.onnx');
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      'states features that do not part image and note',
      'MODEL_INVALID',
      (dir, { segmenter, ...rest }) =>
        writeManifest(dir, {
          ...rest,
          segmenter: { ...segmenter, features: segmenter.features?.slice(1) },
        }),
    ],
    [
      'states features of another type',
      'MODEL_INVALID',
      (dir, { segmenter, ...rest }) =>
        writeManifest(dir, {
          ...rest,
          segmenter: {
            ...segmenter,
            features: segmenter.features?.map((feature) => ({ ...feature, type: 'int64' })),
          },
        }),
    ],
  ])('that %s is refused by code', async (name, expected, change) => {
    expect(await code(damaged(name.replaceAll(' ', '-'), change))).toBe(expected);
  });
});
