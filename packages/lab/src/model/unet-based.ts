/**
 * A model on the U-Net encoder that RecLMIS, U-Net and LViT share (docs/method.md 2): `inc`, and `down1` to `down4` with pooling, widths w, 2w, 4w, 8w, 8w.
 *
 * B batch, S image side, w base width.
 */
import { ReclmisError } from '@reclmis/core';
import type { nn } from '@reclmis/torch';
import { float32, type Tensor } from '@reclmis/torch';
import { ConvBNReLU, DownBlock } from './blocks.js';
import { type ModelOptions, type Segmentation, SegmentationModel } from './segmentation-model.js';

/** The maps of an image, coarsest first. */
export interface EncodedImage {
  /** [B,8w,S/16,S/16]. */
  readonly bottleneck: Tensor;
  /** [B,8w,S/8,S/8], [B,4w,S/4,S/4], [B,2w,S/2,S/2], [B,w,S,S]. */
  readonly skips: readonly Tensor[];
}

export abstract class UNetBased extends SegmentationModel {
  private readonly inc: ConvBNReLU;
  private readonly downs: readonly DownBlock[];

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

  /** @param images [B,3,S,S]. @throws TENSOR_SHAPE */
  protected encode(images: Tensor): EncodedImage {
    const [, channels, height, width] = images.shape4();
    const S = this.options.imageSize;
    if (channels !== 3 || height !== S || width !== S) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `images: expected [B, 3, ${S}, ${S}], got [${images.shape.join(', ')}]`,
      );
    }
    let x = this.inc.forward(images); // [B,w,S,S]
    const skips: Tensor[] = [];
    for (const down of this.downs) {
      skips.unshift(x);
      x = down.forward(x);
    }
    return { skips, bottleneck: x }; // [B,8w,S/16,S/16]
  }
}

/** A decoder's level: the map below and the skip beside it make the map above. */
interface Up {
  forward(x: Tensor, skip: Tensor): Tensor;
}

/**
 * The decoder: `up4` to `up1` and the last convolution.
 * @param x [B,8w,S/16,S/16]. @param skips coarsest first, as `encode` gives them.
 */
export function decode(
  x: Tensor,
  skips: readonly Tensor[],
  ups: readonly Up[],
  outc: nn.Conv2d,
): Segmentation {
  const decoded = ups.reduce((y, up, level) => up.forward(y, skips[level] ?? y), x); // [B,w,S,S]
  const logits = float32(outc.forward(decoded)); // [B,1,S,S]
  return { logits, probability: logits.sigmoid() };
}

/** @throws CONFIG_INVALID for a width or an image size that no such model can have. */
export function checkSizes({ baseWidth, imageSize }: ModelOptions): void {
  const whole = Number.isInteger(baseWidth) && baseWidth >= 1;
  requireOption(whole, 'baseWidth', 'a whole number of at least 1', baseWidth);
  const multiple = Number.isInteger(imageSize / 16) && imageSize >= 16;
  requireOption(multiple, 'imageSize', 'a multiple of 16 of at least 16 pixels', imageSize);
}

/** @throws CONFIG_INVALID naming the option, what it must be and what it is. */
export function requireOption(holds: boolean, name: string, expected: string, actual: unknown): void {
  if (!holds)
    throw new ReclmisError('CONFIG_INVALID', `model.${name}: expected ${expected}, got ${String(actual)}`);
}
