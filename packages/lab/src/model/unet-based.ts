/**
 * The U-Net encoder of RecLMIS, U-Net and LViT (docs/method.md 2): `inc`, and `down1` to `down4` with
 * pooling, widths w, 2w, 4w, 8w, 8w.
 *
 * B batch, S image side, w base width.
 */
import { ReclmisError } from '@reclmis/core';
import { float32, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { ConvBNReLU, DownBlock } from './blocks.js';
import {
  checkImages,
  type ModelOptions,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TrainingChoices,
  type TrainingSegmentation,
} from './segmentation-model.js';
import { supervisionWeights } from './supervision.js';

/** Joins the map below with its skip. */
interface Up extends nn.Module {
  /** @param x [B,in/2,H,W]. @param skip [B,in/2,2H,2W]. @param factor `factorOf(skip)`, if known @returns [B,out,2H,2W]. */
  forward(x: Tensor, skip: Tensor, factor?: Tensor): Tensor;
  /** The skip's own factor, [B,1,2H,2W]; absent if there is none. */
  factorOf?(skip: Tensor): Tensor;
}

/** @param x [B,8w,S/16,S/16]. @param skips coarsest first, from `encode` @param factors of these, from `factorsOf` */
export type Decoder = (x: Tensor, skips: readonly Tensor[], factors?: readonly Tensor[]) => Decoded;

export interface Decoded extends Segmentation {
  /** Each level's map, coarsest first: [B,4w,S/8,S/8], [B,2w,S/4,S/4], [B,w,S/2,S/2], [B,w,S,S]. */
  readonly maps: readonly Tensor[];
}

export interface EncodedImage {
  /** [B,8w,S/16,S/16]. */
  readonly bottleneck: Tensor;
  /** [B,8w,S/8,S/8], [B,4w,S/4,S/4], [B,2w,S/2,S/2], [B,w,S,S]. */
  readonly skips: readonly Tensor[];
}

export abstract class UNetBased extends SegmentationModel {
  private readonly inc: ConvBNReLU;
  private readonly downs: readonly DownBlock[];
  /** Deep supervision's, finer first: keys `supervision.0`, `supervision.1`. */
  private heads: readonly nn.Conv2d[] | null = null;
  /** Coarsest first. */
  private ups: readonly Up[] = [];

  /** @throws CONFIG_INVALID */
  constructor(readonly options: ModelOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w } = options;
    this.inc = this.child('inc', new ConvBNReLU(3, w));
    this.downs = [
      this.child('down1', new DownBlock(w, 2 * w)),
      this.child('down2', new DownBlock(2 * w, 4 * w)),
      this.child('down3', new DownBlock(4 * w, 8 * w)),
      this.child('down4', new DownBlock(8 * w, 8 * w)),
    ];
  }

  /**
   * Keys `up4` to `up1` and `outc`; the call fixes their place among the parameters.
   * @param Level from `inChannels`, of map and skip together, to `outChannels`
   */
  protected decoder(Level: new (inChannels: number, outChannels: number) => Up): Decoder {
    const { baseWidth: w } = this.options;
    const ups: readonly Up[] = [
      this.child('up4', new Level(16 * w, 4 * w)),
      this.child('up3', new Level(8 * w, 2 * w)),
      this.child('up2', new Level(4 * w, w)),
      this.child('up1', new Level(2 * w, w)),
    ];
    this.ups = ups;
    const outc = this.child('outc', new nn.Conv2d(w, 1, 1));
    if (this.options.deepSupervision === true)
      this.heads = this.children('supervision', [new nn.Conv2d(w, 1, 1), new nn.Conv2d(2 * w, 1, 1)]);
    return (x, skips, factors = []) => {
      const maps: Tensor[] = [];
      for (const [level, up] of ups.entries())
        maps.push(up.forward(maps.at(-1) ?? x, skips[level] ?? x, factors[level]));
      return { ...segmentation(outc.forward(maps.at(-1) ?? x)), maps };
    };
  }

  /** What the decoder computes of skips alone, coarsest first. */
  protected factorsOf(skips: readonly Tensor[]): Tensor[] {
    return this.ups.flatMap((up, level) => {
      const skip = skips[level];
      return skip && up.factorOf ? [up.factorOf(skip)] : [];
    });
  }

  abstract override segment(images: Tensor, note: NoteFeatures | null): Decoded;

  override forwardTraining(
    images: Tensor,
    note: NoteFeatures | null,
    _choices: TrainingChoices = {},
  ): TrainingSegmentation {
    return { ...this.supervised(this.segment(images, note)), losses: {} };
  }

  /** With the maps of half and a quarter of the size, under deep supervision; none of S/8, as in nnU-Net. */
  protected supervised({ logits, probability, maps }: Decoded): Omit<TrainingSegmentation, 'losses'> {
    const { heads } = this;
    if (heads === null) return { logits, probability };
    const weights = supervisionWeights(maps.length);
    const coarser = heads.map((head, i) => head.forward(maps.at(-2 - i) ?? logits)); // [B,1,S/2,S/2], [B,1,S/4,S/4]
    const supervision = [logits, ...coarser].map((map, i) => ({
      logits: float32(map),
      weight: weights[i] ?? 0,
    }));
    return { logits, probability, supervision };
  }

  /** @param images [B,3,S,S]. @throws TENSOR_SHAPE */
  protected encode(images: Tensor): EncodedImage {
    checkImages(images, this.options, this.training ? this.sizeStep : null);
    let x = this.inc.forward(images); // [B,w,S,S]
    const skips: Tensor[] = [];
    for (const down of this.downs) {
      skips.unshift(x);
      x = down.forward(x);
    }
    return { skips, bottleneck: x }; // [B,8w,S/16,S/16]
  }
}

/** @throws CONFIG_INVALID */
export function checkSizes({ baseWidth, imageSize }: ModelOptions): void {
  const whole = Number.isInteger(baseWidth) && baseWidth >= 1;
  requireOption(whole, 'baseWidth', 'a whole number of at least 1', baseWidth);
  const multiple = Number.isInteger(imageSize / 16) && imageSize >= 16;
  requireOption(multiple, 'imageSize', 'a multiple of 16 of at least 16 pixels', imageSize);
}

/** @throws CONFIG_INVALID naming the option and both values */
export function requireOption(holds: boolean, name: string, expected: string, actual: unknown): void {
  if (!holds)
    throw new ReclmisError('CONFIG_INVALID', `model.${name}: expected ${expected}, got ${String(actual)}`);
}
