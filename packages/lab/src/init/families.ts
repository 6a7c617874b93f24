/** The families of published weights, special ones first: ViLT's names contain those of a ViT. */
import { ReclmisError } from '@reclmis/core';
import { type Family, prefixOf } from './family.js';
import type { Shapes } from './recipe.js';
import { RESNET_50, SE_RESNET_101 } from './resnet.js';
import { SWIN, SWIN_TORCHVISION } from './swin.js';
import { CLIP, CLIP_HUGGING_FACE, VILT, VILT_HUGGING_FACE } from './towers.js';
import { GOOGLE_VIT, R50_VIT, VIT, VIT_TORCHVISION } from './vit.js';

export const FAMILIES: readonly Family[] = [
  VILT,
  VILT_HUGGING_FACE,
  CLIP,
  CLIP_HUGGING_FACE,
  R50_VIT,
  VIT,
  VIT_TORCHVISION,
  GOOGLE_VIT,
  SWIN,
  SWIN_TORCHVISION,
  SE_RESNET_101,
  RESNET_50,
];

/** Families from which a model can start. */
export function familiesOf(model: string): string[] {
  return FAMILIES.filter(({ tables }) => Object.hasOwn(tables, model)).map(({ title }) => title);
}

/** The family of a file's names, and their prefix. @throws INIT_MISMATCH for none */
export function familyOf(path: string, names: Shapes, model: string): { family: Family; prefix: string } {
  for (const family of FAMILIES) {
    const prefix = prefixOf(family, names);
    if (prefix !== null) return { family, prefix };
  }
  const few = [...names.keys()].slice(0, 3).join(', ');
  throw mismatch(`${path}: ${names.size} tensors of no known family: ${few}`, model);
}

/** @param what the sentence before the remedy */
export function mismatch(what: string, model: string): ReclmisError {
  const titles = familiesOf(model);
  const others =
    titles.length === 0 ? 'Only runs fit' : `These fit ${model}: ${titles.join('; ')}; or a run of`;
  return new ReclmisError('INIT_MISMATCH', what, {
    remedy: `${others} ${titles.length === 0 ? model : 'the same model'}. Without --init, training starts from scratch.`,
  });
}
