/**
 * Convolutional blocks: paper section 3.1, docs/method.md 2, 4 and 11. Keys as upstream.
 *
 * B batch, C channels, H x W pixels.
 */
import { attendAndJoin, cat, isLaneMap, nn, type Tensor } from '@reclmis/torch';
import { PixelLevelAttention } from './plam.js';

/** 3x3 convolution with bias, batch normalisation, ReLU. [B,in,H,W] -> [B,out,H,W]. */
export class ConvBNReLU extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('conv', new nn.Conv2d(inChannels, outChannels, 3, { padding: 1 }));
    this.norm = this.child('norm', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor): Tensor {
    return this.conv.forwardNorm(x, this.norm, { relu: true });
  }
}

/** 2x2 max-pooling, then two ConvBNReLU. [B,in,H,W] -> [B,out,H/2,W/2]. */
export class DownBlock extends nn.Module {
  private readonly convs: readonly ConvBNReLU[];

  constructor(inChannels: number, outChannels: number) {
    super();
    this.convs = this.children('nConvs', [
      new ConvBNReLU(inChannels, outChannels),
      new ConvBNReLU(outChannels, outChannels),
    ]);
  }

  forward(x: Tensor): Tensor {
    return this.convs.reduce((y, conv) => conv.forward(y), nn.maxPool2d(x, 2)); // [B,out,H/2,W/2]
  }
}

/** Nearest upsampling, the skip through PLAM, [skip, up], two ConvBNReLU. */
export class UpBlock extends nn.Module {
  private readonly pixModule: PixelLevelAttention;
  private readonly convs: readonly ConvBNReLU[];

  /** @param inChannels of skip and upsampled map, half each */
  constructor(inChannels: number, outChannels: number) {
    super();
    this.pixModule = this.child('pixModule', new PixelLevelAttention(inChannels / 2));
    this.convs = this.children('nConvs', [
      new ConvBNReLU(inChannels, outChannels),
      new ConvBNReLU(outChannels, outChannels),
    ]);
  }

  /** @param x [B,in/2,H,W]. @param skip [B,in/2,2H,2W]. @param factor PLAM's, if known @returns [B,out,2H,2W] */
  forward(x: Tensor, skip: Tensor, factor?: Tensor): Tensor {
    return this.convs.reduce((y, conv) => conv.forward(y), this.join(x, skip, factor)); // [B,out,2H,2W]
  }

  /** PLAM's, [B,1,2H,2W]. */
  factorOf(skip: Tensor): Tensor {
    return this.pixModule.attention(skip);
  }

  /** [skip, up], [B,in,2H,2W], in one pass if possible. */
  private join(x: Tensor, skip: Tensor, factor?: Tensor): Tensor {
    if (skip.dtype === x.dtype && isLaneMap(skip) && isLaneMap(x)) {
      const attention = factor ?? this.factorOf(skip); // [B,1,2H,2W]
      if (attention.dtype === skip.dtype) return attendAndJoin(skip, attention, x);
      return cat([skip.mul(attention), nn.upsampleNearest2d(x, 2)], 1);
    }
    const attended = factor ? skip.mul(factor) : this.pixModule.forward(skip);
    return cat([attended, nn.upsampleNearest2d(x, 2)], 1);
  }
}
