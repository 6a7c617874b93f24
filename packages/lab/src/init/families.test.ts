/** Every family's table against the keys and shapes that golden files list, and the values that come out of small files. */
import { existsSync, readFileSync } from 'node:fs';
import { scope, Tensor } from '@reclmis/torch';
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import {
  clipHuggingFaceShapes,
  clipShapes,
  googleShapes,
  numbered,
  resNetShapes,
  swinShapes,
  swinTorchvisionShapes,
  viltHuggingFaceShapes,
  viltShapes,
  vitShapes,
  vitTorchvisionShapes,
} from '../testing/published-weights.js';
import { FAMILIES, familyOf } from './families.js';
import { prefixOf } from './family.js';
import { deeperThanModel, type Plan, planInit, withoutPrefix } from './plan.js';
import { fit, make, put, type Recipe, type Shapes } from './recipe.js';
import { RESNET_50 } from './resnet.js';
import { pairWords } from './words.js';

/** The authors' keys and shapes are in the folder `shared` next to the repository; tests skip where it is not there. */
const goldenPath = (file: string): string =>
  fileURLToPath(new URL(`../../../../../shared/golden/${file}`, import.meta.url));

const BASE = { width: 768, depth: 12, heads: 12, patch: 16, inputs: 3, grid: 14 };
const HYBRID = { ...BASE, patch: 1, inputs: 1024, stem: { width: 64, units: [3, 4, 9] } };
const SWIN_S = { width: 96, depths: [2, 2, 18, 2], heads: [3, 6, 12, 24], window: 7 };
const SWIN_B = { width: 128, depths: [2, 2, 18, 2], heads: [4, 8, 16, 32], window: 12 };
const B32 = { ...BASE, patch: 32, grid: 12 };

function planOf(model: string, own: Shapes, file: Shapes): Plan & { readonly family: string } {
  const { family, prefix } = familyOf('file', file, model);
  const inner = withoutPrefix(file, prefix);
  return { ...planInit(own, file, family.tables[model]!(inner), prefix), family: family.id };
}

function golden(model: string): Shapes {
  const { parameters } = JSON.parse(readFileSync(goldenPath(`${model}.json`), 'utf8')) as {
    parameters: [string, number[], boolean][];
  };
  return new Map(parameters.map(([key, shape]) => [key, shape]));
}

const count = (model: string, pattern: RegExp): number =>
  [...golden(model).keys()].filter((key) => pattern.test(key)).length;

describe('a published model of full size', () => {
  it
    .skipIf(!existsSync(goldenPath('convirt.json')))
    .each<[model: string, family: string, file: Shapes, part: RegExp, resized: number, left: string[]]>([
      ['convirt', 'resnet50', resNetShapes(64, [3, 4, 6, 3]), /^encoder\./, 0, ['fc.weight', 'fc.bias']],
      ['gloria', 'resnet50', resNetShapes(64, [3, 4, 6, 3]), /^encoder\./, 0, ['fc.weight', 'fc.bias']],
      [
        'unetpp',
        'se-resnet101',
        resNetShapes(64, [3, 4, 23, 3], true),
        /^encoder\./,
        0,
        ['last_linear.weight', 'last_linear.bias'],
      ],
      [
        'swinunet',
        'swin',
        swinShapes(SWIN_S),
        /patch_embed|\.blocks\.|\.downsample\.|_unet\.norm\./,
        0,
        ['head.weight', 'head.bias'],
      ],
      [
        'swinunet',
        'swin',
        swinShapes({ ...SWIN_S, window: 12, late: true }),
        /patch_embed|\.blocks\.|\.downsample\.|_unet\.norm\./,
        46,
        ['head.fc.weight', 'head.fc.bias'],
      ],
      [
        'lavt',
        'swin',
        swinShapes(SWIN_B),
        /^backbone\.(?:patch_embed|layers\.\d\.(?:blocks|downsample))/,
        24,
        ['norm.weight', 'norm.bias', 'head.weight', 'head.bias'],
      ],
      [
        'lavt',
        'swin',
        swinShapes({ ...SWIN_B, window: 7, late: true }),
        /^backbone\.(?:patch_embed|layers\.\d\.(?:blocks|downsample))/,
        0,
        ['norm.weight', 'norm.bias', 'head.fc.weight', 'head.fc.bias'],
      ],
      [
        'transunet',
        'r50-vit',
        vitShapes(HYBRID),
        /^transformer\./,
        0,
        ['cls_token', 'head.weight', 'head.bias'],
      ],
      [
        'transunet',
        'r50-vit',
        vitShapes({ ...HYBRID, grid: 24 }),
        /^transformer\./,
        1,
        ['cls_token', 'head.weight', 'head.bias'],
      ],
      [
        'transunet',
        'google-vit',
        googleShapes(HYBRID),
        /^transformer\./,
        0,
        ['cls', 'head/kernel', 'head/bias'],
      ],
      [
        'transunet',
        'google-vit',
        googleShapes({ ...HYBRID, grid: 24 }),
        /^transformer\./,
        1,
        ['cls', 'head/kernel', 'head/bias'],
      ],
      [
        'transunet',
        'vit',
        vitShapes(BASE),
        /^transformer\.(?:encoder\.|embeddings\.position)/,
        0,
        ['cls_token', 'patch_embed.proj.weight', 'patch_embed.proj.bias', 'head.weight', 'head.bias'],
      ],
      [
        'swinunet',
        'swin-torchvision',
        swinTorchvisionShapes(SWIN_S),
        /patch_embed|\.blocks\.|\.downsample\.|_unet\.norm\./,
        0,
        ['head.weight', 'head.bias'],
      ],
      [
        'lavt',
        'swin-torchvision',
        swinTorchvisionShapes(SWIN_B),
        /^backbone\.(?:patch_embed|layers\.\d\.(?:blocks|downsample))/,
        24,
        ['norm.weight', 'norm.bias', 'head.weight', 'head.bias'],
      ],
      [
        'transunet',
        'vit-torchvision',
        vitTorchvisionShapes({ ...BASE, grid: 24 }),
        /^transformer\.(?:encoder\.|embeddings\.position)/,
        1,
        ['class_token', 'conv_proj.weight', 'conv_proj.bias', 'heads.head.weight', 'heads.head.bias'],
      ],
      [
        'vilt',
        'vit-torchvision',
        vitTorchvisionShapes({ ...B32, grid: 7 }, ['0', '3']),
        /^transformer\./,
        1,
        ['heads.head.weight', 'heads.head.bias'],
      ],
      [
        'vilt',
        'vilt-hf',
        viltHuggingFaceShapes(B32, 1000),
        /^(?:transformer|text_embeddings|token_type_embeddings)\./,
        0,
        ['mlm_score.bias'],
      ],
      ['vilt', 'vit', vitShapes(B32), /^transformer\./, 0, ['head.weight', 'head.bias']],
      [
        'vilt',
        'google-vit',
        googleShapes({ ...B32, grid: 7 }),
        /^transformer\./,
        1,
        ['head/kernel', 'head/bias'],
      ],
      [
        'vilt',
        'vilt',
        viltShapes(B32, 1000),
        /^(?:transformer|text_embeddings|token_type_embeddings)\./,
        0,
        ['pooler.dense.weight', 'pooler.dense.bias', 'itm_score.fc.weight', 'itm_score.fc.bias'],
      ],
      [
        'clipseg',
        'clip',
        clipShapes(BASE),
        /^clip_model\./,
        0,
        ['positional_embedding', 'transformer.resblocks.0.ln_1.weight', 'logit_scale'],
      ],
      [
        'clipseg',
        'clip',
        clipShapes({ ...BASE, grid: 24 }),
        /^clip_model\./,
        1,
        ['positional_embedding', 'transformer.resblocks.0.ln_1.weight', 'logit_scale'],
      ],
      ['clipseg', 'clip-hf', clipHuggingFaceShapes(BASE), /^clip_model\./, 0, []],
    ])('%s from %s takes all of its part', (model, family, file, part, resized, left) => {
    const plan = planOf(model, golden(model), file);
    expect(plan.family).toBe(family);
    expect(plan.steps).toHaveLength(count(model, part));
    expect(plan.steps.every(({ key }) => part.test(key))).toBe(true);
    expect(plan.steps.filter((step) => step.fit === 'resized')).toHaveLength(resized);
    expect(plan.missing).toHaveLength(golden(model).size - plan.steps.length);
    expect([...plan.left].sort()).toEqual([...left].sort());
    expect(plan.share).toBe(1);
  });

  it.skipIf(!existsSync(goldenPath('tganet.json')))('TGANet takes three layers of ResNet-50', () => {
    const plan = planOf('tganet', golden('tganet'), resNetShapes(64, [3, 4, 6, 3]));
    expect(plan.steps).toHaveLength(count('tganet', /^layer[0-3]\./));
    expect(plan.left.every((name) => /^(?:layer4|fc)\./.test(name))).toBe(true);
    expect(plan.share).toBe(1);
  });

  it.skipIf(!existsSync(goldenPath('swinunet.json')))('Swin-T fills six of the eighteen blocks', () => {
    const plan = planOf('swinunet', golden('swinunet'), swinShapes({ ...SWIN_S, depths: [2, 2, 6, 2] }));
    const fresh = plan.missing.filter((key) => key.includes('.blocks.'));
    expect(fresh).toHaveLength(2 * 12 * 13);
    expect(fresh.every((key) => /layers(?:_up\.1|\.2)\.blocks\.(?:[6-9]|1\d)\./.test(key))).toBe(true);
    expect(plan.share).toBeCloseTo(0.48, 2);
  });

  it.skipIf(!existsSync(goldenPath('vilt.json')))('ViLT leaves a word table of another vocabulary', () => {
    const plan = planOf('vilt', golden('vilt'), viltShapes(B32, 30_522));
    expect(plan.left).toContain('text_embeddings.word_embeddings.weight');
    expect(plan.missing.filter((key) => key.startsWith('text_'))).toEqual([
      'text_embeddings.word_embeddings.weight',
    ]);
  });
});

describe('a deeper file', () => {
  it('is told by a stage of which the model takes few blocks', () => {
    const blocks = RESNET_50.blocks!;
    const own = resNetShapes(8, [3, 4, 6, 3]);
    const planned = (file: Shapes): Plan =>
      planInit(
        new Map([...own].map(([name, shape]) => [`encoder.${name}`, shape])),
        file,
        RESNET_50.tables['convirt']!(file),
      );
    expect(deeperThanModel(planned(own), own, blocks)).toBeNull();
    const deep = resNetShapes(8, [3, 4, 23, 3]);
    expect(deeperThanModel(planned(deep), deep, blocks)).toEqual({ stage: 'layer3', blocks: 23, taken: 6 });
  });

  it('is none where a model stops before a stage, as TGANet does', () => {
    const file = resNetShapes(8, [1, 1, 1, 1]);
    const own = new Map([
      ['layer1.1.0.conv1.weight', file.get('layer1.0.conv1.weight')!],
      ['layer3.0.conv1.weight', file.get('layer3.0.conv1.weight')!],
    ]);
    const plan = planInit(own, file, RESNET_50.tables['tganet']!(file));
    expect(plan.steps).toHaveLength(2);
    expect(deeperThanModel(plan, file, RESNET_50.blocks!)).toBeNull();
  });
});

describe('a family', () => {
  it('is known by its names behind any prefix', () => {
    const file = new Map(
      [...resNetShapes(8, [1, 1, 1, 1])].map(([name, shape]) => [`module.${name}`, shape]),
    );
    expect(familyOf('file', file, 'convirt')).toMatchObject({
      family: { id: 'resnet50' },
      prefix: 'module.',
    });
  });

  it('is no architecture with more to it', () => {
    const vit = FAMILIES.find(({ id }) => id === 'vit')!;
    const file = vitShapes({ ...BASE, width: 8, heads: 2, depth: 1 });
    expect(prefixOf(vit, file)).toBe('');
    file.set('blocks.0.ls1.gamma', [8]);
    expect(prefixOf(vit, file)).toBeNull();
  });

  it('is not CLIP’s residual network, whose stem is another', () => {
    const file = new Map(
      [...resNetShapes(8, [1, 1, 1, 1])].map(([name, shape]) => [`visual.${name}`, shape]),
    );
    expect(familyOf('file', file, 'convirt').family.id).toBe('resnet50');
    file.set('visual.attnpool.positional_embedding', [50, 256]);
    expect(() => familyOf('file', file, 'convirt')).toThrow(
      expect.objectContaining({ code: 'INIT_MISMATCH' }),
    );
  });

  it('that nothing knows is refused with what would fit', () => {
    expect(() => familyOf('x.pth', new Map([['a', [1]]]), 'tganet')).toThrow(
      expect.objectContaining({
        code: 'INIT_MISMATCH',
        remedy: expect.stringContaining('ResNet-50') as string,
      }),
    );
  });
});

/** The parameter of `key` from a file of numbered tensors. */
function made(model: string, key: string, target: readonly number[], file: Shapes): number[] {
  const { family, prefix } = familyOf('file', file, model);
  expect(prefix).toBe('');
  const recipe = family.tables[model]!(file)(key)!;
  expect(fit(recipe, file, target)).not.toBeNull();
  return scope(() => {
    const tensors = numbered(file);
    const tensor = make(recipe, (name) => tensors.get(name)!, target);
    expect(tensor.shape).toEqual(target);
    return [...tensor.contiguous().toFloat32Array()];
  });
}

const numbersOf = (file: Shapes, name: string): number[] =>
  scope(() => [
    ...numbered(new Map([[name, file.get(name)!]]))
      .get(name)!
      .toFloat32Array(),
  ]);

describe('values', () => {
  const small = {
    width: 8,
    depth: 2,
    heads: 2,
    patch: 1,
    inputs: 16,
    grid: 2,
    stem: { width: 4, units: [1, 1, 1] },
  };
  const block = 'Transformer/encoderblock_1';

  it('of Google’s dense kernels are transposed, heads flattened', () => {
    const file = googleShapes(small);
    const name = `${block}/MultiHeadDotProductAttention_1/key/kernel`; // [C,H,D]
    const from = numbersOf(file, name);
    const weight = made('transunet', 'transformer.encoder.layer.1.attn.key.weight', [8, 8], file);
    for (let o = 0; o < 8; o++) for (let i = 0; i < 8; i++) expect(weight[o * 8 + i]).toBe(from[i * 8 + o]);
    const out = numbersOf(file, `${block}/MultiHeadDotProductAttention_1/out/kernel`); // [H,D,C]
    const ours = made('transunet', 'transformer.encoder.layer.1.attn.out.weight', [8, 8], file);
    expect(ours[1 * 8 + 5]).toBe(out[5 * 8 + 1]);
    const wide = made('transunet', 'transformer.encoder.layer.1.ffn.fc1.weight', [32, 8], file);
    expect(wide[3 * 8 + 7]).toBe(numbersOf(file, `${block}/MlpBlock_3/Dense_0/kernel`)[7 * 32 + 3]);
    const bias = made('transunet', 'transformer.encoder.layer.1.attn.query.bias', [8], file);
    expect(bias).toEqual(numbersOf(file, `${block}/MultiHeadDotProductAttention_1/query/bias`));
  });

  it('of Google’s convolutions go from HWIO to OIHW', () => {
    const file = googleShapes(small);
    const from = numbersOf(file, 'block1/unit1/conv2/kernel'); // [3,3,4,4]
    const key = 'transformer.embeddings.hybrid_model.body.block1.unit1.conv2.weight';
    const ours = made('transunet', key, [4, 4, 3, 3], file);
    const [o, i, h, w] = [3, 1, 2, 0];
    expect(ours[((o * 4 + i) * 3 + h) * 3 + w]).toBe(from[((h * 3 + w) * 4 + i) * 4 + o]);
    const scale = made('transunet', key.replace('conv2', 'gn2'), [4], file);
    expect(scale).toEqual(numbersOf(file, 'block1/unit1/gn2/scale'));
  });

  it('of ViLT’s joint projection are Google’s three, one after the other', () => {
    const file = googleShapes(small);
    const bias = made('vilt', 'transformer.blocks.1.attn.qkv.bias', [24], file);
    const parts = ['query', 'key', 'value'].flatMap((part) =>
      numbersOf(file, `${block}/MultiHeadDotProductAttention_1/${part}/bias`),
    );
    expect(bias).toEqual(parts);
    const weight = made('vilt', 'transformer.blocks.1.attn.qkv.weight', [24, 8], file);
    const value = numbersOf(file, `${block}/MultiHeadDotProductAttention_1/value/kernel`);
    expect(weight[(16 + 3) * 8 + 6]).toBe(value[6 * 8 + 3]);
  });

  it('of TransUNet’s projections are thirds of timm’s', () => {
    const file = vitShapes(small);
    const whole = numbersOf(file, 'blocks.0.attn.qkv.weight');
    for (const [third, name] of ['query', 'key', 'value'].entries())
      expect(made('transunet', `transformer.encoder.layer.0.attn.${name}.weight`, [8, 8], file)).toEqual(
        whole.slice(64 * third, 64 * third + 64),
      );
  });

  it('of CLIP’s joint projection are Hugging Face’s three; its projection is transposed', () => {
    const file = clipHuggingFaceShapes({ ...small, patch: 2, inputs: 3 }, 4);
    const ours = made('clipseg', 'clip_model.visual.transformer.resblocks.0.attn.in_proj_bias', [24], file);
    const parts = ['q', 'k', 'v'].flatMap((part) =>
      numbersOf(file, `vision_model.encoder.layers.0.self_attn.${part}_proj.bias`),
    );
    expect(ours).toEqual(parts);
    const projection = made('clipseg', 'clip_model.visual.proj', [8, 4], file);
    expect(projection[6 * 4 + 1]).toBe(numbersOf(file, 'visual_projection.weight')[1 * 8 + 6]);
  });

  it('of the decoder of Swin-Unet are those of the mirrored stage', () => {
    const file = swinShapes({ width: 4, depths: [1, 1, 2, 1], heads: [1, 1, 2, 2], window: 2 });
    const key = 'swin_unet.layers_up.1.blocks.1.mlp.fc2.bias';
    expect(made('swinunet', key, [16], file)).toEqual(numbersOf(file, 'layers.2.blocks.1.mlp.fc2.bias'));
  });

  it('of torchvision’s are those of the same stage, and thirds of its joint projection', () => {
    const file = swinTorchvisionShapes({ width: 4, depths: [1, 2, 1, 1], heads: [1, 1, 2, 2], window: 2 });
    const at = (key: string, target: number[]): number[] =>
      made('lavt', `backbone.layers.1.${key}`, target, file);
    expect(at('blocks.1.mlp.fc2.weight', [8, 32])).toEqual(numbersOf(file, 'features.3.1.mlp.3.weight'));
    expect(at('downsample.norm.bias', [32])).toEqual(numbersOf(file, 'features.4.norm.bias'));
    const table = 'attn.relative_position_bias_table';
    expect(at(`blocks.0.${table}`, [9, 1])).toEqual(numbersOf(file, `features.3.0.${table}`));
    const vit = vitTorchvisionShapes(small);
    const layer = 'encoder.layers.encoder_layer_1';
    const bias = numbersOf(vit, `${layer}.self_attention.in_proj_bias`);
    expect(made('transunet', 'transformer.encoder.layer.1.attn.value.bias', [8], vit)).toEqual(
      bias.slice(16),
    );
    expect(made('transunet', 'transformer.encoder.layer.1.ffn.fc2.bias', [8], vit)).toEqual(
      numbersOf(vit, `${layer}.mlp.linear_2.bias`),
    );
  });

  it('of ViLT’s joint projection are Hugging Face’s three', () => {
    const file = viltHuggingFaceShapes({ ...small, patch: 2, inputs: 3 }, 10);
    const { family, prefix } = familyOf('file', file, 'vilt');
    const recipe = family.tables['vilt']!(file)('transformer.blocks.1.attn.qkv.bias')!;
    const parts = ['query', 'key', 'value'].map((name) => `encoder.layer.1.attention.attention.${name}.bias`);
    expect([prefix, recipe.from]).toEqual(['vilt.', parts]);
  });

  it('of words go to the same words, and the others stay', () => {
    const rows = pairWords(
      ['<pad>', '<unk>', 'left', 'lung', 'rare'],
      ['[PAD]', 'lung', 'x', '[UNK]', 'left'],
    );
    expect(rows).toEqual([
      [1, 3],
      [2, 4],
      [3, 1],
    ]);
    const recipe: Recipe = { from: ['t'], rows };
    const target = [5, 2];
    expect(fit(recipe, new Map([['t', [5, 2]]]), target)).toBe('rows');
    expect(fit(recipe, new Map([['t', [4, 2]]]), target)).toBeNull(); // row 4 is not there
    expect(fit(recipe, new Map([['t', [5, 3]]]), target)).toBeNull();
    scope(() => {
      const own = Tensor.fromFloat32(
        Float32Array.from({ length: 10 }, (_, i) => -i),
        target,
      );
      const file = Tensor.fromFloat32(
        Float32Array.from({ length: 10 }, (_, i) => 10 + i),
        [5, 2],
      );
      put(
        own,
        make(recipe, () => file, target),
        recipe,
      );
      expect([...own.toFloat32Array()]).toEqual([-0, -1, 16, 17, 18, 19, 12, 13, -8, -9]);
    });
  });

  it('of merges are found where timm keeps them', () => {
    const file = swinShapes({ width: 4, depths: [1, 1, 1, 1], heads: [1, 1, 1, 1], window: 2, late: true });
    const ours = made('lavt', 'backbone.layers.1.downsample.reduction.weight', [16, 32], file);
    expect(ours).toEqual(numbersOf(file, 'layers.2.downsample.reduction.weight'));
  });
});

/** Values of a table [rows,C] of which each row is given by its place. */
const table = (side: number, value: (y: number, x: number) => number[]): number[] =>
  Array.from({ length: side * side }, (_, at) => value(Math.floor(at / side), at % side)).flat();

function resized(recipe: Omit<Recipe, 'from'>, from: number[], shape: number[], target: number[]): number[] {
  return scope(() => [
    ...make({ from: ['t'], ...recipe }, () => Tensor.fromFloat32(from, shape), target)
      .contiguous()
      .toFloat32Array(),
  ]);
}

/**
 * Bicubic interpolation of a square of numbers, written from its definition (Keys 1981, a = -0.75; place p of the result lies at (p + 1/2) from/to - 1/2; beyond the
 * edge its values repeat), as PyTorch's `interpolate(mode='bicubic', align_corners=False)` has it. In float64.
 */
function bicubic(values: readonly number[], from: number, to: number): number[] {
  const kernel = (x: number): number => {
    const [a, d] = [-0.75, Math.abs(x)];
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  };
  const weights = (place: number): readonly (readonly [at: number, weight: number])[] => {
    const center = ((place + 0.5) * from) / to - 0.5;
    const base = Math.floor(center);
    return [-1, 0, 1, 2].map((k) => [Math.min(Math.max(base + k, 0), from - 1), kernel(center - base - k)]);
  };
  const places = Array.from({ length: to }, (_, place) => weights(place));
  return places.flatMap((down) =>
    places.map((across) =>
      down.reduce(
        (sum, [y, v]) => sum + v * across.reduce((row, [x, w]) => row + w * values[y * from + x]!, 0),
        0,
      ),
    ),
  );
}

/** Numbers without any order, one for each row and column of a table. */
const scattered = (rows: number, width: number): number[] =>
  Array.from({ length: rows * width }, (_, i) => Math.sin(12.9898 * (i + 1)) * 2);

const columnOf = (values: readonly number[], width: number, column: number): number[] =>
  values.filter((_, i) => i % width === column);

describe('tables over positions', () => {
  it.each<[string, 'bias' | 'positions', from: number, to: number]>([
    ['window 12 to window 7', 'bias', 23, 13],
    ['window 7 to window 12', 'bias', 13, 23],
    ['224 pixels to 384', 'positions', 14, 24],
    ['384 pixels to 224', 'positions', 24, 14],
    ['3 places to 2', 'positions', 3, 2],
    ['one place to 4', 'positions', 1, 4],
  ])('are interpolated from %s as the definition has it', (_, kind, from, to) => {
    const C = 3;
    const values = scattered(from * from, C);
    const lead = kind === 'bias' ? [] : [1];
    const out = resized({ table: kind }, values, [...lead, from * from, C], [...lead, to * to, C]);
    for (let c = 0; c < C; c++) {
      const expected = bicubic(columnOf(values, C, c), from, to);
      columnOf(out, C, c).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4)); // float32 of weights above 1
    }
  });

  it('keep the class token’s row in front', () => {
    const [C, from, to] = [2, 7, 12];
    const values = scattered(1 + from * from, C);
    const out = resized({ table: 'positions' }, values, [1, 1 + from * from, C], [1, 1 + to * to, C]);
    expect(out.slice(0, C)).toEqual([...Float32Array.from(values.slice(0, C))]);
    for (let c = 0; c < C; c++) {
      const expected = bicubic(columnOf(values.slice(C), C, c), from, to);
      columnOf(out.slice(C), C, c).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
    }
  });

  it('lose the class token’s row where the model has none', () => {
    expect(fit({ from: ['t'], table: 'positions' }, new Map([['t', [1, 10, 1]]]), [1, 9, 1])).toBe('as-is');
    const from = [100, ...table(3, (y, x) => [3 * y + x])];
    expect(resized({ table: 'positions' }, from, [1, 10, 1], [1, 9, 1])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it.each<[string, 'positions' | 'bias', number[], number[]]>([
    ['other heads', 'bias', [169, 3], [169, 4]],
    ['rows that are no square', 'positions', [1, 12, 4], [1, 16, 4]],
    ['a class token that the file lacks', 'positions', [1, 9, 4], [1, 10, 4]],
    ['an even side of offsets', 'bias', [16, 3], [169, 3]],
    ['other axes', 'positions', [9, 4], [1, 9, 4]],
    ['numbers alone', 'positions', [9], [4]],
  ])('with %s do not fit', (_, kind, shape, target) => {
    expect(fit({ from: ['t'], table: kind }, new Map([['t', shape]]), target)).toBeNull();
  });

  it('fit no recipe whose tensors are missing or of odd thirds', () => {
    expect(fit({ from: ['a', 'b'] }, new Map([['a', [1]]]), [2])).toBeNull();
    expect(fit({ from: ['a'], third: 0 }, new Map([['a', [4, 2]]]), [1, 2])).toBeNull();
    expect(fit({ from: ['a'], layout: 'hwio' }, new Map([['a', [4, 2]]]), [2, 4])).toBeNull();
    expect(fit({ from: ['a'], layout: 'io' }, new Map([['a', [3, 2]]]), [3, 2])).toBeNull();
  });
});
