/**
 * Finds CLIP's text tower under publishers' names, and its size from shapes: docs/method.md 1.
 *
 * OpenAI's names are ours (`ClipTextTower`), with the prefix `clip.` in the authors' checkpoints. Hugging
 * Face's have separate query, key and value projections and a transposed text projection.
 *
 * W width, P projected width, L blocks.
 */
import { ReclmisError } from '@reclmis/core';
import type { SourceTensor, TensorSource } from '@reclmis/torch';
import { CLIP_HEAD_WIDTH, type ClipTextOptions } from '../clip/tower.js';

/** Joins the rows of these tensors. */
export interface Recipe {
  readonly from: readonly string[];
  readonly transposed: boolean;
}

export interface FoundTower {
  readonly options: ClipTextOptions;
  /** By our key, with any `logit_scale`, CCL's temperature. */
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** Side of a patch in pixels, which tells ViT-B/32 from ViT-B/16; null without image tower. */
  readonly patch: number | null;
}

interface Naming {
  /** Identifies this form, and the prefix of all names. */
  readonly marks: RegExp;
  readonly top: Readonly<
    Record<'tokens' | 'positions' | 'finalWeight' | 'finalBias' | 'projection' | 'scale', string>
  >;
  readonly block: (i: number) => Readonly<Record<string, readonly string[]>>;
  readonly projectionTransposed: boolean;
  /** Convolution [W, 3, side, side]. */
  readonly patches: string;
}

const OPENAI: Naming = {
  marks: /^(.*?)transformer\.resblocks\.0\.ln_1\.weight$/,
  top: {
    tokens: 'token_embedding.weight',
    positions: 'positional_embedding',
    finalWeight: 'ln_final.weight',
    finalBias: 'ln_final.bias',
    projection: 'text_projection',
    scale: 'logit_scale',
  },
  block: (i) => Object.fromEntries(BLOCK_KEYS.map((key) => [key, [`transformer.resblocks.${i}.${key}`]])),
  projectionTransposed: false,
  patches: 'visual.conv1.weight',
};

const HUGGING_FACE: Naming = {
  marks: /^(.*?)text_model\.encoder\.layers\.0\.layer_norm1\.weight$/,
  top: {
    tokens: 'text_model.embeddings.token_embedding.weight',
    positions: 'text_model.embeddings.position_embedding.weight',
    finalWeight: 'text_model.final_layer_norm.weight',
    finalBias: 'text_model.final_layer_norm.bias',
    projection: 'text_projection.weight',
    scale: 'logit_scale',
  },
  block: (i) => {
    const at = `text_model.encoder.layers.${i}.`;
    const both = (ours: string, theirs: string): [string, string[]][] =>
      ['weight', 'bias'].map((part) => [`${ours}.${part}`, [`${at}${theirs}.${part}`]]);
    const heads = (part: string): string[] =>
      ['q', 'k', 'v'].map((name) => `${at}self_attn.${name}_proj.${part}`);
    return Object.fromEntries([
      ...both('ln_1', 'layer_norm1'),
      ['attn.in_proj_weight', heads('weight')],
      ['attn.in_proj_bias', heads('bias')],
      ...both('attn.out_proj', 'self_attn.out_proj'),
      ...both('ln_2', 'layer_norm2'),
      ...both('mlp.c_fc', 'mlp.fc1'),
      ...both('mlp.c_proj', 'mlp.fc2'),
    ]);
  },
  projectionTransposed: true,
  patches: 'vision_model.embeddings.patch_embedding.weight',
};

/** In PyTorch's order. */
const BLOCK_KEYS = [
  'attn.in_proj_weight',
  'attn.in_proj_bias',
  'attn.out_proj.weight',
  'attn.out_proj.bias',
  'ln_1.weight',
  'ln_1.bias',
  'mlp.c_fc.weight',
  'mlp.c_fc.bias',
  'mlp.c_proj.weight',
  'mlp.c_proj.bias',
  'ln_2.weight',
  'ln_2.bias',
];

/** CLIP's largest text tower has 24. */
const MOST_BLOCKS = 64;
const VOCABULARY = 49408;
const POSITIONS = 77;

/** @throws WEIGHTS_UNSUPPORTED for another model, naming what is found and expected */
export function findTower(source: Pick<TensorSource, 'path' | 'tensors'>): FoundTower {
  const { path, tensors } = source;
  const names = [...tensors.keys()];
  for (const naming of [OPENAI, HUGGING_FACE]) {
    for (const name of names) {
      const prefix = naming.marks.exec(name)?.[1];
      // The image tower's blocks have these names after `visual.`.
      if (prefix === undefined || prefix.endsWith('visual.')) continue;
      if (tensors.has(prefix + naming.top.tokens)) return describeTower(source, naming, prefix);
    }
  }
  const few = names.slice(0, 3).join(', ');
  throw unsupported(
    path,
    `expected a text tower of CLIP with ${OPENAI.top.tokens} and transformer.resblocks, or ${HUGGING_FACE.top.tokens}, ` +
      `found ${names.length} tensors${few === '' ? '' : `, ${few}${names.length > 3 ? ' and others' : ''}`}`,
  );
}

function describeTower(
  { path, tensors }: Pick<TensorSource, 'path' | 'tensors'>,
  naming: Naming,
  prefix: string,
): FoundTower {
  const recipes = new Map<string, Recipe>();
  const add = (key: string, from: readonly string[], transposed = false): void => {
    recipes.set(key, { from: from.map((name) => prefix + name), transposed });
  };
  const { top } = naming;
  add('token_embedding.weight', [top.tokens]);
  add('positional_embedding', [top.positions]);
  let layers = 0;
  while (
    layers < MOST_BLOCKS &&
    Object.values(naming.block(layers)).some((from) => from.some((name) => tensors.has(prefix + name)))
  ) {
    const block = naming.block(layers);
    for (const key of BLOCK_KEYS) add(`transformer.resblocks.${layers}.${key}`, block[key] ?? []);
    layers++;
  }
  add('ln_final.weight', [top.finalWeight]);
  add('ln_final.bias', [top.finalBias]);
  add('text_projection', [top.projection], naming.projectionTransposed);
  if (tensors.has(prefix + top.scale)) add('logit_scale', [top.scale]);

  const missing = [...recipes.values()].flatMap(({ from }) => from).filter((name) => !tensors.has(name));
  if (missing.length > 0)
    throw unsupported(
      path,
      `the text tower lacks ${missing.length} tensors, ${missing.slice(0, 3).join(', ')}`,
    );

  const shape = (key: string): readonly number[] => shapeOf(recipes.get(key), tensors);
  const [vocabulary = 0, width = 0] = shape('token_embedding.weight');
  const [positions = 0] = shape('positional_embedding');
  const [, projection = 0] = shape('text_projection');
  const options = { vocabulary, width, layers, heads: width / CLIP_HEAD_WIDTH, positions, projection };
  if (
    vocabulary !== VOCABULARY ||
    positions !== POSITIONS ||
    !Number.isInteger(options.heads) ||
    options.heads < 1
  ) {
    throw unsupported(
      path,
      `expected ${VOCABULARY} tokens, ${POSITIONS} positions and a width that is a multiple of ${CLIP_HEAD_WIDTH}, ` +
        `got ${vocabulary}, ${positions} and ${width}`,
    );
  }
  for (const [key, expected] of towerShapes(options)) {
    const actual = recipes.has(key) ? shape(key) : null;
    if (actual && actual.join() !== expected.join())
      throw unsupported(path, `${key}: expected shape [${expected.join(', ')}], got [${actual.join(', ')}]`);
  }
  const patches = tensors.get(prefix + naming.patches);
  return { options, recipes, patch: patches?.shape[3] ?? null };
}

function towerShapes({
  vocabulary,
  width: W,
  layers,
  positions,
  projection,
}: ClipTextOptions): Map<string, number[]> {
  const shapes: Record<string, number[]> = {
    'attn.in_proj_weight': [3 * W, W],
    'attn.in_proj_bias': [3 * W],
    'attn.out_proj.weight': [W, W],
    'attn.out_proj.bias': [W],
    'ln_1.weight': [W],
    'ln_1.bias': [W],
    'mlp.c_fc.weight': [4 * W, W],
    'mlp.c_fc.bias': [4 * W],
    'mlp.c_proj.weight': [W, 4 * W],
    'mlp.c_proj.bias': [W],
    'ln_2.weight': [W],
    'ln_2.bias': [W],
  };
  const all = new Map<string, number[]>([
    ['token_embedding.weight', [vocabulary, W]],
    ['positional_embedding', [positions, W]],
    ['ln_final.weight', [W]],
    ['ln_final.bias', [W]],
    ['text_projection', [W, projection]],
    ['logit_scale', []],
  ]);
  for (let i = 0; i < layers; i++)
    for (const key of BLOCK_KEYS) all.set(`transformer.resblocks.${i}.${key}`, shapes[key] ?? []);
  return all;
}

function shapeOf(recipe: Recipe | undefined, tensors: ReadonlyMap<string, SourceTensor>): readonly number[] {
  const parts = (recipe?.from ?? []).map((name) => tensors.get(name)?.shape ?? []);
  const [first = [], ...rest] = parts;
  if (recipe?.transposed === true) return [...first].reverse();
  if (rest.length === 0) return first;
  return [parts.reduce((rows, part) => rows + (part[0] ?? 0), 0), ...first.slice(1)];
}

function unsupported(path: string, what: string): ReclmisError {
  return new ReclmisError('WEIGHTS_UNSUPPORTED', `${path}: ${what}`);
}
