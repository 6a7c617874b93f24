/**
 * Vision transformers: timm's ViT, alone or behind its ResNet (`vit_base_r50_s16`), torchvision's, and
 * Google's `.npz`, with kernels [inputs, outputs] and [height, width, inputs, outputs] and an axis of heads.
 * Positions are resized to the model's grid; TransUNet has no class token.
 */
import { type Family, rename, type Renaming, type Table } from './family.js';
import type { Recipe, Shapes } from './recipe.js';

/** TransUNet has three projections where timm has one. */
const TRANSUNET_TIMM: Renaming = [
  [/^transformer\.embeddings\.position_embeddings$/, 'pos_embed', { table: 'positions' }],
  [/^transformer\.encoder\.encoder_norm\./, 'norm.'],
  [/^transformer\.encoder\.layer\.(\d+)\.attention_norm\./, 'blocks.$1.norm1.'],
  [/^transformer\.encoder\.layer\.(\d+)\.ffn_norm\./, 'blocks.$1.norm2.'],
  [/^transformer\.encoder\.layer\.(\d+)\.ffn\./, 'blocks.$1.mlp.'],
  [/^transformer\.encoder\.layer\.(\d+)\.attn\.out\./, 'blocks.$1.attn.proj.'],
  [/^transformer\.encoder\.layer\.(\d+)\.attn\.query\./, 'blocks.$1.attn.qkv.', { third: 0 }],
  [/^transformer\.encoder\.layer\.(\d+)\.attn\.key\./, 'blocks.$1.attn.qkv.', { third: 1 }],
  [/^transformer\.encoder\.layer\.(\d+)\.attn\.value\./, 'blocks.$1.attn.qkv.', { third: 2 }],
];

const STEM = String.raw`^transformer\.embeddings\.hybrid_model\.`;
const UNIT = String.raw`${STEM}body\.block(\d)\.unit(\d+)\.`;

/** timm counts stages and blocks from 0. */
function transunetStem(key: string): Recipe | null {
  const inner = rename([
    [/^transformer\.embeddings\.patch_embeddings\./, 'patch_embed.proj.'],
    [new RegExp(`${STEM}root\\.conv\\.`), 'patch_embed.backbone.stem.conv.'],
    [new RegExp(`${STEM}root\\.gn\\.`), 'patch_embed.backbone.stem.norm.'],
  ])(key);
  if (inner) return inner;
  const [start, block, unit] = new RegExp(UNIT).exec(key) ?? [];
  if (start === undefined) return null;
  const part = key
    .slice(start.length)
    .replace(/^gn(?=\d)/, 'norm')
    .replace(/^downsample\./, 'downsample.conv.')
    .replace(/^gn_proj\./, 'downsample.norm.');
  return { from: [`patch_embed.backbone.stages.${Number(block) - 1}.blocks.${Number(unit) - 1}.${part}`] };
}

const VILT_TIMM: Renaming = [
  [/^transformer\.(pos_embed)$/, '$1', { table: 'positions' }],
  [/^transformer\.(cls_token|patch_embed\..+|blocks\..+|norm\..+)$/, '$1'],
];

const first =
  (...tables: readonly Table[]): Table =>
  (key) => {
    for (const table of tables) {
      const recipe = table(key);
      if (recipe) return recipe;
    }
    return null;
  };

/**
 * Layer scale, norms of query and key or before the blocks, a second class token: the others do not work
 * without them.
 */
const OTHER_VITS = [
  'blocks.0.ls1.gamma',
  'blocks.0.gamma_1',
  'blocks.0.attn.q_norm.weight',
  'norm_pre.weight',
  'dist_token',
];

export const VIT: Family = {
  id: 'vit',
  title: 'ViT-B/16 or B/32 (timm)',
  marks: ['blocks.0.attn.qkv.weight', 'patch_embed.proj.weight', 'pos_embed'],
  absent: OTHER_VITS,
  tables: { transunet: () => rename(TRANSUNET_TIMM), vilt: () => rename(VILT_TIMM) },
};

export const R50_VIT: Family = {
  id: 'r50-vit',
  title: 'R50+ViT-B/16 (timm)',
  marks: ['blocks.0.attn.qkv.weight', 'patch_embed.backbone.stages.0.blocks.0.conv1.weight', 'pos_embed'],
  absent: OTHER_VITS,
  tables: { transunet: () => first(rename(TRANSUNET_TIMM), transunetStem) },
};

const LAYER = 'encoder.layers.encoder_layer_';

/** torchvision's names since 0.14, and in its published files. */
const mlpNames = (file: Shapes): readonly [string, string] =>
  file.has(`${LAYER}0.mlp.linear_1.weight`) ? ['linear_1', 'linear_2'] : ['0', '3'];

function transunetTorchvision(file: Shapes): Table {
  const [fc1, fc2] = mlpNames(file);
  const at = String.raw`^transformer\.encoder\.layer\.(\d+)\.`;
  const part = (third: 0 | 1 | 2, name: string): Renaming[number] => [
    new RegExp(`${at}attn\\.${name}\\.(?=weight|bias)`),
    `${LAYER}$1.self_attention.in_proj_`,
    { third },
  ];
  return rename([
    [/^transformer\.embeddings\.position_embeddings$/, 'encoder.pos_embedding', { table: 'positions' }],
    [/^transformer\.encoder\.encoder_norm\./, 'encoder.ln.'],
    [new RegExp(`${at}attention_norm\\.`), `${LAYER}$1.ln_1.`],
    [new RegExp(`${at}ffn_norm\\.`), `${LAYER}$1.ln_2.`],
    [new RegExp(`${at}ffn\\.fc1\\.`), `${LAYER}$1.mlp.${fc1}.`],
    [new RegExp(`${at}ffn\\.fc2\\.`), `${LAYER}$1.mlp.${fc2}.`],
    [new RegExp(`${at}attn\\.out\\.`), `${LAYER}$1.self_attention.out_proj.`],
    part(0, 'query'),
    part(1, 'key'),
    part(2, 'value'),
  ]);
}

function viltTorchvision(file: Shapes): Table {
  const [fc1, fc2] = mlpNames(file);
  return rename([
    [/^transformer\.pos_embed$/, 'encoder.pos_embedding', { table: 'positions' }],
    [/^transformer\.cls_token$/, 'class_token'],
    [/^transformer\.patch_embed\.proj\./, 'conv_proj.'],
    [/^transformer\.norm\./, 'encoder.ln.'],
    [/^transformer\.blocks\.(\d+)\.norm(\d)\./, `${LAYER}$1.ln_$2.`],
    [/^transformer\.blocks\.(\d+)\.attn\.qkv\.(?=weight|bias)/, `${LAYER}$1.self_attention.in_proj_`],
    [/^transformer\.blocks\.(\d+)\.attn\.proj\./, `${LAYER}$1.self_attention.out_proj.`],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc1\./, `${LAYER}$1.mlp.${fc1}.`],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc2\./, `${LAYER}$1.mlp.${fc2}.`],
  ]);
}

export const VIT_TORCHVISION: Family = {
  id: 'vit-torchvision',
  title: 'ViT-B/16 or B/32 (torchvision)',
  marks: [`${LAYER}0.self_attention.in_proj_weight`, 'encoder.pos_embedding', 'conv_proj.weight'],
  tables: { transunet: transunetTorchvision, vilt: viltTorchvision },
};

const BLOCK = 'Transformer/encoderblock_';

/** Google's name and layout of a part of ours. Weights of norms are called scales. */
function google(module: string, part: string, kind: 'norm' | 'dense' | 'conv'): Recipe {
  if (part === 'bias') return { from: [`${module}/bias`], layout: 'row' };
  if (kind === 'norm') return { from: [`${module}/scale`], layout: 'row' };
  return { from: [`${module}/kernel`], layout: kind === 'conv' ? 'hwio' : 'io' };
}

/** Patterns end in the part, `weight` or `bias`; `$1`, `$2` are the groups before it. */
type GoogleRules = readonly (readonly [pattern: RegExp, module: string, kind: 'norm' | 'dense' | 'conv'])[];

function googleTable(rules: GoogleRules, others: Table): Table {
  return (key) => {
    const [, path, part] = /^(.+)\.(weight|bias)$/.exec(key) ?? [];
    if (path !== undefined && part !== undefined)
      for (const [pattern, module, kind] of rules)
        if (pattern.test(path)) return google(path.replace(pattern, module), part, kind);
    return others(key);
  };
}

const POSITIONS = 'Transformer/posembed_input/pos_embedding';

const TRANSUNET_GOOGLE = googleTable(
  [
    [/^transformer\.embeddings\.patch_embeddings$/, 'embedding', 'conv'],
    [/^transformer\.encoder\.encoder_norm$/, 'Transformer/encoder_norm', 'norm'],
    [/^transformer\.encoder\.layer\.(\d+)\.attention_norm$/, `${BLOCK}$1/LayerNorm_0`, 'norm'],
    [/^transformer\.encoder\.layer\.(\d+)\.ffn_norm$/, `${BLOCK}$1/LayerNorm_2`, 'norm'],
    [/^transformer\.encoder\.layer\.(\d+)\.ffn\.fc1$/, `${BLOCK}$1/MlpBlock_3/Dense_0`, 'dense'],
    [/^transformer\.encoder\.layer\.(\d+)\.ffn\.fc2$/, `${BLOCK}$1/MlpBlock_3/Dense_1`, 'dense'],
    [
      /^transformer\.encoder\.layer\.(\d+)\.attn\.(\w+)$/,
      `${BLOCK}$1/MultiHeadDotProductAttention_1/$2`,
      'dense',
    ],
    [new RegExp(`${STEM}root\\.conv$`), 'conv_root', 'conv'],
    [new RegExp(`${STEM}root\\.gn$`), 'gn_root', 'norm'],
    [new RegExp(`${UNIT}(conv\\d)$`), 'block$1/unit$2/$3', 'conv'],
    [new RegExp(`${UNIT}downsample$`), 'block$1/unit$2/conv_proj', 'conv'],
    [new RegExp(`${UNIT}(gn\\w+)$`), 'block$1/unit$2/$3', 'norm'],
  ],
  rename([[/^transformer\.embeddings\.position_embeddings$/, POSITIONS, { table: 'positions' }]]),
);

/** ViLT joins the three projections. */
const viltQkv: Table = (key) => {
  const [, block, part] = /^transformer\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(key) ?? [];
  if (block === undefined || part === undefined) return null;
  const parts = ['query', 'key', 'value'].map((name) =>
    google(`${BLOCK}${block}/MultiHeadDotProductAttention_1/${name}`, part, 'dense'),
  );
  return { ...parts[0], from: parts.flatMap(({ from }) => from) };
};

const VILT_GOOGLE = googleTable(
  [
    [/^transformer\.patch_embed\.proj$/, 'embedding', 'conv'],
    [/^transformer\.norm$/, 'Transformer/encoder_norm', 'norm'],
    [/^transformer\.blocks\.(\d+)\.norm1$/, `${BLOCK}$1/LayerNorm_0`, 'norm'],
    [/^transformer\.blocks\.(\d+)\.norm2$/, `${BLOCK}$1/LayerNorm_2`, 'norm'],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc1$/, `${BLOCK}$1/MlpBlock_3/Dense_0`, 'dense'],
    [/^transformer\.blocks\.(\d+)\.mlp\.fc2$/, `${BLOCK}$1/MlpBlock_3/Dense_1`, 'dense'],
    [/^transformer\.blocks\.(\d+)\.attn\.proj$/, `${BLOCK}$1/MultiHeadDotProductAttention_1/out`, 'dense'],
  ],
  first(
    viltQkv,
    rename([
      [/^transformer\.pos_embed$/, POSITIONS, { table: 'positions' }],
      [/^transformer\.cls_token$/, 'cls'],
    ]),
  ),
);

export const GOOGLE_VIT: Family = {
  id: 'google-vit',
  title: 'ViT-B/16, B/32 or R50+ViT-B/16 (Google’s .npz)',
  marks: [`${BLOCK}0/MultiHeadDotProductAttention_1/query/kernel`, 'embedding/kernel', POSITIONS],
  tables: { transunet: () => TRANSUNET_GOOGLE, vilt: () => VILT_GOOGLE },
};
