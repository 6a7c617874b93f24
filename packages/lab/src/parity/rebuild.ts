/** Rebuilds a golden file's model, note encoder and inputs: docs/method.md 12. */
import { ReclmisError } from '@reclmis/core';
import { noGrad, scope, Tensor } from '@reclmis/torch';
import { isUnusedKey } from '../model/checkpoint-keys.js';
import { RecLMIS } from '../model/reclmis.js';
import { UPSTREAM } from '../model/options.js';
import { CLIP_HEAD_WIDTH, CLIP_VIT_B_32, ClipTextTower } from '../clip/tower.js';
import type { Golden, SharedGolden } from './golden.js';
import { fillOf, hashFill, hashImages } from './hash-fill.js';

/** Model in evaluation mode, and tower; the caller's to dispose. */
export interface RebuiltModel {
  readonly model: RecLMIS;
  readonly tower: ClipTextTower;
}

/** Builds both in the sizes of the file's parameters. @throws GOLDEN_INVALID if they are not the model's */
export function rebuildModel(golden: Golden, path: string): RebuiltModel {
  const sizeOf = sizesIn(golden, path);
  const width = sizeOf('clip.token_embedding.weight', 1);
  const tower = new ClipTextTower({
    vocabulary: sizeOf('clip.token_embedding.weight', 0),
    width,
    layers: blocksOf(golden.parameters.map(([key]) => key)),
    heads: Math.max(1, Math.floor(width / CLIP_HEAD_WIDTH)),
    positions: sizeOf('clip.positional_embedding', 0),
    projection: sizeOf('clip.text_projection', 1),
  });
  const model = new RecLMIS({
    ...UPSTREAM,
    baseWidth: sizeOf('inc.conv.weight', 0),
    imageSize: golden.outputs.probability.shape[2] ?? UPSTREAM.imageSize,
    textWidth: width,
    layers: golden.layers,
    maskStrategy: 'topk',
    maskRatios: { visual: golden.img_mask_rate, textual: golden.text_mask_rate },
  });
  model.eval();
  try {
    fill(golden, path, { model, tower });
  } catch (error) {
    model.dispose();
    tower.dispose();
    throw error;
  }
  return { model, tower };
}

/** Sizes by a parameter's key and axis. @throws GOLDEN_INVALID */
export function sizesIn({ parameters }: SharedGolden, path: string): (key: string, axis: number) => number {
  const shapes = new Map(parameters.map(([key, shape]) => [key, shape]));
  return (key, axis) => {
    const size = shapes.get(key)?.[axis];
    if (size === undefined || size < 1)
      throw invalid(path, `${key}: expected it with ${axis + 1} dimensions or more`);
    return size;
  };
}

function fill(golden: Golden, path: string, { model, tower }: RebuiltModel): void {
  const own = new Map<string, Tensor>(model.stateDict());
  for (const [key, tensor] of tower.stateDict()) own.set(`clip.${key}`, tensor);
  fillParameters(own, golden, path, (key, used) => used && !isUnusedKey(key));
}

/**
 * Writes hashed values by key; the file must name each tensor with its shape.
 * @param takesPart whether the model must have a key (true), must not, or may @throws GOLDEN_INVALID
 */
export function fillParameters(
  own: ReadonlyMap<string, Tensor>,
  { parameters, seed }: SharedGolden,
  path: string,
  takesPart: (key: string, used: boolean) => boolean | 'either',
): void {
  const missing = new Set(own.keys());
  parameters.forEach(([key, shape, used], position) => {
    const tensor = own.get(key);
    const part = takesPart(key, used);
    if (part !== true && !tensor) return;
    if (part === false) {
      if (tensor) throw invalid(path, `${key}: expected it to be used, the file says it is not`);
      return;
    }
    if (!tensor) throw invalid(path, `${key}: the model has no such parameter`);
    if (tensor.shape.join() !== shape.join()) {
      throw invalid(path, `${key}: expected shape [${tensor.shape.join(', ')}], got [${shape.join(', ')}]`);
    }
    const values = hashFill(tensor.numel, position, seed, fillOf(key, shape));
    noGrad(() => scope(() => void tensor.copy_(Tensor.fromFloat32(values, shape))));
    missing.delete(key);
  });
  const [first] = missing;
  if (first !== undefined)
    throw invalid(path, `parameters: expected ${first}, got none (${missing.size} are missing)`);
}

/** [B,1,S,S], 1 inside the boxes; in the caller's scope. */
export function rebuildMasks({ batch: B, mask_boxes }: SharedGolden, S: number): Tensor {
  const masks = new Float32Array(B * S * S);
  mask_boxes.forEach(([top, bottom, left, right], b) => {
    for (let y = top; y < bottom; y++) masks.fill(1, (b * S + y) * S + left, (b * S + y) * S + right);
  });
  return Tensor.fromFloat32(masks, [B, 1, S, S]);
}

/** Images [B,3,S,S], target masks [B,1,S,S], drawn masks [B,N] and [B,T]; in the caller's scope. */
export function rebuildInputs(golden: Golden): {
  images: Tensor;
  masks: Tensor;
  hiddenPatches: Tensor;
  hiddenWords: Tensor;
} {
  const { batch: B, context_length: T, outputs, seed } = golden;
  const S = outputs.probability.shape[2] ?? UPSTREAM.imageSize;
  return {
    images: Tensor.fromFloat32(hashImages(B, S, seed), [B, 3, S, S]),
    masks: rebuildMasks(golden, S),
    hiddenPatches: marked(golden.masked_patches, (S / 16) ** 2),
    hiddenWords: marked(golden.masked_words, T),
  };
}

/** bool [rows, length]. */
function marked(rows: readonly (readonly number[])[], length: number): Tensor {
  const flags = new Uint8Array(rows.length * length);
  rows.forEach((row, b) => row.forEach((i) => (flags[b * length + i] = 1)));
  return Tensor.fromUint8(flags, [rows.length, length], { dtype: 'bool' });
}

function blocksOf(keys: Iterable<string>): number {
  let blocks = 0;
  for (const key of keys) {
    const match = /^clip\.transformer\.resblocks\.(\d+)\./.exec(key);
    if (match) blocks = Math.max(blocks, Number(match[1]) + 1);
  }
  return blocks || CLIP_VIT_B_32.layers;
}

function invalid(path: string, what: string): ReclmisError {
  return new ReclmisError('GOLDEN_INVALID', `${path}: ${what}`);
}
