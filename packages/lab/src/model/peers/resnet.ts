/**
 * Residual networks of bottlenecks (He et al. 2016) as encoders: torchvision's ResNet-50 and relatives. Sources:
 * docs/models.md.
 *
 * B batch, C channels, H, W sides of the map.
 */
import { nn, type Tensor } from '@reclmis/torch';
import { SqueezeExcitation } from './squeeze-excitation.js';

/** Output width over that of the 3x3 convolution. */
export const EXPANSION = 4;

/** Differences from torchvision's. */
export interface BottleneckOptions {
  /** The strided convolution: the 3x3, as in torchvision (default), or the first 1x1, as in Caffe. */
  readonly strideAt?: '3x3' | '1x1';
  /**
   * Weighs channels before the sum, key `se_module`: how much narrower the gate's middle is. Default: none.
   */
  readonly squeeze?: number;
}

/**
 * Conv 1x1 to `width`, 3x3, 1x1 to 4 `width`, each with batch normalisation, plus the input. [B,C,H,W] ->
 * [B,4 width,H/stride,W/stride].
 */
export class Bottleneck extends nn.Module {
  private readonly conv1: nn.Conv2d;
  private readonly bn1: nn.BatchNorm2d;
  private readonly conv2: nn.Conv2d;
  private readonly bn2: nn.BatchNorm2d;
  private readonly conv3: nn.Conv2d;
  private readonly bn3: nn.BatchNorm2d;
  private readonly gate: SqueezeExcitation | null;
  private readonly downsample: readonly [nn.Conv2d, nn.BatchNorm2d] | null;

  constructor(
    inChannels: number,
    width: number,
    stride: 1 | 2,
    { strideAt = '3x3', squeeze }: BottleneckOptions = {},
  ) {
    super();
    const outChannels = EXPANSION * width;
    const [first, second] = strideAt === '1x1' ? [stride, 1] : [1, stride];
    this.conv1 = this.child('conv1', new nn.Conv2d(inChannels, width, 1, { stride: first, bias: false }));
    this.bn1 = this.child('bn1', new nn.BatchNorm2d(width));
    this.conv2 = this.child(
      'conv2',
      new nn.Conv2d(width, width, 3, { padding: 1, stride: second, bias: false }),
    );
    this.bn2 = this.child('bn2', new nn.BatchNorm2d(width));
    this.conv3 = this.child('conv3', new nn.Conv2d(width, outChannels, 1, { bias: false }));
    this.bn3 = this.child('bn3', new nn.BatchNorm2d(outChannels));
    this.gate =
      squeeze === undefined ? null : this.child('se_module', new SqueezeExcitation(outChannels, squeeze));
    this.downsample =
      stride === 1 && inChannels === outChannels
        ? null
        : [
            this.child('downsample.0', new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false })),
            this.child('downsample.1', new nn.BatchNorm2d(outChannels)),
          ];
  }

  forward(x: Tensor): Tensor {
    const narrow = this.conv1.forwardNorm(x, this.bn1, { relu: true }); // [B,width,..]
    const seen = this.conv2.forwardNorm(narrow, this.bn2, { relu: true }); // [B,width,H/stride,W/stride]
    const plus = this.shortcut(x); // [B,4 width,H/stride,W/stride]
    if (!this.gate) return this.conv3.forwardNorm(seen, this.bn3, { plus, relu: true });
    const weighed = this.gate.forward(this.conv3.forwardNorm(seen, this.bn3));
    return weighed.add(plus).relu_(); // in place: the sum's backward does not read its output
  }

  private shortcut(x: Tensor): Tensor {
    if (!this.downsample) return x;
    const [conv, norm] = this.downsample;
    return conv.forwardNorm(x, norm);
  }
}

/** `count` bottlenecks, the first with the stride. [B,inChannels,H,W] -> [B,4 width,H/stride,W/stride]. */
export function residualLayer(
  inChannels: number,
  width: number,
  count: number,
  stride: 1 | 2,
  options: BottleneckOptions = {},
): readonly Bottleneck[] {
  return Array.from({ length: count }, (_, i) =>
    i === 0
      ? new Bottleneck(inChannels, width, stride, options)
      : new Bottleneck(EXPANSION * width, width, 1, options),
  );
}

/** Differences from torchvision's. */
export interface ResNetOptions extends BottleneckOptions {
  /** Prefix of `conv1` and `bn1`, e.g. `layer0.`. Default: none. */
  readonly stem?: string;
  /**
   * 3x3 pooling of stride 2: with a border, as in torchvision (default), or without one and its size rounded
   * up, as in Caffe.
   */
  readonly pool?: 'border' | 'roundUp';
}

/** Bottlenecks of each layer. */
export const RESNET_50 = [3, 4, 6, 3] as const;

/** The network without pooling and classifier: keys `conv1`, `bn1`, `layer1` to `layer4`. */
export class ResNetEncoder extends nn.Module {
  /** Channels of the five maps, finest first. */
  readonly widths: readonly number[];
  private readonly conv1: nn.Conv2d;
  private readonly bn1: nn.BatchNorm2d;
  private readonly layers: readonly (readonly Bottleneck[])[];
  private readonly pool: nn.PoolOptions;

  /** @param baseWidth of the stem, 64 in all published ones. @param blocks bottlenecks of each layer */
  constructor(
    baseWidth: number,
    blocks: readonly number[],
    { stem = '', pool = 'border', ...options }: ResNetOptions = {},
  ) {
    super();
    this.pool = { stride: 2, ...(pool === 'border' ? { padding: 1 } : { ceilMode: true }) };
    this.conv1 = this.child(
      `${stem}conv1`,
      new nn.Conv2d(3, baseWidth, 7, { stride: 2, padding: 3, bias: false }),
    );
    this.bn1 = this.child(`${stem}bn1`, new nn.BatchNorm2d(baseWidth));
    this.widths = [baseWidth, ...blocks.map((_, i) => EXPANSION * baseWidth * 2 ** i)];
    this.layers = blocks.map((count, i) =>
      this.children(
        `layer${i + 1}`,
        residualLayer(this.widths[i] ?? baseWidth, baseWidth * 2 ** i, count, i === 0 ? 1 : 2, options),
      ),
    );
  }

  /** @param images [B,3,S,S]. @returns maps, finest first: [B,w,S/2,S/2], [B,4w,S/4,S/4], .., [B,32w,S/32,S/32]. */
  forward(images: Tensor): readonly Tensor[] {
    let x = this.conv1.forwardNorm(images, this.bn1, { relu: true }); // [B,w,S/2,S/2]
    const maps = [x];
    x = nn.maxPool2d(x, 3, this.pool); // [B,w,S/4,S/4]
    for (const layer of this.layers) {
      x = layer.reduce((y, block) => block.forward(y), x);
      maps.push(x);
    }
    return maps;
  }
}

/** Kaiming normal by the outputs; norms stay 1 and 0. */
export function drawAsTorchvision(encoder: nn.Module): void {
  for (const module of encoder.namedModules().values())
    if (module instanceof nn.Conv2d) nn.kaimingNormal_(module.weight, 'out');
}
