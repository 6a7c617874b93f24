/**
 * The U-Net over a residual network of segmentation_models.pytorch (MIT), which ConVIRT and GLoRIA train.
 *
 *     image -> encoder -> f1..f5;  f5 -> decoder.blocks.0..3 with f4..f1 -> decoder.blocks.4 -> segmentation_head -> mask
 *
 * B batch, S image side, w channels of the stem (64), C channels.
 */
import type { nn } from '@reclmis/torch';
import { type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../../text/encoder.js';
import { checkImages, type Segmentation, segmentation, SegmentationModel } from '../segmentation-model.js';
import { drawAsTorchvision, ResNetEncoder } from './resnet.js';
import { blocksIn, checkResNetSizes, type ResNetModelOptions, widthsIn } from './resnet-settings.js';
import { DecoderBlock, segmentationHead } from './smp-decoder.js';
import type { ParityTraits } from '../descriptor.js';

/** Sees images alone, and learns by notes as well. */
export abstract class ResNetUNet extends SegmentationModel {
  override readonly readsNotes = false;
  override readonly explainLayer = 'decoder.blocks.0';
  protected readonly encoder: ResNetEncoder;
  private readonly blocks: readonly DecoderBlock[];
  private readonly head: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: ResNetModelOptions) {
    super();
    checkResNetSizes(options);
    const { baseWidth, blocks, decoderWidths: widths } = options;
    this.encoder = this.child('encoder', new ResNetEncoder(baseWidth, blocks));
    drawAsTorchvision(this.encoder);
    const channels = this.encoder.widths.toReversed(); // of f5..f1
    const made = widths.map(
      (width, i) => new DecoderBlock(widths[i - 1] ?? channels[0] ?? 0, channels[i + 1] ?? 0, width),
    );
    this.blocks = this.children('decoder.blocks', made);
    this.head = this.child('segmentation_head.0', segmentationHead(widths.at(-1) ?? 0));
  }

  override get learnsFromNotes(): boolean {
    return true;
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    return this.decode(this.encode(images));
  }

  /** f5..f1, coarsest first: [B,32w,S/32,S/32] to [B,w,S/2,S/2]. @throws TENSOR_SHAPE */
  protected encode(images: Tensor): EncodedByResNet {
    checkImages(images, this.options);
    const [f5, f4, ...finer] = this.encoder.forward(images).toReversed();
    return { f5: f5 as Tensor, f4: f4 as Tensor, finer }; // five maps
  }

  protected decode({ f5, f4, finer }: EncodedByResNet): Segmentation {
    const skips = [f4, ...finer];
    const decoded = this.blocks.reduce((x, block, i) => block.forward(x, ...skips.slice(i, i + 1)), f5); // [B,C,S,S]
    return segmentation(this.head.forward(decoded));
  }
}

export interface EncodedByResNet {
  /** [B,32w,S/32,S/32] */
  readonly f5: Tensor;
  /** [B,16w,S/16,S/16] */
  readonly f4: Tensor;
  /** f3, f2, f1. */
  readonly finer: readonly Tensor[];
}

/** Sizes that a golden file implies. */
export const resNetUNetSettings: NonNullable<ParityTraits['settings']> = (sizeOf, keys) => ({
  baseWidth: sizeOf('encoder.conv1.weight', 0),
  options: {
    blocks: blocksIn(keys, 'encoder\\.'),
    decoderWidths: widthsIn(
      sizeOf,
      [0, 1, 2, 3, 4].map((i) => `decoder.blocks.${i}`),
    ),
  },
});
