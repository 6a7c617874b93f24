/**
 * Swin transformers of any size, 224 or 384 pixels, window 7 or 12: names of Microsoft, torchvision and timm,
 * which since 0.9 counts the merge after stage i to stage i + 1. All concatenate a merge's four tokens in the
 * same order. Tables of relative positions are resized to the model's window.
 */
import { type Family, rename, type Renaming, type Table } from './family.js';
import type { Shapes } from './recipe.js';

const STAGES = 4;

const SWIN_UNET: Renaming = [
  [/^swin_unet\.(patch_embed\..+|norm\.\w+|layers\.\d\.(?:blocks|downsample)\..+)$/, '$1'],
];

/**
 * The classifier's `norm` sees the last stage without language; LAVT's `norm3`, after fusion, starts fresh.
 */
const LAVT: Renaming = [[/^backbone\.(patch_embed\..+|layers\.\d\.(?:blocks|downsample)\..+)$/, '$1']];

/** Swin-Unet's decoder starts from the same weights, as its authors' (`layers_up.1` mirrors `layers.2`). */
function mirrored(key: string): string {
  return key.replace(/^(swin_unet\.layers)_up\.(\d)\.(?=blocks\.)/, (_, layers: string, up: string) => {
    return `${layers}.${STAGES - 1 - Number(up)}.`;
  });
}

/** Microsoft's name in another publisher's spelling. */
type Spelling = (name: string) => string;

function table(rules: Renaming, spell: Spelling): Table {
  const named = rename(rules);
  return (key) => {
    const from = named(mirrored(key))?.from.map(spell);
    if (!from) return null;
    return key.endsWith('.relative_position_bias_table') ? { from, table: 'bias' } : { from };
  };
}

const shiftMerges: Spelling = (name) =>
  name.replace(/^layers\.(\d)(?=\.downsample\.)/, (_, i: string) => `layers.${Number(i) + 1}`);

function timm(file: Shapes): Spelling {
  return file.has('layers.3.downsample.reduction.weight') ? shiftMerges : (name) => name;
}

/** torchvision counts patches, stages and merges in one list. */
const torchvision: Spelling = (name) =>
  name
    .replace(/^patch_embed\.proj\./, 'features.0.0.')
    .replace(/^patch_embed\.norm\./, 'features.0.2.')
    .replace(/^layers\.(\d)\.blocks\./, (_, i: string) => `features.${2 * Number(i) + 1}.`)
    .replace(/^layers\.(\d)\.downsample\./, (_, i: string) => `features.${2 * Number(i) + 2}.`)
    .replace(/\.mlp\.fc1\./, '.mlp.0.')
    .replace(/\.mlp\.fc2\./, '.mlp.3.');

export const SWIN: Family = {
  id: 'swin',
  title: 'Swin-T, S or B (Microsoft, timm)',
  marks: ['layers.0.blocks.0.attn.relative_position_bias_table', 'patch_embed.proj.weight'],
  tables: {
    swinunet: (file) => table(SWIN_UNET, timm(file)),
    lavt: (file) => table(LAVT, timm(file)),
  },
};

export const SWIN_TORCHVISION: Family = {
  id: 'swin-torchvision',
  title: 'Swin-T, S or B (torchvision)',
  marks: ['features.1.0.attn.relative_position_bias_table', 'features.0.0.weight'],
  tables: {
    swinunet: () => table(SWIN_UNET, torchvision),
    lavt: () => table(LAVT, torchvision),
  },
};
