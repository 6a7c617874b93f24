/** Sizes of a Swin encoder: settings of Swin-Unet and LAVT, checks, and what a golden file's shapes say. */
import { z } from 'zod';
import type { SizeOf } from '../descriptor.js';
import type { ModelOptions, TokenGrid } from '../segmentation-model.js';
import { requireOption } from '../unet-based.js';

export interface SwinSizes {
  /** Blocks of each stage; each has half the side and twice the width of the last. */
  readonly depths: readonly number[];
  /** Heads of each stage. */
  readonly heads: readonly number[];
  /** Side of a window, in tokens. */
  readonly window: number;
  /** Rate of stochastic depth at the last block. */
  readonly dropPath: number;
}

const counts = (): z.ZodOptional<z.ZodArray<z.ZodNumber>> =>
  z.array(z.number().int().min(1)).min(2).max(6).optional();

export const swinOptions = ({ dropPath }: { readonly dropPath: number }) => ({
  width: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('channels of the first stage; otherwise in proportion to baseWidth'),
  depths: counts().describe('blocks of each stage'),
  heads: counts().describe('attention heads of each stage'),
  window: z.number().int().min(1).max(64).default(7).describe('side of a window in tokens of 4 pixels'),
  dropPath: z
    .number()
    .min(0)
    .lt(1)
    .default(dropPath)
    .describe('rate at which training leaves out the last block’s branches'),
});

/** Modules whose tokens are in the windows' order. */
export const IN_WINDOWS = /\.attn(?:\.|$)/;

/** The maps of the stages. */
export function swinGrids({
  imageSize,
  depths,
}: Pick<ModelOptions & SwinSizes, 'imageSize' | 'depths'>): TokenGrid[] {
  return depths.map((_, i) => ({ side: Math.ceil(imageSize / 4 / 2 ** i), before: 0 }));
}

/** @throws CONFIG_INVALID for sizes that do not go together. */
export function checkSwin({ baseWidth, imageSize, depths, heads }: ModelOptions & SwinSizes): void {
  requireOption(
    Number.isInteger(baseWidth) && baseWidth >= 1,
    'options.width',
    'a whole number of channels (baseWidth in proportion, where it is absent)',
    baseWidth,
  );
  requireOption(
    Number.isInteger(imageSize / 16) && imageSize >= 16,
    'imageSize',
    'a multiple of 16 of at least 16 pixels',
    imageSize,
  );
  requireOption(
    heads.length === depths.length,
    'options.heads',
    `a number for each of the ${depths.length} stages of depths`,
    `${heads.length} of them`,
  );
  heads.forEach((count, i) => {
    const width = baseWidth * 2 ** i;
    requireOption(
      width % count === 0,
      'options.heads',
      `a divisor of stage ${i}'s width, ${width} channels`,
      count,
    );
  });
}

/** Width and heads of each stage. */
export function stageSizes({
  baseWidth,
  heads,
}: ModelOptions & SwinSizes): { readonly width: number; readonly heads: number }[] {
  return heads.map((count, i) => ({ width: baseWidth * 2 ** i, heads: count }));
}

/** Implied by a golden file's shapes. @param prefix of the encoder's keys. */
export function sizesOfKeys(
  prefix: string,
  sizeOf: SizeOf,
  keys: readonly string[],
): { readonly width: number } & Omit<SwinSizes, 'dropPath'> {
  const table = (stage: number): string =>
    `${prefix}layers.${stage}.blocks.0.attn.relative_position_bias_table`;
  const depths: number[] = [];
  const blocks = new Set(
    keys.filter((key) => key.endsWith('.norm1.weight') && key.startsWith(`${prefix}layers.`)),
  );
  while (blocks.has(`${prefix}layers.${depths.length}.blocks.0.norm1.weight`)) {
    const stage = `${prefix}layers.${depths.length}.blocks.`;
    depths.push([...blocks].filter((key) => key.startsWith(stage)).length);
  }
  return {
    width: sizeOf(`${prefix}patch_embed.proj.weight`, 0),
    depths,
    heads: depths.map((_, stage) => sizeOf(table(stage), 1)),
    window: (Math.sqrt(sizeOf(table(0), 0)) + 1) / 2,
  };
}
