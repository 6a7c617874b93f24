/**
 * PLAM, the pixel-level attention of the decoder's skips (LViT's, kept by RecLMIS): docs/method.md 4.
 *
 * a = mean over channels of relu(`conv_avg`(x)), m = max over channels of relu(`conv_max`(x)), both 1x1 without bias. Per pixel, [a, m,
 * a+m] -> Linear 3->6, ReLU, Linear 6->1 gives one factor for x (no sigmoid). Upstream's `conv_sig` is unused.
 *
 * B batch, C channels, H x W pixels.
 */
import { channelMax, isLaneMap, nn, projectedMeanMax, reluMean, stack, type Tensor } from '@reclmis/torch';

export class PixelLevelAttention extends nn.Module {
  private readonly convAvg: nn.Conv2d;
  private readonly convMax: nn.Conv2d;
  private readonly bottleneck: Bottleneck;

  constructor(channels: number) {
    super();
    this.convAvg = this.child('conv_avg', new nn.Conv2d(channels, channels, 1, { bias: false }));
    this.convMax = this.child('conv_max', new nn.Conv2d(channels, channels, 1, { bias: false }));
    this.bottleneck = this.child('bottleneck', new Bottleneck());
  }

  /** @param x [B,C,H,W]. @returns the same shape */
  forward(x: Tensor): Tensor {
    return x.mul(this.attention(x));
  }

  /** The factor of x, [B,1,H,W]. */
  attention(x: Tensor): Tensor {
    const [average, maximum] = this.statistics(x); // [B,H,W] each
    const perPixel = stack([average, maximum, average.add(maximum)], -1); // [B,H,W,3]
    return this.bottleneck.forward(perPixel).squeeze(-1).unsqueeze(1); // [B,1,H,W]
  }

  /** a and m, [B,H,W] each. The maximum of ReLUs is the ReLU of the maximum: one map instead of C. */
  private statistics(x: Tensor): [Tensor, Tensor] {
    const { convAvg, convMax } = this;
    if (x.dtype === 'float32' && convAvg.weight.dtype === 'float32' && isLaneMap(x)) {
      const [average, maximum] = projectedMeanMax(x, convAvg.weight, convMax.weight);
      return [average, maximum.relu()];
    }
    const averages = convAvg.forward(x); // [B,C,H,W]
    const maxima = convMax.forward(x); // [B,C,H,W]
    const own = isLaneMap(averages) && isLaneMap(maxima);
    return own
      ? [reluMean(averages), channelMax(maxima).relu()]
      : [averages.relu_().mean([1]), maxima.amax([1]).relu()];
  }
}

/** Linear 3->6, ReLU, Linear 6->1 on the last axis; keys `0` and `2`. */
class Bottleneck extends nn.Module {
  private readonly first = this.child('0', new nn.Linear(3, 6));
  private readonly second = this.child('2', new nn.Linear(6, 1));

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x).relu_()); // [...,1]
  }
}
