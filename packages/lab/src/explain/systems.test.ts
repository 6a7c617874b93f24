/** Every system of Table 1, tiny: Grad-CAM at its own layer, attention where there is any, and what is said where there is none. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RgbImage } from '@reclmis/core';
import { manualSeed, noGrad, scope, setThreads, Tensor } from '@reclmis/torch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageTensor, Segmenter } from '../engine/segmenter.js';
import { GLoRIA } from '../model/peers/gloria.js';
import { buildModel, modelNames } from '../model/registry.js';
import type { SegmentationModel } from '../model/segmentation-model.js';
import { modelSchema } from '../model/settings.js';
import { WordEncoder } from '../text/words.js';
import { type AttentionPart, isMaps, patchShares, rollout } from './attention-maps.js';
import { writeCaseReport } from './case-report.js';
import { explain, type Explanation, type ExplainOptions } from './explain.js';
import { isMissing } from './interest.js';
import { asMap, mapLayers } from './layers.js';
import { ENGINE } from './testing.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-explain-systems-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeAll(() => setThreads(1));

const S = 64;
const NOTE = 'one infected area, upper left lung';
const encoder = WordEncoder.fromNotes([NOTE, 'lower right lung'], { contextLength: 9, width: 16 });
const all: ExplainOptions = { target: { kind: 'all' }, habits: { sides: 'patient', grammar: 'unknown' } };

const image: RgbImage = {
  width: S,
  height: S,
  data: Uint8Array.from({ length: 3 * S * S }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % S, Math.floor(i / 3 / S)];
    return x > 34 && y < 30 ? 220 : 30 + ((x * 37 + y * 101) % 50);
  }),
};

const RESNET = { blocks: [1, 1, 1, 1] };
const SWIN = { width: 8, depths: [2, 2, 2], heads: [1, 2, 2], window: 3 };

/** Options for small sizes, layer and side of Grad-CAM by default, and what there is of attention: parts, or the reason against. */
const SYSTEMS: Record<string, [object, string, number, readonly string[] | RegExp]> = {
  reclmis: [{}, 'up4', 8, []],
  unet: [{}, 'up4', 8, /^U-Net attends neither between places/],
  lvit: [{}, 'up4', 8, /^LViT’s transformers .* not in one chain/],
  attunet: [{}, 'Up_conv5', 8, ['attention-gates']],
  nnunet: [{}, 'conv_blocks_localization.0.1.blocks.0', 8, /^nnU-Net attends neither/],
  unetpp: [RESNET, 'decoder.blocks.x_0_0', 4, /^U-Net\+\+ attends neither/],
  convirt: [RESNET, 'decoder.blocks.0', 4, /^ConVIRT attends neither/],
  gloria: [RESNET, 'decoder.blocks.0', 4, ['attention-regions']],
  transunet: [{ width: 16, layers: 2, heads: 2 }, 'decoder.blocks.0', 8, ['attention-rollout']],
  uctransnet: [{ layers: 2, heads: 2 }, 'up4', 8, /^UCTransNet attends between channels/],
  swinunet: [SWIN, 'swin_unet.layers_up.0', 8, /^Swin-Unet attends within windows/],
  lavt: [{ ...SWIN, fusionHeads: 2 }, 'classifier.conv2_3', 8, [1, 2, 3].map((i) => `attention-stage-${i}`)],
  tganet: [{}, 'd1', 8, /^TGANet attends neither/],
  clipseg: [{ tower: 'frozen' }, 'trans_conv.0', 4, ['attention-rollout']],
  vilt: [{ patch: 16 }, 'decoder.blocks.0', 8, ['attention-rollout']],
};

/** Those that a note reaches when they segment. */
const READERS = ['reclmis', 'lvit', 'lavt', 'clipseg', 'vilt'];

function withSystem<T>(name: string, body: (segmenter: Segmenter, model: SegmentationModel) => T): T {
  manualSeed(5);
  const [options = {}] = SYSTEMS[name] ?? [];
  const settings = modelSchema.parse({ name, baseWidth: 8, imageSize: S, layers: 1, options });
  using model = buildModel(settings, encoder);
  return scope(() => body(new Segmenter(model.eval(), encoder, ENGINE, 'area'), model));
}

const partsOf = ({ attention }: Explanation): readonly AttentionPart[] => {
  if (isMissing(attention) || !isMaps(attention)) throw new Error('expected maps');
  return attention.parts;
};
const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

describe('explain', () => {
  it('knows every model', () => {
    expect(Object.keys(SYSTEMS).sort()).toEqual([...modelNames()].sort());
    expect(modelNames()).toHaveLength(15);
  });

  it.each(Object.entries(SYSTEMS))(
    'shows Grad-CAM and attention of %s',
    (name, [, layer, side, attention]) => {
      withSystem(name, (segmenter, model) => {
        const found = explain(segmenter, image, NOTE, all);
        const { gradCam } = found;
        if (isMissing(gradCam)) throw new Error(gradCam.missing);
        expect([gradCam.layer, gradCam.side]).toEqual([layer, side]);
        expect(gradCam.values).toHaveLength(side * side);
        expect(Array.from(gradCam.values).every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
        const logits = scope(() => {
          const note = model.readsNotes ? encoder.encode([NOTE]) : null;
          return noGrad(() =>
            model.segment(imageTensor(planes(), 1, S, ENGINE), note).logits.toFloat32Array(),
          );
        });
        expect(gradCam.score / sum(logits)).toBeCloseTo(1, 3); // listening changes nothing; float32 sums of 4096
        expect(mapLayers(segmenter).map(({ path }) => path)).toContain(layer);
        expect(model.unread === null).toBe(READERS.includes(name));
        if (attention instanceof RegExp) {
          expect(found.attention).toEqual({ missing: expect.stringMatching(attention) as string });
        } else if (name !== 'reclmis') {
          const parts = partsOf(found);
          expect(parts.map((part) => part.name)).toEqual(attention);
          for (const { maps } of parts)
            for (const map of maps) {
              expect(map.values).toHaveLength(map.side ** 2);
              expect(Array.from(map.values).every((value) => value >= 0 && value <= 1 + 1e-5)).toBe(true);
            }
        }
      });
    },
  );

  it.each(['swinunet', 'lavt', 'vilt', 'clipseg'])('shows Grad-CAM at layers of tokens of %s', (name) => {
    withSystem(name, (segmenter, model) => {
      const layers = mapLayers(segmenter);
      expect(layers.filter(({ path }) => model.outOfOrder?.test(path))).toEqual([]);
      const tokens = layers.find(({ path }) => /blocks\.\d+\.norm2$|resblocks\.\d+\.ln_2$/.test(path));
      const { gradCam } = explain(segmenter, image, NOTE, { ...all, layer: tokens?.path ?? 'none' });
      expect(gradCam).toMatchObject({ layer: tokens?.path, side: tokens?.side });
    });
  });

  it('rolls attention out over patches, words and class token', () => {
    for (const name of ['transunet', 'clipseg', 'vilt'])
      withSystem(name, (segmenter) => {
        const [part] = partsOf(explain(segmenter, image, NOTE, all));
        const total = sum(part?.maps[0]?.values ?? []) + sum(part?.words ?? []);
        if (name === 'transunet') expect(total).toBeCloseTo(1, 4);
        else expect(total).toBeGreaterThan(0.5); // the rest is the class token's
        expect(total).toBeLessThan(1 + 1e-4);
        expect(part?.words?.length ?? 0).toBe(name === 'vilt' ? 9 : 0);
        if (name === 'vilt') {
          const words = encoder.tokens(NOTE).tokens.map(({ kind }) => kind);
          words.forEach((kind, t) => expect((part?.words?.[t] ?? NaN) === 0, kind).toBe(kind === 'padding'));
        }
      });
  });

  it('gives LAVT’s weights of each place, which sum to 1 over the words', () => {
    withSystem('lavt', (segmenter) => {
      const parts = partsOf(explain(segmenter, image, NOTE, all));
      expect(parts.map(({ maps }) => maps[0]?.side)).toEqual([16, 8, 4]);
      for (const { maps } of parts) {
        const places = maps[0]?.values.length ?? 0;
        for (let n = 0; n < places; n++)
          expect(sum(maps.map(({ values }) => values[n] ?? 0))).toBeCloseTo(1, 4);
      }
      expect(parts[0]?.maps.map(({ label }) => label)).toContain('upper');
    });
  });

  it('gives GLoRIA’s regions of each word of a note, and none without a note', () => {
    withSystem('gloria', (segmenter, model) => {
      if (!(model instanceof GLoRIA)) throw new Error('expected GLoRIA');
      const [part] = partsOf(explain(segmenter, image, NOTE, all));
      const own = noGrad(() =>
        model.forwardTraining(imageTensor(planes(), 1, S, ENGINE), encoder.encode([NOTE])),
      );
      const expected = own.observed?.attention_0;
      const [words, side] = expected?.shape3() ?? [0, 0];
      expect(side).toBe(4);
      expect(part?.maps).toHaveLength(words);
      expect(part?.maps.flatMap(({ values }) => [...values])).toEqual([
        ...(expected?.toFloat32Array() ?? []),
      ]);
      for (const { values } of part?.maps ?? []) expect(sum(values)).toBeCloseTo(1, 5);
      expect(explain(segmenter, image, '', all).attention).toEqual({
        missing: 'GLoRIA attends to words in its loss alone, and no note was given',
      });
    });
  });

  it('writes them into the report', async () => {
    const found = withSystem('vilt', (segmenter) => explain(segmenter, image, NOTE, all));
    const files = await writeCaseReport(root, { id: 'a', image, explanation: found }, { run: 'vilt' });
    expect(readdirSync(root).sort()).toEqual([...files].sort());
    expect(files).toContain('attention-rollout.svg');
    expect(files).toContain('attention-rollout-words.png');
    const page = readFileSync(join(root, 'report.html'), 'utf8');
    expect(page).toContain('<section id="attention-rollout">');
    expect(page).toContain('Abnar and Zuidema');
    const { attention } = JSON.parse(readFileSync(join(root, 'report.json'), 'utf8')) as {
      attention: { name: string; maps: { map: number[][] }[]; tokens: number[] }[];
    };
    expect(attention[0]?.name).toBe('attention-rollout');
    expect(attention[0]?.maps[0]?.map.map((row) => row.length)).toEqual([4, 4, 4, 4]);
    expect(attention[0]?.tokens).toHaveLength(9);
  });
});

describe('rollout', () => {
  it('is a row of the product of halved attention and identity, the last block first', () => {
    const first = Float32Array.from([0, 1, 1, 0]); // each token reads the other
    const last = Float32Array.from([1, 0, 1, 0]); // both read the first
    // (last + I)/2 = [[1, 0], [.5, .5]]; times (first + I)/2 = [[.5, .5], [.5, .5]]
    expect([...rollout([first, last], Float32Array.from([0, 1]))]).toEqual([0.5, 0.5]);
    // the other way round: row 1 of [[.5, .5], [.5, .5]] times [[1, 0], [.5, .5]]
    expect([...rollout([last, first], Float32Array.from([0, 1]))]).toEqual([0.75, 0.25]);
  });

  it('starts from the patches that hold the target', () => {
    const pixels = new Uint8Array(16);
    for (const p of [0, 1, 5, 10]) pixels[p] = 1; // three pixels in the first patch, one in the last
    expect([...patchShares(pixels, 4, 2)]).toEqual([0.75, 0, 0, 0.25]);
    expect([...patchShares(new Uint8Array(16), 4, 2)]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });
});

describe('asMap', () => {
  const context = { size: 32, tokens: 3, grids: [{ side: 2, before: 2 }], outOfOrder: /\.attn$/ };
  const tokens = (length: number): Tensor =>
    Tensor.fromFloat32(
      Float32Array.from({ length: 2 * length }, (_, i) => i),
      [1, length, 2],
    );

  it('leaves out the tokens before the places', () => {
    scope(() => {
      const map = asMap(tokens(6), { path: 'a', module: undefined }, context);
      expect(map?.shape).toEqual([2, 2, 2]);
      expect([...(map?.contiguous().toFloat32Array() ?? [])]).toEqual([4, 6, 8, 10, 5, 7, 9, 11]);
      expect(asMap(tokens(5), { path: 'a', module: undefined }, context)).toBeNull();
      expect(asMap(tokens(6), { path: 'a.attn', module: undefined }, context)).toBeNull();
    });
  });
});

/** [3,S,S], as `explain` makes them: the image has the model's size. */
function planes(): Float32Array {
  return Float32Array.from({ length: 3 * S * S }, (_, i) => {
    const [channel, p] = [Math.floor(i / (S * S)), i % (S * S)];
    return (image.data[3 * p + channel] ?? 0) / 255;
  });
}
