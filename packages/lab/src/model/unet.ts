/**
 * U-Net (Ronneberger et al. 2015): docs/method.md 11, LViT's version. It reads no note.
 *
 *     image -> inc, down1..4 -> up4..1 -> outc -> mask
 *
 * A transposed convolution that keeps its channels doubles the size; then [up, skip] in this order, two ConvBNReLU.
 * Keys are the authors'.
 *
 * B batch, C channels, S image side, w base width.
 */
import { cat, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { ConvBNReLU } from './blocks.js';
import type { ModelOptions } from './segmentation-model.js';
import { type Decoded, type Decoder, UNetBased } from './unet-based.js';

/** Keys `up`, `nConvs.{i}`. */
class TransposedUpBlock extends nn.Module {
  private readonly up: nn.ConvTranspose2d;
  private readonly convs: readonly ConvBNReLU[];

  /** @param inChannels of skip and upsampled map, half each */
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
  private readonly decode: Decoder;

  /** @throws CONFIG_INVALID */
  constructor(options: ModelOptions) {
    super(options);
    this.decode = this.decoder(TransposedUpBlock);
  }

  override get sizeStep(): number {
    return 16;
  }

  segment(images: Tensor, _note: NoteFeatures | null): Decoded {
    const { bottleneck, skips } = this.encode(images);
    return this.decode(bottleneck, skips);
  }
}
