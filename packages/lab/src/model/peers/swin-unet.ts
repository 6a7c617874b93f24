/**
 * Swin-Unet (Cao et al. 2021; HuCaoFighting/Swin-Unet, no licence file), written from its description alone: a U-Net of windowed attention without
 * convolutions between the first and the last. It reads no note. Source, licence, choices: docs/models.md.
 *
 *     image -> patch_embed -> layers.0..3, each blocks then merge -> norm
 *     -> layers_up.0 (expand) -> layers_up.1..3, each [x, skip], concat_back_dim, blocks, expand -> norm_up -> up -> output -> mask
 *
 * A skip is a stage's input, taken before its blocks. A map no larger than the window is one window, whose blocks do not shift.
 *
 * B batch, S image side, R side of a map of tokens, C channels, w base width (96).
 */
import { cat, linear, nn, type Tensor } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  checkImages,
  type ModelOptions,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TokenGrid,
} from '../segmentation-model.js';
import { requireOption } from '../unet-based.js';
import { dropPathRates } from './drop-path.js';
import {
  IN_WINDOWS,
  swinGrids,
  checkSwin,
  sizesOfKeys,
  stageSizes,
  swinOptions,
  type SwinSizes,
} from './swin-options.js';
import {
  PATCH,
  PatchEmbed,
  PatchMerge,
  type SwinBlock,
  swinBlocks,
  swinLinear,
  WindowTables,
} from './windowed-attention.js';

/** Table 1's 82.3 M parameters fit no published Swin-Unet; `small` comes nearest, `tiny` is its authors'. */
const SIZES = {
  small: { width: 96, depths: [2, 2, 18, 2], heads: [3, 6, 12, 24] },
  tiny: { width: 96, depths: [2, 2, 2, 2], heads: [3, 6, 12, 24] },
} as const;

/**
 * Spreads each token over `factor` x `factor` places, then normalises: keys `expand`, `norm`. [B,R*R,C] ->
 * tokens of C' channels.
 */
class Expand extends nn.Module {
  private readonly expand: nn.Linear;
  private readonly norm: nn.LayerNorm;

  constructor(
    width: number,
    private readonly outWidth: number,
    private readonly factor: number,
  ) {
    super();
    this.expand = this.child('expand', swinLinear(width, factor ** 2 * outWidth, { bias: false }));
    this.norm = this.child('norm', new nn.LayerNorm(outWidth));
  }

  /** @returns [B,R,R,factor,factor,C'], the last two sides a token's places. */
  private spread(x: Tensor, R: number): Tensor {
    const { factor: f, outWidth } = this;
    return this.norm.forward(this.expand.forward(x).view([x.size(0), R, R, f, f, outWidth])); // the norm is of each token, so it may come first
  }

  /** @returns [B,(factor*R)^2,C']. */
  forward(x: Tensor, R: number): Tensor {
    const side = this.factor * R;
    return this.spread(x, R)
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([x.size(0), side * side, this.outWidth]);
  }

  /** The product of each token with `weight` [C']. @returns [B,1,factor*R,factor*R]. */
  forwardProduct(x: Tensor, R: number, weight: Tensor): Tensor {
    const side = this.factor * R;
    return linear(this.spread(x, R), weight.view([1, this.outWidth]), null) // [B,R,R,f,f,1]
      .squeeze(-1)
      .permute([0, 1, 3, 2, 4])
      .reshape([x.size(0), 1, side, side]);
  }
}

/** `baseWidth` is the first stage's width. */
export type SwinUNetOptions = ModelOptions & SwinSizes;

export class SwinUNet extends SegmentationModel {
  override readonly title = 'Swin-Unet';
  override readonly readsNotes = false;
  override readonly explainLayer = 'swin_unet.layers_up.0';
  private readonly tables = new WindowTables();
  private readonly embed: PatchEmbed;
  private readonly encoder: readonly { blocks: readonly SwinBlock[]; merge: PatchMerge | null; R: number }[];
  private readonly norm: nn.LayerNorm;
  private readonly decoder: readonly { join: nn.Linear; blocks: readonly SwinBlock[]; R: number }[];
  private readonly expands: readonly Expand[];
  private readonly normUp: nn.LayerNorm;
  private readonly up: Expand;
  private readonly output: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: SwinUNetOptions) {
    super();
    checkSwin(options);
    const { baseWidth: w, imageSize, depths, dropPath } = options;
    const last = depths.length - 1;
    const step = PATCH * 2 ** last;
    requireOption(
      imageSize % step === 0,
      'imageSize',
      `a multiple of ${step}, as Swin-Unet halves the map of tokens ${last} times`,
      imageSize,
    );
    const rates = dropPathRates(dropPath, depths);
    const stages = stageSizes(options).map(({ width, heads }, i) => ({
      width,
      heads,
      R: imageSize / PATCH / 2 ** i,
      rates: rates[i] ?? [],
    }));
    const blocksOf = ({ width, heads, R, rates: dropPath }: (typeof stages)[number]): SwinBlock[] => {
      const window = Math.min(options.window, R);
      const shift = R > window ? Math.floor(window / 2) : 0;
      return swinBlocks(width, { heads, window, shift, dropPath, tables: this.tables });
    };
    const key = (name: string): string => `swin_unet.${name}`;

    this.embed = this.child(key('patch_embed'), new PatchEmbed(w));
    this.encoder = stages.map((stage, i) => ({
      blocks: this.children(key(`layers.${i}.blocks`), blocksOf(stage)),
      merge: i < last ? this.child(key(`layers.${i}.downsample`), new PatchMerge(stage.width)) : null,
      R: stage.R,
    }));
    this.norm = this.child(key('norm'), new nn.LayerNorm(w * 2 ** last));
    const upward = stages.slice(0, last).reverse(); // coarsest first
    this.expands = upward.map(({ width }, k) =>
      this.child(key(k === 0 ? 'layers_up.0' : `layers_up.${k}.upsample`), new Expand(2 * width, width, 2)),
    );
    this.decoder = upward.map((stage, k) => ({
      join: this.child(key(`concat_back_dim.${k + 1}`), swinLinear(2 * stage.width, stage.width)),
      blocks: this.children(key(`layers_up.${k + 1}.blocks`), blocksOf(stage)),
      R: stage.R,
    }));
    this.normUp = this.child(key('norm_up'), new nn.LayerNorm(w));
    this.up = this.child(key('up'), new Expand(w, w, PATCH));
    this.output = this.child(key('output'), new nn.Conv2d(w, 1, 1, { bias: false }));
  }

  override get tokenGrids(): readonly TokenGrid[] {
    return swinGrids(this.options);
  }

  override get outOfOrder(): RegExp {
    return IN_WINDOWS;
  }

  override get withoutAttention(): string {
    return 'Swin-Unet attends within windows, and its tokens merge and split between stages, so none of its attention covers the image';
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const skips: Tensor[] = []; // coarsest first
    let x = this.embed.forward(images); // [B,(S/4)^2,w]
    for (const { blocks, merge, R } of this.encoder) {
      if (merge) skips.unshift(x);
      x = blocks.reduce((y, block) => block.forward(y, [R, R]), x);
      if (merge) x = merge.forward(x, [R, R]); // [B,(R/2)^2,2C]
    }
    x = this.norm.forward(x);
    this.decoder.forEach(({ join, blocks, R }, k) => {
      const raised = (this.expands[k] as Expand).forward(x, R / 2); // one for each level; [B,R*R,C]
      const joined = join.forward(cat([raised, skips[k] ?? raised], -1));
      x = blocks.reduce((y, block) => block.forward(y, [R, R]), joined);
    }); // [B,(S/4)^2,w]
    // A 1x1 convolution of one output, before tokens are put in their places.
    return segmentation(
      this.up.forwardProduct(this.normUp.forward(x), images.size(-1) / PATCH, this.output.weight),
    );
  }

  override dispose(): void {
    this.tables.dispose();
    super.dispose();
  }
}

export const swinUNet = describeModel({
  title: 'Swin-Unet',
  readsNotes: () => false,
  options: z.strictObject({
    size: z
      .enum(['small', 'tiny'])
      .default('small')
      .describe('depths 2,2,18,2, nearest to Table 1, or its authors’ 2,2,2,2'),
    ...swinOptions({ dropPath: 0.2 }),
  }),
  // `baseWidth` is in U-Net's channels, 64 where Swin-Unet has 96.
  build: ({ baseWidth, imageSize }, { width: textWidth }, { size, width, depths, heads, window, dropPath }) =>
    new SwinUNet({
      baseWidth: width ?? (SIZES[size].width * baseWidth) / 64,
      imageSize,
      textWidth,
      depths: depths ?? SIZES[size].depths,
      heads: heads ?? SIZES[size].heads,
      window,
      dropPath,
    }),
  ownKey: 'swin_unet.patch_embed.proj.weight',
  unusedKeys: [/\.attn\.relative_position_index$/, /\.attn_mask$/],
  presets: ['qata-cov19-swinunet'],
  parts: {
    encoder: ['swin_unet.patch_embed', 'swin_unet.layers', 'swin_unet.norm'],
    decoder: ['layers_up', 'concat_back_dim', 'norm_up', 'up', 'output'].map((name) => `swin_unet.${name}`),
  },
  table1: {
    title: 'Swin-Unet',
    parameters:
      'No published Swin-Unet has as many; `small`, which is measured here, is nearest, and one block less at 14 x 14 would give 82.2 M.',
    flops: 'No Swin-Unet of this size costs as much at 224 x 224, and how it was counted is not known.',
  },
  parity: {
    settings: (sizeOf, keys) => ({ options: sizesOfKeys('swin_unet.', sizeOf, keys) }),
  },
});
