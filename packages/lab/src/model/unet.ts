/**
 * U-Net (Ronneberger et al. 2015), the first peer of the paper's Table 1: docs/method.md 11, the version in LViT's repository. It reads no note.
 *
 *     image -> inc, down1..4 -> up4..1 -> outc -> mask
 *
 * A transposed convolution that keeps its channels doubles the size, [up, skip] in this order, two ConvBNReLU. Keys are those of the authors' code,
 * and none of them is unused.
 *
 * B batch, C channels, S image side, w base width.
 */
import { cat, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { ConvBNReLU } from './blocks.js';
import type { ModelOptions, Segmentation } from './segmentation-model.js';
import { decode, UNetBased } from './unet-based.js';

/** Keys `up`, `nConvs.{i}`. */
class TransposedUpBlock extends nn.Module {
  private readonly up: nn.ConvTranspose2d;
  private readonly convs: readonly ConvBNReLU[];

  /** @param inChannels channels of skip and upsampled map together; each brings half. */
  constructor(inChannels: number, outChannels: number) {
    super();
    this.up = this.child('up', new nn.ConvTranspose2d(inChannels / 2, inChannels / 2, 2, { stride: 2 }));
    this.convs = this.children('nConvs', [
      new ConvBNReLU(inChannels, outChannels),
      new ConvBNReLU(outChannels, outChannels),
    ]);
  }

  /** @param x [B,in/2,H,W]. @param skip [B,in/2,2H,2W]. @returns [B,out,2H,2W]. */
  forward(x: Tensor, skip: Tensor): Tensor {
    const joined = cat([this.up.forward(x), skip], 1); // [B,in,2H,2W]
    return this.convs.reduce((y, conv) => conv.forward(y), joined); // [B,out,2H,2W]
  }
}

export class UNet extends UNetBased {
  override readonly title = 'U-Net';
  override readonly readsNotes = false;
  private readonly ups: readonly TransposedUpBlock[];
  private readonly outc: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(options: ModelOptions) {
    super(options);
    const { baseWidth: w } = options;
    this.ups = [
      this.child('up4', new TransposedUpBlock(16 * w, 4 * w)),
      this.child('up3', new TransposedUpBlock(8 * w, 2 * w)),
      this.child('up2', new TransposedUpBlock(4 * w, w)),
      this.child('up1', new TransposedUpBlock(2 * w, w)),
    ];
    this.outc = this.child('outc', new nn.Conv2d(w, 1, 1));
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    const { bottleneck, skips } = this.encode(images);
    return decode(bottleneck, skips, this.ups, this.outc);
  }
}
