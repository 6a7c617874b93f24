/**
 * nnU-Net in 2D (Isensee et al. 2021), version 1 (MIC-DKFZ/nnUNet, Apache-2.0): the network that its planner makes for 224 x 224 images of one spacing.
 * It reads no note. Source, licence, choices: docs/models.md.
 *
 *     image -> conv_blocks_context.0..4 -> c0..c4, .5 -> bottom
 *     bottom -> tu.u, [up, c(4-u)], conv_blocks_localization.u, u = 0..4 -> seg_outputs.4 -> mask
 *
 * Training compares the maps of `seg_outputs.4` to `.1` with the mask at their own sizes (deep supervision); inference computes the last alone. The
 * network halves the image while a side is at least 8 pixels, five times at 224.
 *
 * B batch, S image side, w base width (32), L levels (5), C channels.
 */
import { cat, nn, type Tensor } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  checkImages,
  type ModelOptions,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TrainingSegmentation,
} from '../segmentation-model.js';
import { supervisionWeights } from '../supervision.js';
import { requireOption } from '../unet-based.js';

/** At most, in a 2D network of version 1. */
const MOST_FEATURES = 480;
/** Slope of the leaky ReLU. */
const SLOPE = 0.01;

/**
 * Conv 3x3 with bias, instance normalisation, leaky ReLU: keys `conv`, `instnorm`. The bias has no effect,
 * but is the authors'.
 */
class ConvBlock extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.InstanceNorm2d;

  constructor(inChannels: number, outChannels: number, stride: 1 | 2) {
    super();
    this.conv = this.child('conv', new nn.Conv2d(inChannels, outChannels, 3, { padding: 1, stride }));
    this.norm = this.child('instnorm', new nn.InstanceNorm2d(outChannels));
    nn.kaimingNormal_(this.conv.weight, 'in', SLOPE);
    nn.zero_(this.conv.bias);
  }

  forward(x: Tensor): Tensor {
    return this.norm.forwardLeakyRelu(this.conv.forward(x), SLOPE);
  }
}

export interface NnUNetOptions extends ModelOptions {
  /** The most of any level; 480 in version 1's 2D networks. */
  readonly mostFeatures: number;
}

export class NnUNet extends SegmentationModel {
  override readonly title = 'nnU-Net';
  override readonly readsNotes = false;
  override readonly explainLayer = 'conv_blocks_localization.0.1.blocks.0';
  private readonly context: readonly (readonly ConvBlock[])[];
  private readonly ups: readonly nn.ConvTranspose2d[];
  private readonly localization: readonly (readonly ConvBlock[])[];
  private readonly heads: readonly nn.Conv2d[];
  /** By head, coarsest first. */
  private readonly weights: readonly number[];

  /** @throws CONFIG_INVALID */
  constructor(readonly options: NnUNetOptions) {
    super();
    const { baseWidth, imageSize, mostFeatures } = options;
    const levels = halvings(imageSize);
    requireOption(
      levels >= 1 && imageSize % 2 ** levels === 0,
      'imageSize',
      `a multiple of ${2 ** Math.max(1, levels)}, as nnU-Net halves images of this size ${levels} times`,
      imageSize,
    );
    const widths = Array.from({ length: levels + 1 }, (_, i) => Math.min(baseWidth * 2 ** i, mostFeatures));
    const width = (i: number): number => widths[i] ?? 3;
    this.context = widths.map((out, i) => {
      const stride = i === 0 ? 1 : 2;
      const blocks = [new ConvBlock(width(i - 1), out, stride), new ConvBlock(out, out, 1)];
      const key = (k: number): string =>
        i < levels ? `conv_blocks_context.${i}.blocks.${k}` : `conv_blocks_context.${i}.${k}.blocks.0`;
      return blocks.map((block, k) => this.child(key(k), block));
    });
    const sides = Array.from({ length: levels }, (_, u) => levels - 1 - u); // level of the skip, coarsest first
    this.ups = sides.map((level, u) => {
      const up = new nn.ConvTranspose2d(width(level + 1), width(level), 2, { stride: 2, bias: false });
      nn.kaimingNormal_(up.weight, 'in', SLOPE);
      return this.child(`tu.${u}`, up);
    });
    this.localization = sides.map((level, u) =>
      [new ConvBlock(2 * width(level), width(level), 1), new ConvBlock(width(level), width(level), 1)].map(
        (block, k) => this.child(`conv_blocks_localization.${u}.${k}.blocks.0`, block),
      ),
    );
    this.heads = sides.map((level, u) => {
      const head = new nn.Conv2d(width(level), 1, 1, { bias: false });
      nn.kaimingNormal_(head.weight, 'in', SLOPE);
      return this.child(`seg_outputs.${u}`, head);
    });
    this.weights = supervisionWeights(levels).reverse();
  }

  override get sizeStep(): number {
    return 2 ** this.heads.length;
  }

  /** The coarsest head has no weight in training. */
  override get leavesUnused(): boolean {
    return this.heads.length > 1;
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    const finest = this.decode(images).at(-1) ?? images;
    return segmentation(this.headOf(this.heads.length - 1).forward(finest));
  }

  override forwardTraining(images: Tensor, _note: NoteFeatures | null): TrainingSegmentation {
    const maps = this.decode(images);
    const supervision = maps
      .map((map, u) => ({ ...segmentation(this.headOf(u).forward(map)), weight: this.weights[u] ?? 0 }))
      .reverse(); // finest first
    const [finest] = supervision;
    const { logits, probability } = finest ?? segmentation(images);
    const observed = Object.fromEntries(supervision.map((head, i) => [`heads.${i}`, head.probability]));
    return {
      logits,
      probability,
      losses: {},
      supervision: supervision.filter(({ weight }) => weight > 0),
      observed,
    };
  }

  private headOf(u: number): nn.Conv2d {
    return this.heads[u] as nn.Conv2d; // one for each level
  }

  /** Coarsest first, [B,C,s,s] each. */
  private decode(images: Tensor): Tensor[] {
    checkImages(images, this.options, this.training ? this.sizeStep : null);
    const skips: Tensor[] = []; // coarsest first
    let x = images;
    for (const blocks of this.context) {
      x = blocks.reduce((y, block) => block.forward(y), x);
      skips.unshift(x);
    }
    return this.localization.map((blocks, u) => {
      const joined = cat([(this.ups[u] as nn.ConvTranspose2d).forward(x), skips[u + 1] ?? x], 1);
      x = blocks.reduce((y, block) => block.forward(y), joined);
      return x;
    });
  }
}

/** While the side is at least 8. */
function halvings(side: number): number {
  let count = 0;
  for (let rest = side; rest >= 8; rest = Math.floor(rest / 2)) count++;
  return count;
}

export const nnUNet = describeModel({
  title: 'nnU-Net',
  readsNotes: () => false,
  options: z.strictObject({
    mostFeatures: z
      .number()
      .int()
      .min(4)
      .default(MOST_FEATURES)
      .describe('features of no level exceed this; version 2 allows 512'),
  }),
  // `baseWidth` is in U-Net's channels, 64 where nnU-Net has 32.
  build: ({ baseWidth, imageSize }, { width: textWidth }, { mostFeatures }) =>
    new NnUNet({ baseWidth: Math.max(1, baseWidth / 2), imageSize, textWidth, mostFeatures }),
  ownKey: 'conv_blocks_context.0.blocks.0.conv.weight',
  unusedKeys: [],
  presets: ['qata-cov19-nnunet'],
  parts: { encoder: ['conv_blocks_context'], decoder: ['tu', 'conv_blocks_localization', 'seg_outputs'] },
  table1: {
    title: 'nnUNet',
    parameters:
      'It looks like a published figure of the 3D network; ours is the 2D one that version 1 plans for images of this size.',
    flops:
      'No 2D network of this size costs as much; it looks like the 3D network’s on volumes of 96 x 96 x 96.',
  },
  parity: {
    settings: (sizeOf) => ({ baseWidth: 2 * sizeOf('conv_blocks_context.0.blocks.0.conv.weight', 0) }),
  },
});
