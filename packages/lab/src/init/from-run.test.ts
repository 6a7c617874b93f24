/** What every model keeps of a run of its own when image size or note encoder are others, from the shapes of its parameters. */
import { describe, expect, it } from 'vitest';
import { loadPreset } from '../config/config.js';
import { buildModel, modelNames } from '../model/registry.js';
import { WordEncoder } from '../text/words.js';
import { tableOfRun } from './from-run.js';
import { type Plan, planInit } from './plan.js';
import type { Shapes } from './recipe.js';

const RESNET = { blocks: [1, 1, 1, 1] };
const SWIN = { width: 8, depths: [1, 1], heads: [1, 2] };
/** Small forms of each. */
const OPTIONS: Readonly<Record<string, Record<string, unknown>>> = {
  unetpp: RESNET,
  convirt: RESNET,
  gloria: RESNET,
  transunet: { width: 16, layers: 1, heads: 2 },
  uctransnet: { layers: 1 },
  swinunet: SWIN,
  lavt: SWIN,
};
/** Tables of positions that have the grid of the image; ViLT resizes a table of one size in each pass. */
const TABLES: Readonly<Record<string, readonly string[]>> = {
  reclmis: ['interact.embeddings.position_embeddings'],
  lvit: ['downVit', 'downVit1', 'downVit2', 'downVit3'].map((at) => `${at}.embeddings.position_embeddings`),
  transunet: ['transformer.embeddings.position_embeddings'],
  uctransnet: [1, 2, 3, 4].map((i) => `mtc.embeddings_${i}.position_embeddings`),
  clipseg: ['clip_model.visual.positional_embedding'],
};
/** What has the shape of the image's grid and cannot be interpolated: LViT's convolution with a channel for each place. */
const FRESH: Readonly<Record<string, RegExp>> = { lvit: /^downVit\.CTBN3\./ };
/** Parameters that read the encoder's features; a run under another encoder does not give them. */
const READERS: Readonly<Record<string, readonly string[]>> = {
  reclmis: ['text_module4.weight', 'text_module4.bias'],
  lvit: ['text_module4.weight', 'text_module4.bias'],
  convirt: ['bert_l1.weight', 'bert_l1.bias'],
  gloria: ['global_embedder.weight', 'global_embedder.bias', 'local_embedder.weight'],
  clipseg: ['film_mul.weight', 'film_mul.bias', 'film_add.weight', 'film_add.bias'],
  lavt: [0, 1].flatMap((i) =>
    ['f_key', 'f_value'].flatMap((name) =>
      ['weight', 'bias'].map((part) => `backbone.layers.${i}.fusion.image_lang_att.${name}.0.${part}`),
    ),
  ),
};

const encoderOf = (width: number): WordEncoder =>
  WordEncoder.fromNotes(['left lung'], { contextLength: 12, width });
const NARROW = encoderOf(32);

function shapesOf(name: string, imageSize: number, encoder: WordEncoder): Shapes {
  const { model } = loadPreset('phantom', {
    'model.name': name,
    'model.baseWidth': 8,
    'model.imageSize': imageSize,
    'model.options': OPTIONS[name] ?? {},
  });
  using built = buildModel(model, encoder);
  return new Map([...built.stateDict()].map(([key, { shape }]) => [key, shape]));
}

function plan(name: string, own: Shapes, run: Shapes, encoder = NARROW): Plan {
  const { table } = tableOfRun(
    { model: name, encoder: NARROW.describe(), shapes: run },
    { model: name, encoder: encoder.describe(), shapes: own },
  );
  return planInit(own, run, table);
}

const sorted = (keys: readonly string[] = []): string[] => [...keys].sort();

describe('a run at another image size', () => {
  it.each(modelNames().filter((name) => name !== 'nnunet'))(
    'of %s gives all it has, tables of positions interpolated',
    (name) => {
      const run = shapesOf(name, 64, NARROW);
      const { steps, missing, left } = plan(name, shapesOf(name, 128, NARROW), run);
      const resized = steps.filter(({ fit }) => fit === 'resized').map(({ key }) => key);
      const fresh = [...run.keys()].filter((key) => FRESH[name]?.test(key));
      expect([sorted(missing), sorted(left), sorted(resized)]).toEqual([
        sorted(fresh),
        sorted(fresh),
        sorted(TABLES[name]),
      ]);
    },
  );
});

describe('a run under another encoder', () => {
  it.each(modelNames())(
    'of %s gives all but what reads notes, whatever the width of its features',
    (name) => {
      const run = shapesOf(name, 64, NARROW);
      for (const width of [32, 48]) {
        const encoder = Object.assign(encoderOf(width), { describe: () => ({ kind: 'clip', id: 'other' }) });
        const words = name === 'vilt' ? ['text_embeddings.word_embeddings.weight'] : READERS[name];
        expect(sorted(plan(name, shapesOf(name, 64, encoder), run, encoder).missing)).toEqual(sorted(words));
      }
    },
  );
});

describe('nnU-Net, whose levels follow from the image size', () => {
  const [small, large] = [shapesOf('nnunet', 64, NARROW), shapesOf('nnunet', 256, NARROW)]; // 4 and 6 levels

  it('gives each level to the one as far from the finest, at a larger size', () => {
    const { steps, missing, left } = plan('nnunet', large, small);
    expect(left).toEqual([]);
    const fresh = /^(?:conv_blocks_context\.[56]|(?:tu|conv_blocks_localization|seg_outputs)\.[01])\./;
    expect(sorted(missing)).toEqual(sorted([...large.keys()].filter((key) => fresh.test(key))));
    const from = new Map(steps.map(({ key, recipe }) => [key, recipe.from[0]]));
    const block = 'conv_blocks_context';
    expect(from.get(`${block}.3.blocks.1.conv.weight`)).toBe(`${block}.3.blocks.1.conv.weight`);
    expect(from.get(`${block}.4.blocks.1.conv.weight`)).toBe(`${block}.4.1.blocks.0.conv.weight`); // was the coarsest
    expect(from.get('seg_outputs.5.weight')).toBe('seg_outputs.3.weight'); // the finest
    expect(from.get('conv_blocks_localization.2.0.blocks.0.conv.weight')).toBe(
      'conv_blocks_localization.0.0.blocks.0.conv.weight',
    );
  });

  it('takes all it has at a smaller size', () => {
    const { steps, missing } = plan('nnunet', small, large);
    expect(missing).toEqual([]);
    const from = new Map(steps.map(({ key, recipe }) => [key, recipe.from[0]]));
    const bias = 'conv.bias';
    expect(from.get(`conv_blocks_context.4.0.blocks.0.${bias}`)).toBe(
      `conv_blocks_context.4.blocks.0.${bias}`,
    );
    expect(from.get('tu.0.weight')).toBe('tu.2.weight');
  });
});

it('leaves a head with another number of outputs as drawn', () => {
  const run = new Map(shapesOf('unet', 64, NARROW));
  const own = new Map(run);
  for (const key of run.keys()) if (key.startsWith('outc.')) own.set(key, [2, ...run.get(key)!.slice(1)]);
  expect(sorted(plan('unet', own, run).missing)).toEqual(['outc.bias', 'outc.weight']);
});
