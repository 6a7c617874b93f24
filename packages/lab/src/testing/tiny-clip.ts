/**
 * A text tower of CLIP's form with two blocks of width 64 and random weights, under OpenAI's and Hugging
 * Face's names, and a vocabulary of CLIP's size.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { full, manualSeed, type Tensor, writeSafetensors } from '@reclmis/torch';
import { ClipTextTower } from '../clip/tower.js';
import { importWeights } from '../weights/import.js';
import type { StoredWeights } from '../weights/stored.js';

export const TINY_TOWER = {
  vocabulary: 49408,
  width: 64,
  layers: 2,
  heads: 1,
  positions: 77,
  projection: 64,
};

/** As many as CLIP's: pairs of the first byte's letters. */
export function tinyMerges(): string {
  const printable = [...range(33, 126), ...range(161, 172), ...range(174, 255)];
  const letters = [...printable, ...range(256, 256 + 255 - printable.length)].map((code) =>
    String.fromCharCode(code),
  );
  const lines = ['#version: 0.2'];
  for (const a of letters)
    for (const b of letters) if (lines.length <= 49152 - 256 - 2) lines.push(`${a} ${b}`);
  return `${lines.join('\n')}\n`;
}

/** OpenAI's names, with `logit_scale`, in half precision's values; in the caller's scope. */
export function tinyTower(seed = 1): Map<string, Tensor> {
  manualSeed(seed);
  using tower = new ClipTextTower(TINY_TOWER);
  const state = new Map<string, Tensor>();
  for (const [key, tensor] of tower.stateDict()) state.set(key, tensor.detach().to({ dtype: 'float16' }));
  state.set('logit_scale', full([], 4.625, { dtype: 'float16' })); // exact in half precision
  return state;
}

export function asHuggingFace(state: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const renamed = new Map<string, Tensor>();
  const block = /^transformer\.resblocks\.(\d+)\.(.*)$/;
  const names: Readonly<Record<string, string>> = {
    'token_embedding.weight': 'text_model.embeddings.token_embedding.weight',
    positional_embedding: 'text_model.embeddings.position_embedding.weight',
    'ln_final.weight': 'text_model.final_layer_norm.weight',
    'ln_final.bias': 'text_model.final_layer_norm.bias',
    logit_scale: 'logit_scale',
  };
  for (const [key, tensor] of state) {
    const [, i, rest = ''] = block.exec(key) ?? [];
    if (i === undefined) {
      if (key === 'text_projection')
        renamed.set('text_projection.weight', tensor.transpose(0, 1).contiguous());
      else renamed.set(names[key] ?? key, tensor);
      continue;
    }
    const at = `text_model.encoder.layers.${i}.`;
    if (rest.startsWith('attn.in_proj_')) {
      const part = rest.slice('attn.in_proj_'.length);
      tensor.chunk(3, 0).forEach((piece, p) => {
        renamed.set(`${at}self_attn.${'qkv'[p] ?? ''}_proj.${part}`, piece.contiguous());
      });
      continue;
    }
    const theirs = rest
      .replace('attn.out_proj', 'self_attn.out_proj')
      .replace('mlp.c_fc', 'mlp.fc1')
      .replace('mlp.c_proj', 'mlp.fc2')
      .replace('ln_1', 'layer_norm1')
      .replace('ln_2', 'layer_norm2');
    renamed.set(at + theirs, tensor);
  }
  return renamed;
}

/** Into the store of `home`. @param dir for its file. */
export async function importTinyClip(
  dir: string,
  home: string,
  id = 'clip-vit-b-32',
  seed = 1,
): Promise<StoredWeights> {
  const file = join(dir, `tiny-${id}-${seed}.safetensors`);
  const vocabulary = join(dir, 'merges.txt');
  writeFileSync(vocabulary, tinyMerges());
  const state = tinyTower(seed);
  writeSafetensors(file, state);
  for (const tensor of state.values()) tensor.dispose();
  return importWeights(file, { id, vocabulary, home, force: true });
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
