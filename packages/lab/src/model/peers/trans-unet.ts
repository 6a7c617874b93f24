/**
 * TransUNet (Chen et al. 2021), "R50-ViT-B_16" of Beckschen/TransUNet (Apache-2.0): a ResNet-50 with standardised
 * weights and group normalisation, a vision transformer on its coarsest map, a decoder with skips from the ResNet. It
 * reads no note. Choices: docs/models.md.
 *
 *     image -> root -> A -> max pool, block1 -> B -> block2 -> C -> block3 -> patch_embeddings -> layer.0..11, encoder_norm
 *           -> conv_more -> blocks.0 (C) -> blocks.1 (B) -> blocks.2 (A) -> blocks.3 -> segmentation_head -> mask
 *
 * B batch, S image side, w base width (64), N tokens, (S/16)^2, D width of a token (768).
 */
import { cat, conv2d, dropout, layerNorm, nn, type Tensor, zeros } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  checkImages,
  type ModelOptions,
  type Segmentation,
  segmentation,
  SegmentationModel,
} from '../segmentation-model.js';
import { checkSizes, requireOption } from '../unet-based.js';
import { SPLIT_KEYS, ViTBlock } from './vit.js';

/** Or as many as divide fewer channels. */
const GROUPS = 32;
/** In the stem's norms and the transformer's. */
const EPS = 1e-6;
/** Added to a filter's variance. */
const FILTER_EPS = 1e-5;
/** In `block1` to `block3`. */
const UNITS = [3, 4, 9] as const;
/** In ViT-B. */
const HEAD_WIDTH = 64;

/**
 * Without bias; filters have mean 0, variance 1 at each call (Qiao et al. 2019). [B,in,H,W] -> [B,out,H',W'].
 */
class StandardConv extends nn.Conv2d {
  constructor(
    inChannels: number,
    outChannels: number,
    private readonly kernel: number,
    private readonly stride = 1,
  ) {
    super(inChannels, outChannels, kernel, { bias: false });
  }

  override forward(x: Tensor): Tensor {
    // Layer normalisation of a filter, without scale and shift.
    const weight = layerNorm(this.weight, this.weight.shape.slice(1), null, null, FILTER_EPS);
    return conv2d(x, weight, null, this.stride, (this.kernel - 1) / 2);
  }
}

function stemNorm(channels: number): nn.GroupNorm {
  let groups = Math.min(GROUPS, channels);
  while (channels % groups !== 0) groups--;
  return new nn.GroupNorm(groups, channels, { eps: EPS });
}

/** A bottleneck with ReLU after the sum. [B,in,H,W] -> [B,out,H/stride,W/stride]. */
class Unit extends nn.Module {
  private readonly layers: readonly (readonly [StandardConv, nn.GroupNorm])[];
  private readonly projection: readonly [StandardConv, nn.GroupNorm] | null;

  constructor(inChannels: number, middle: number, outChannels: number, stride: number) {
    super();
    const convs = [
      new StandardConv(inChannels, middle, 1),
      new StandardConv(middle, middle, 3, stride),
      new StandardConv(middle, outChannels, 1),
    ];
    const norms = [stemNorm(middle), stemNorm(middle), stemNorm(outChannels)];
    this.layers = convs.map((conv, i) => [
      this.child(`conv${i + 1}`, conv),
      this.child(`gn${i + 1}`, norms[i] as nn.GroupNorm),
    ]);
    this.projection =
      inChannels === outChannels
        ? null
        : [
            this.child('downsample', new StandardConv(inChannels, outChannels, 1, stride)),
            this.child('gn_proj', new nn.GroupNorm(outChannels, outChannels)), // one channel a group
          ];
  }

  forward(x: Tensor): Tensor {
    const y = this.layers.reduce((map, [conv, norm], i) => {
      const normal = norm.forward(conv.forward(map));
      return i < 2 ? normal.relu_() : normal; // in place: backward only reads the input
    }, x);
    const [conv, norm] = this.projection ?? [];
    const rest = conv && norm ? norm.forward(conv.forward(x)) : x;
    return rest.add(y).relu_();
  }
}

/** The ResNet: keys `root.{conv,gn}`, `body.block{1..3}.unit{1..}`. */
class Stem extends nn.Module {
  private readonly conv: StandardConv;
  private readonly norm: nn.GroupNorm;
  private readonly blocks: readonly (readonly Unit[])[];

  constructor(w: number) {
    super();
    this.conv = this.child('root.conv', new StandardConv(3, w, 7, 2));
    this.norm = this.child('root.gn', stemNorm(w));
    let width = w;
    this.blocks = UNITS.map((count, b) => {
      const middle = w * 2 ** b;
      const units = Array.from({ length: count }, (_, u) => {
        const unit = new Unit(u === 0 ? width : 4 * middle, middle, 4 * middle, u === 0 && b > 0 ? 2 : 1);
        return this.child(`body.block${b + 1}.unit${u + 1}`, unit);
      });
      width = 4 * middle;
      return units;
    });
  }

  /** @param images [B,3,S,S]. @returns [B,16w,S/16,S/16], and the skips [B,8w,S/8,S/8], [B,4w,S/4,S/4], [B,w,S/2,S/2]. */
  forward(images: Tensor): { coarsest: Tensor; skips: Tensor[] } {
    const root = this.norm.forward(this.conv.forward(images)).relu_(); // [B,w,S/2,S/2]
    const skips = [root];
    let x = nn.maxPool2d(root, 3, { stride: 2 }); // [B,w,S/4-1,S/4-1]
    this.blocks.forEach((units, b) => {
      x = units.reduce((map, unit) => unit.forward(map), x);
      // Without padding the pooling loses a row and a column, which the skip gets back as zeros.
      if (b < UNITS.length - 1) skips.unshift(b === 0 ? x.pad([0, 1, 0, 1]) : x);
    });
    return { coarsest: x, skips };
  }
}

/** Conv 3x3 without bias, batch normalisation, ReLU: keys `0`, `1`. [B,in,H,W] -> [B,out,H,W]. */
class ConvBNReLU extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('0', new nn.Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false }));
    this.norm = this.child('1', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor): Tensor {
    return this.conv.forwardNorm(x, this.norm, { relu: true });
  }
}

/** x2 bilinear with corners in place, [up, skip], two ConvBNReLU: keys `conv1`, `conv2`. */
class UpBlock extends nn.Module {
  private readonly conv1: ConvBNReLU;
  private readonly conv2: ConvBNReLU;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv1 = this.child('conv1', new ConvBNReLU(inChannels, outChannels));
    this.conv2 = this.child('conv2', new ConvBNReLU(outChannels, outChannels));
  }

  /** @param x [B,C,H,W]. @param skip [B,C',2H,2W], or null. @returns [B,out,2H,2W]. */
  forward(x: Tensor, skip: Tensor | null): Tensor {
    const [, , height, width] = x.shape4();
    const up = nn.resizeBilinear2d(x, [2 * height, 2 * width], true);
    return this.conv2.forward(this.conv1.forward(skip ? cat([up, skip], 1) : up));
  }
}

export interface TransUNetOptions extends ModelOptions {
  /** D. */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Coarsest first, 0 to 3. */
  readonly skips: number;
  /** On the embedded tokens and in the MLPs. */
  readonly dropout: number;
}

export class TransUNet extends SegmentationModel {
  override readonly title = 'TransUNet';
  override readonly readsNotes = false;
  override readonly explainLayer = 'decoder.blocks.0';
  private readonly stem: Stem;
  private readonly patch: nn.Conv2d;
  private readonly position: Tensor;
  private readonly layers: readonly ViTBlock[];
  private readonly norm: nn.LayerNorm;
  private readonly more: ConvBNReLU;
  private readonly ups: readonly UpBlock[];
  private readonly head: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: TransUNetOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w, imageSize, width, layers, heads, skips, dropout: rate } = options;
    requireOption(w % 4 === 0, 'baseWidth', 'a multiple of 4', w);
    requireOption(width % heads === 0, 'options.width', `a multiple of its ${heads} heads`, width);
    this.stem = this.child('transformer.embeddings.hybrid_model', new Stem(w));
    this.patch = this.child('transformer.embeddings.patch_embeddings', new nn.Conv2d(16 * w, width, 1));
    this.position = this.parameter(
      'transformer.embeddings.position_embeddings',
      zeros([1, (imageSize / 16) ** 2, width]),
    );
    const block = {
      width,
      heads,
      hidden: 4 * width,
      keys: SPLIT_KEYS,
      eps: EPS,
      dropout: { attention: 0, hidden: rate, output: rate },
    };
    this.layers = this.children(
      'transformer.encoder.layer',
      Array.from({ length: layers }, () => new ViTBlock(block)),
    );
    for (const { fc1, fc2 } of this.layers) {
      for (const { weight, bias } of [fc1, fc2]) {
        nn.xavierUniform_(weight);
        if (bias) nn.normal_(bias, 1e-6);
      }
    }
    this.norm = this.child('transformer.encoder.encoder_norm', new nn.LayerNorm(width, { eps: EPS }));
    this.more = this.child('decoder.conv_more', new ConvBNReLU(width, 8 * w));
    const skipWidths = [8 * w, 4 * w, w];
    const outputs = [4 * w, 2 * w, w, w / 4];
    this.ups = outputs.map((out, i) => {
      const skip = i < skips ? (skipWidths[i] ?? 0) : 0;
      return this.child(`decoder.blocks.${i}`, new UpBlock((outputs[i - 1] ?? 8 * w) + skip, out));
    });
    this.head = this.child('segmentation_head.0', new nn.Conv2d(w / 4, 1, 3, { padding: 1 }));
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const { coarsest, skips } = this.stem.forward(images);
    const side = coarsest.size(3);
    const embedded = this.patch.forward(coarsest).flatten(2).transpose(1, 2).add(this.position); // [B,N,D]
    const { width, dropout: rate } = this.options;
    const tokens = this.training && rate > 0 ? dropout(embedded, rate, true) : embedded;
    const encoded = this.norm.forward(this.layers.reduce((x, layer) => layer.forward(x), tokens)); // [B,N,D]
    const map = encoded.transpose(1, 2).reshape([-1, width, side, side]); // [B,D,S/16,S/16]
    const decoded = this.ups.reduce(
      (x, up, i) => up.forward(x, i < this.options.skips ? (skips[i] ?? null) : null),
      this.more.forward(map),
    ); // [B,w/4,S,S]
    return segmentation(this.head.forward(decoded));
  }
}

const stemKey = 'transformer.embeddings.hybrid_model.root.conv.weight';

export const transUNet = describeModel({
  title: 'TransUNet',
  readsNotes: () => false,
  options: z.strictObject({
    width: z.number().int().min(8).default(768).describe('width of a token; 768 in ViT-B'),
    layers: z.number().int().min(1).max(32).default(12).describe('layers of the transformer'),
    heads: z.number().int().min(1).default(12).describe('heads of its attention, a divisor of the width'),
    skips: z
      .number()
      .int()
      .min(0)
      .max(3)
      .default(3)
      .describe('skips from the ResNet that the decoder takes, coarsest first'),
  }),
  build: ({ baseWidth, imageSize, dropout: rate }, { width: textWidth }, options) =>
    new TransUNet({ baseWidth, imageSize, textWidth, dropout: rate, ...options }),
  ownKey: stemKey,
  unusedKeys: [/\.num_batches_tracked$/],
  presets: ['qata-cov19-transunet'],
  parts: { encoder: ['transformer'], decoder: ['decoder', 'segmentation_head'] },
  table1: {
    title: 'TransUNet',
    flops: 'It seems to leave out attention’s products: ours are 56.9 G without them.',
  },
  parity: {
    settings: (sizeOf, keys) => {
      const baseWidth = sizeOf(stemKey, 0);
      const width = sizeOf('transformer.encoder.encoder_norm.weight', 0);
      const layers = keys.filter((key) => /\.layer\.\d+\.ffn\.fc1\.bias$/.test(key)).length;
      const joined = [0, 1, 2].filter(
        (i) => sizeOf(`decoder.blocks.${i}.conv1.0.weight`, 1) > (8 * baseWidth) / 2 ** i,
      );
      const heads = Math.max(1, Math.round(width / HEAD_WIDTH));
      return { baseWidth, options: { width, layers, heads, skips: joined.length } };
    },
    gradients: [
      // Exactly zero: a softmax ignores a constant.
      { keys: /\.attn\.key\.bias$/, absolute: 1e-9 },
      // Small differences of large numbers: float64 already differs by 8e-3.
      { keys: /\.hybrid_model\./, relative: 0.02 },
    ],
  },
});
