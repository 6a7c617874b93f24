/**
 * Attention U-Net (Oktay et al. 2018) in 2D: `AttU_Net` of bigmb/Unet-Segmentation-Pytorch-Nest-of-Unets (MIT). A
 * gate weighs each skip by what the decoder has found so far. It reads no note. Choices: docs/models.md.
 *
 *     image -> Conv1..5 -> Up5, Att5, Up_conv5 -> .. -> Up2, Att2, Up_conv2 -> Conv -> mask
 *
 * B batch, S image side, w base width (64), C channels.
 */
import { cat, nn, type Tensor } from '@reclmis/torch';
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
import { checkSizes } from '../unet-based.js';

/** Twice conv 3x3, batch normalisation, ReLU: keys `conv.{0,1,3,4}`. [B,in,H,W] -> [B,out,H,W]. */
class ConvBlock extends nn.Module {
  private readonly layers: readonly (readonly [nn.Conv2d, nn.BatchNorm2d])[];

  constructor(inChannels: number, outChannels: number) {
    super();
    this.layers = [inChannels, outChannels].map((channels, i) => [
      this.child(`conv.${3 * i}`, new nn.Conv2d(channels, outChannels, 3, { padding: 1 })),
      this.child(`conv.${3 * i + 1}`, new nn.BatchNorm2d(outChannels)),
    ]);
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((y, [conv, norm]) => conv.forwardNorm(y, norm, { relu: true }), x);
  }
}

/** x2 nearest, conv 3x3, batch normalisation, ReLU: keys `up.{1,2}`. [B,in,H,W] -> [B,out,2H,2W]. */
class UpConv extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('up.1', new nn.Conv2d(inChannels, outChannels, 3, { padding: 1 }));
    this.norm = this.child('up.2', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor): Tensor {
    return this.conv.forwardNorm(nn.upsampleNearest2d(x, 2), this.norm, { relu: true });
  }
}

/** A 1x1 convolution with batch normalisation: keys `0`, `1`. */
class Projection extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number) {
    super();
    this.conv = this.child('0', new nn.Conv2d(inChannels, outChannels, 1));
    this.norm = this.child('1', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor): Tensor {
    return this.conv.forwardNorm(x, this.norm);
  }

  /** ReLU of `forward` plus another map. */
  forwardJoined(x: Tensor, plus: Tensor): Tensor {
    if (nn.isTapped(this)) return this.forward(x).add(plus).relu(); // a tap hears what the layer returns
    return this.conv.forwardNorm(x, this.norm, { plus, relu: true });
  }
}

/** Additive attention: the skip times sigmoid(psi(relu(W_g g + W_x x))). */
class Gate extends nn.Module {
  private readonly ofGating: Projection;
  private readonly ofSkip: Projection;
  private readonly psi: Projection;

  /** @param channels of gating map and skip. @param inner width in which they are added. */
  constructor(channels: number, inner: number) {
    super();
    this.ofGating = this.child('W_g', new Projection(channels, inner));
    this.ofSkip = this.child('W_x', new Projection(channels, inner));
    this.psi = this.child('psi', new Projection(inner, 1));
  }

  /** @param g [B,C,H,W]. @param x [B,C,H,W], the skip. @returns [B,C,H,W]. */
  forward(g: Tensor, x: Tensor): Tensor {
    const added = this.ofGating.forwardJoined(g, this.ofSkip.forward(x)); // [B,inner,H,W]
    return x.mul(this.psi.forward(added).sigmoid()); // [B,1,H,W] broadcast
  }
}

export class AttentionUNet extends SegmentationModel {
  override readonly title = 'Attention U-Net';
  override readonly readsNotes = false;
  override readonly explainLayer = 'Up_conv5';
  private readonly encoder: readonly ConvBlock[];
  private readonly levels: readonly { up: UpConv; gate: Gate; conv: ConvBlock }[];
  private readonly head: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: ModelOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w } = options;
    const widths = [w, 2 * w, 4 * w, 8 * w, 16 * w];
    this.encoder = widths.map((width, i) =>
      this.child(`Conv${i + 1}`, new ConvBlock(widths[i - 1] ?? 3, width)),
    );
    this.levels = [5, 4, 3, 2].map((level) => {
      const below = w * 2 ** (level - 1);
      const width = below / 2;
      return {
        up: this.child(`Up${level}`, new UpConv(below, width)),
        gate: this.child(`Att${level}`, new Gate(width, width / 2)),
        conv: this.child(`Up_conv${level}`, new ConvBlock(below, width)),
      };
    });
    this.head = this.child('Conv', new nn.Conv2d(w, 1, 1));
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const skips: Tensor[] = []; // coarsest first
    let x = images;
    this.encoder.forEach((block, i) => {
      if (i > 0) {
        skips.unshift(x);
        x = nn.maxPool2d(x, 2);
      }
      x = block.forward(x);
    }); // [B,16w,S/16,S/16]
    this.levels.forEach(({ up, gate, conv }, i) => {
      const raised = up.forward(x);
      const skip = skips[i] ?? raised;
      x = conv.forward(cat([gate.forward(raised, skip), raised], 1));
    }); // [B,w,S,S]
    return segmentation(this.head.forward(x));
  }
}

export const attentionUNet = describeModel({
  title: 'Attention U-Net',
  readsNotes: () => false,
  options: z.strictObject({}),
  build: ({ baseWidth, imageSize }, { width: textWidth }) =>
    new AttentionUNet({ baseWidth, imageSize, textWidth }),
  ownKey: 'Att5.psi.0.weight',
  unusedKeys: [/\.num_batches_tracked$/],
  presets: ['qata-cov19-attunet'],
  parts: {
    encoder: ['Conv1', 'Conv2', 'Conv3', 'Conv4', 'Conv5'],
    decoder: [5, 4, 3, 2].flatMap((level) => [`Up${level}`, `Att${level}`, `Up_conv${level}`]).concat('Conv'),
  },
  table1: { title: 'AttUNet', flops: 'It counts norms and upsampling too.' },
  parity: {
    settings: (sizeOf) => ({ baseWidth: sizeOf('Conv1.conv.0.weight', 0) }),
    // A small difference of large numbers: float64 already differs by 8e-4 of its 9e-10.
    gradients: [{ keys: /^Att5\.psi\.1\.weight$/, absolute: 1e-9 }],
  },
});
