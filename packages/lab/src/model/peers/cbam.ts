/**
 * Channel and spatial attention as TGANet has them, after CBAM (Woo et al., ECCV 2018): what weighs maps before a block.
 *
 * B batch, C channels, H and W sides.
 */
import type { Tensor } from '@reclmis/torch';
import { cat, channelMax, isLaneMap, nn, pixelMeanMax, weighJoin } from '@reclmis/torch';

/** In channel attention. */
const REDUCTION = 16;

/** CA: weighs channels by their means and maxima: keys `fc1`, `fc2`. [B,C,H,W] -> [B,C,H,W]. */
export class ChannelAttention extends nn.Module {
  private readonly fc1: nn.Conv2d;
  private readonly fc2: nn.Conv2d;

  constructor(channels: number) {
    super();
    const inner = Math.max(1, Math.floor(channels / REDUCTION));
    this.fc1 = this.child('fc1', new nn.Conv2d(channels, inner, 1, { bias: false }));
    this.fc2 = this.child('fc2', new nn.Conv2d(inner, channels, 1, { bias: false }));
  }

  forward(x: Tensor): Tensor {
    return takesWeights(x) ? weighJoin([x], [this.weights(x)]) : x.mul(this.weights(x));
  }

  /** [B,C,1,1]. */
  weights(x: Tensor): Tensor {
    const [mean, maximum] = takesWeights(x) ? pixelMeanMax(x) : [x.mean([2, 3], true), x.amax([2, 3], true)];
    return this.weigh(mean).add(this.weigh(maximum)).sigmoid();
  }

  private weigh(summary: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(summary).relu());
  }
}

/** Whether `pixelMeanMax` and `weighJoin` take it. */
function takesWeights(x: Tensor): boolean {
  return x.dtype === 'float32' && isLaneMap(x);
}

/** Maps that channel attention weighs, joined along the channels. */
export function weighAndJoin(attentions: readonly ChannelAttention[], maps: readonly Tensor[]): Tensor {
  const pairs = attentions.map((attention, i) => [attention, maps[i] as Tensor] as const);
  const joins = pairs.every(([attention, map]) => takesWeights(map) && !nn.isTapped(attention));
  if (!joins)
    return cat(
      pairs.map(([attention, map]) => attention.forward(map)),
      1,
    );
  return weighJoin(
    maps,
    pairs.map(([attention, map]) => attention.weights(map)),
  );
}

/** SA: weighs pixels by their channels' mean and maximum: key `conv1`. [B,C,H,W] -> [B,C,H,W]. */
export class SpatialAttention extends nn.Module {
  private readonly conv1 = this.child('conv1', new nn.Conv2d(2, 1, 7, { padding: 3, bias: false }));

  forward(x: Tensor): Tensor {
    const maximum = isLaneMap(x) ? channelMax(x).unsqueeze(1) : x.amax([1], true);
    const summary = cat([x.mean([1], true), maximum], 1); // [B,2,H,W]
    return x.mul(this.conv1.forward(summary).sigmoid()); // [B,1,H,W] broadcast
  }
}
