/**
 * U-Net++ (Zhou et al. 2018) over SE-ResNet-101: `UnetPlusPlus` of segmentation_models.pytorch (MIT), with the
 * encoder of pretrained-models.pytorch (BSD), inferred from Table 1's figures. It reads no note. Choices:
 * docs/models.md.
 *
 *     image -> encoder -> e0..e4, coarsest first
 *     x_d_d = Block(e_d, e_(d+1));  x_d_l = Block(x_d_(l-1), [x_(d+1)_l, .., x_l_l, e_(l+1)]), d < l <= 3
 *     x_0_3 -> x_0_4 -> segmentation_head -> mask
 *
 * B batch, S image side, C channels.
 */
import type { nn } from '@reclmis/torch';
import { type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import { checkImages, type Segmentation, segmentation, SegmentationModel } from '../segmentation-model.js';
import { ResNetEncoder } from './resnet.js';
import {
  blocksIn,
  checkResNetSizes,
  type ResNetModelOptions,
  resNetOptions,
  widthsIn,
} from './resnet-settings.js';
import { DECODER_WIDTHS, DecoderBlock, decoderWidths, segmentationHead } from './smp-decoder.js';

/** Bottlenecks of each layer. */
const SE_RESNET_101 = [3, 4, 23, 3];
/** How much narrower a gate's middle is. */
const SQUEEZE = 16;
/** With nested nodes: those that have a skip. */
const LEVELS = 4;

const nodeKey = (d: number, l: number): string => `x_${d}_${l}`;

export class UNetPlusPlus extends SegmentationModel {
  override readonly title = 'U-Net++';
  override readonly readsNotes = false;
  override readonly explainLayer = 'decoder.blocks.x_0_0';
  private readonly encoder: ResNetEncoder;
  private readonly nodes: ReadonlyMap<string, DecoderBlock>;
  private readonly last: DecoderBlock;
  private readonly head: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: ResNetModelOptions) {
    super();
    checkResNetSizes(options);
    const { baseWidth, blocks, decoderWidths: widths } = options;
    this.encoder = this.child(
      'encoder',
      new ResNetEncoder(baseWidth, blocks, {
        stem: 'layer0.',
        pool: 'roundUp',
        strideAt: '1x1',
        squeeze: SQUEEZE,
      }),
    );
    const channels = this.encoder.widths.toReversed(); // of e0..e4
    const at = (list: readonly number[], i: number): number => list[i] ?? 0;
    // Off the main path d = 0, a node is as wide as its level's skip.
    const outOf = (d: number, l: number): number => (d === 0 ? at(widths, l) : at(channels, l + 1));
    this.nodes = new Map(
      places().map(({ d, l }) => {
        const below = d === l ? at(channels, d) : outOf(d, l - 1);
        const skips = (l - d + 1) * at(channels, l + 1);
        const node = new DecoderBlock(below, skips, outOf(d, l));
        return [nodeKey(d, l), this.child(`decoder.blocks.${nodeKey(d, l)}`, node)];
      }),
    );
    this.last = this.child(
      `decoder.blocks.${nodeKey(0, LEVELS)}`,
      new DecoderBlock(at(widths, LEVELS - 1), 0, at(widths, LEVELS)),
    );
    this.head = this.child('segmentation_head.0', segmentationHead(at(widths, LEVELS)));
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    checkImages(images, this.options);
    const maps = this.encoder.forward(images).toReversed(); // e0 [B,32w,S/32,S/32] .. e4 [B,w,S/2,S/2]
    const made = new Map<string, Tensor>();
    const map = (i: number): Tensor => maps[i] ?? images;
    const node = (d: number, l: number): Tensor => made.get(nodeKey(d, l)) ?? images;
    for (const { d, l } of places()) {
      const below = d === l ? map(d) : node(d, l - 1);
      const earlier = Array.from({ length: l - d }, (_, i) => node(d + 1 + i, l));
      const block = this.nodes.get(nodeKey(d, l)) as DecoderBlock; // one for each place
      made.set(nodeKey(d, l), block.forward(below, ...earlier, map(l + 1)));
    }
    return segmentation(this.head.forward(this.last.forward(node(0, LEVELS - 1)))); // [B,1,S,S]
  }
}

/** Diagonal d and level l of the nodes, each after all that it reads. */
function places(): { d: number; l: number }[] {
  return Array.from({ length: LEVELS }, (_, k) =>
    Array.from({ length: LEVELS - k }, (_unused, d) => ({ d, l: d + k })),
  ).flat();
}

export const unetPlusPlus = describeModel({
  title: 'U-Net++',
  readsNotes: () => false,
  options: resNetOptions(SE_RESNET_101, DECODER_WIDTHS),
  build: ({ baseWidth, imageSize }, { width: textWidth }, { blocks, decoderWidths: widths }) =>
    new UNetPlusPlus({
      baseWidth,
      imageSize,
      textWidth,
      blocks,
      decoderWidths: widths ?? decoderWidths(baseWidth),
    }),
  ownKey: 'decoder.blocks.x_0_0.conv1.0.weight',
  unusedKeys: [/\.num_batches_tracked$/, /^encoder\.last_linear\./], // the classifier
  presets: ['qata-cov19-unetpp'],
  parts: { encoder: ['encoder'], decoder: ['decoder', 'segmentation_head'] },
  table1: {
    title: 'U-Net++',
    parameters:
      'The paper does not name the backbone; of those that were compared, SE-ResNet-101 comes nearest in both figures. With its unused classifier ours would be 74.8 M.',
  },
  parity: {
    settings: (sizeOf, keys) => ({
      baseWidth: sizeOf('encoder.layer0.conv1.weight', 0),
      options: {
        blocks: blocksIn(keys, 'encoder\\.'),
        decoderWidths: widthsIn(
          sizeOf,
          [0, 1, 2, 3, 4].map((l) => `decoder.blocks.${nodeKey(0, l)}`),
        ),
      },
    }),
  },
});
