/**
 * Squeeze and excitation (Hu et al. 2018).
 *
 * B batch, C channels, H, W sides of the map.
 */
import { nn, type Tensor } from '@reclmis/torch';

/**
 * x sigmoid(fc2(relu(fc1(mean of x over its pixels)))): keys `fc1`, `fc2`, 1x1 convolutions with bias.
 * [B,C,H,W] -> [B,C,H,W].
 */
export class SqueezeExcitation extends nn.Module {
  private readonly fc1: nn.Conv2d;
  private readonly fc2: nn.Conv2d;

  /** @param reduction how much narrower the middle is */
  constructor(channels: number, reduction: number) {
    super();
    const inner = Math.max(1, Math.floor(channels / reduction));
    this.fc1 = this.child('fc1', new nn.Conv2d(channels, inner, 1));
    this.fc2 = this.child('fc2', new nn.Conv2d(inner, channels, 1));
  }

  forward(x: Tensor): Tensor {
    const squeezed = x.mean([2, 3], true); // [B,C,1,1]
    return x.mul(this.fc2.forward(this.fc1.forward(squeezed).relu()).sigmoid());
  }
}
