/** What a model sees of images before it reads their notes: every registered model, and the engine's open images. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualSeed, memory, noGrad, rand, randn, scope, setThreads, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadConfig } from '../config/config.js';
import { buildModel, modelDescriptor, modelNames } from '../model/registry.js';
import { RecLMIS } from '../model/reclmis.js';
import type { LoadedModel } from '../run/run.js';
import { openRun } from '../run/run.js';
import { makeTinyRun, TINY_RUN_SIZE as S } from '../testing/tiny-run.js';

const T = 6;
const SMALL: Readonly<Record<string, object>> = {
  transunet: { width: 16, layers: 2, heads: 2 },
  uctransnet: { layers: 2, heads: 2 },
  unetpp: { blocks: [1, 1, 1, 1] },
  convirt: { blocks: [1, 1, 1, 1] },
  gloria: { blocks: [1, 1, 1, 1] },
  swinunet: { width: 8, depths: [2, 2], heads: [1, 2], window: 3 },
  lavt: { width: 8, depths: [2, 2], heads: [1, 2], window: 3, fusionHeads: 2 },
  tganet: { wordWidth: 8 },
  vilt: { patch: 16, tokens: T },
};

beforeAll(() => setThreads(1)); // tiny tensors: threads would only wait for each other

describe('every registered model', () => {
  it.each(modelNames())('%s gives the same mask from features as from images', (name) => {
    const settings = loadConfig(undefined, {
      'model.name': name,
      'model.baseWidth': 8,
      'model.imageSize': S,
      'model.layers': 1,
      'model.options': SMALL[name] ?? {},
    }).model;
    manualSeed(1);
    using model = buildModel(settings, { width: 16, contextLength: T, logitScale: 1, vocabularySize: 20 });
    model.eval();
    noGrad(() =>
      scope(() => {
        const images = rand([2, 3, S, S]);
        const ids = Tensor.fromInt64([1, 2, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0], [2, T]);
        const note = { features: randn([2, T, 16]), valid: ids.ne(0), ids };
        const expected = model.segment(images, model.readsNotes ? note : null).probability.toFloat32Array();
        const features = model.imageFeatures(images);
        const found = model.withNote(features, model.readsNotes ? note : null);
        expect(found.probability.toFloat32Array()).toEqual(expected); // the same operators
        const { noteEntersEarly } = modelDescriptor(name);
        // The rest must say why it sees nothing of an image ahead of its note.
        const early = features.length === 1 && features[0]?.id === images.id;
        expect(early).toBe(noteEntersEarly !== undefined);
        if (early) expect(model.readsNotes).toBe(true);
      }),
    );
  });
});

describe('open images', () => {
  const root = mkdtempSync(join(tmpdir(), 'reclmis-segmenter-'));
  let model: LoadedModel;
  beforeAll(async () => {
    model = openRun(await makeTinyRun(root)).loadModel({ threads: 1 });
  });
  afterAll(() => {
    model.dispose();
    rmSync(root, { recursive: true, force: true });
  });
  const NOTES = ['upper left lung', 'lower right lung', 'both lungs'];
  const images = Float32Array.from({ length: 2 * 3 * S * S }, (_, i) => ((i * 37) % 101) / 100);
  const one = (b: number): Float32Array => images.slice(b * 3 * S * S, (b + 1) * 3 * S * S);
  // Other sizes of batches may add in another order.
  const close = (found: Float32Array, expected: Float32Array): void => {
    expect(found.length).toBe(expected.length);
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-6);
  };

  it('answer each note as if they were seen again, in any order, and free what they keep', () => {
    const expected = model.probabilities(images.slice(), NOTES.slice(0, 2));
    const alone = [1, 0, 1].map((b, i) => model.probabilities(one(b), [NOTES[i]!]));
    const use = (): number => {
      const before = memory().liveBytes;
      using opened = model.open(images.slice());
      const kept = memory().liveBytes - before;
      expect(opened.probabilities(NOTES.slice(0, 2))).toEqual(expected);
      const found = opened.probabilities(NOTES, [1, 0, 1]);
      alone.forEach((own, i) => close(found.subarray(i * S * S, (i + 1) * S * S), own));
      opened.dispose();
      expect(() => opened.probabilities(NOTES)).toThrow('already disposed');
      return kept;
    };
    use(); // convolutions keep what they make of weights, by the batch's size
    const before = memory();
    expect(use()).toBeGreaterThan(2 * S * S * 4); // a map at least
    expect(memory()).toMatchObject({ liveBytes: before.liveBytes, handles: before.handles });
  });

  it('are opened for equal images of a batch', () => {
    let seen = 0;
    const watched = vi.spyOn(model.model, 'imageFeatures').mockImplementation(function (
      this: RecLMIS,
      given,
    ) {
      seen += given.size(0);
      return RecLMIS.prototype.imageFeatures.call(this, given);
    });
    const twice = new Float32Array(3 * 3 * S * S);
    [0, 1, 0].forEach((b, i) => twice.set(one(b), i * 3 * S * S));
    const found = model.probabilities(twice, NOTES);
    expect(seen).toBe(2);
    watched.mockRestore();
    for (const [i, b] of [0, 1, 0].entries())
      close(found.subarray(i * S * S, (i + 1) * S * S), model.probabilities(one(b), [NOTES[i]!]));
  });
});
