/**
 * TGANet (Tomar et al., MICCAI 2022): two classifiers tell from the image how many areas there are and how large they
 * are; by their answers five fixed words weigh the decoder's channels. Inference reads no note; in training notes are
 * labels. Written from a description of what the authors' code computes (nikhilroxtomar/TGANet, not an open licence). Choices: docs/models.md.
 *
 *     image -> layer0..layer3 (ResNet-50) -> x1..x4 -> s1..s4
 *     x4 -> text_classifier -> label_fc, with the words -> f0
 *     s4, s3 -> d1, a1 -> d2 (s2), a2 -> d3 (s1), a3 -> ag -> y1 -> mask
 *
 * B batch, S image side, w base width (64), C channels, D = 2w channels of the decoder, E width of a word.
 */
import { attributesOf, type Mask, ReclmisError } from '@reclmis/core';
import { cat, nn, Tensor } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import {
  type AuxiliaryLoss,
  checkImages,
  type ModelOptions,
  type Segmentation,
  segmentation,
  SegmentationModel,
  type TrainingChoices,
  type TrainingSegmentation,
} from '../segmentation-model.js';
import { checkSizes } from '../unet-based.js';
import { ChannelAttention, SpatialAttention, weighAndJoin } from './cbam.js';
import { type Bottleneck, drawAsTorchvision, EXPANSION, residualLayer } from './resnet.js';

/** one, multiple; small, medium, large. */
const COUNT_CLASSES = 2;
const SIZE_CLASSES = 3;
const WORDS = COUNT_CLASSES + SIZE_CLASSES;
/** The authors'. */
const WORD_WIDTH = 300;
/** ResNet-50's layers 1 to 3. */
const DEPTHS = [3, 4, 6] as const;
/** In the enhancement's 3x3 branches. */
const DILATIONS = [6, 12, 18] as const;

/** CB: a convolution without bias and batch normalisation, keys `conv.{0,1}`. [B,in,H,W] -> [B,out,H,W]. */
class ConvNorm extends nn.Module {
  private readonly conv: nn.Conv2d;
  private readonly norm: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number, kernel: 1 | 3, dilation = 1) {
    super();
    const padding = kernel === 1 ? 0 : dilation;
    this.conv = this.child(
      'conv.0',
      new nn.Conv2d(inChannels, outChannels, kernel, { padding, dilation, bias: false }),
    );
    this.norm = this.child('conv.1', new nn.BatchNorm2d(outChannels));
  }

  forward(x: Tensor, after?: nn.AfterNorm): Tensor {
    return this.conv.forwardNorm(x, this.norm, after);
  }

  forwardRelu(x: Tensor): Tensor {
    return this.forward(x, { relu: true });
  }
}

/** 1x1 convolutions without bias, a ReLU between: keys `0`, `2`. [B,in,1,1] -> [B,out,1,1]. */
class TwoLayers extends nn.Module {
  private readonly first: nn.Conv2d;
  private readonly second: nn.Conv2d;

  constructor(inChannels: number, hidden: number, outChannels: number) {
    super();
    this.first = this.child('0', new nn.Conv2d(inChannels, hidden, 1, { bias: false }));
    this.second = this.child('2', new nn.Conv2d(hidden, outChannels, 1, { bias: false }));
  }

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x).relu());
  }
}

/** Linear layers without bias, a ReLU between: keys `0`, `2`. [B,in] -> [B,out]. */
class Classifier extends nn.Module {
  private readonly first: nn.Linear;
  private readonly second: nn.Linear;

  constructor(inChannels: number, hidden: number, classes: number) {
    super();
    this.first = this.child('0', new nn.Linear(inChannels, hidden, { bias: false }));
    this.second = this.child('2', new nn.Linear(hidden, classes, { bias: false }));
  }

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x).relu());
  }
}

/** Logits before any softmax. */
interface AttributeLogits {
  /** [B,2]: one, multiple. */
  readonly count: Tensor;
  /** [B,3]: small, medium, large. */
  readonly size: Tensor;
}

/** Number and size from the deepest map: keys `fc1`, `fc2`. */
class TextClassifier extends nn.Module {
  private readonly count: Classifier;
  private readonly size: Classifier;

  constructor(channels: number, hidden: number) {
    super();
    this.count = this.child('fc1', new Classifier(channels, hidden, COUNT_CLASSES));
    this.size = this.child('fc2', new Classifier(channels, hidden, SIZE_CLASSES));
  }

  /** @param x x4, [B,C,h,h]. */
  forward(x: Tensor): AttributeLogits {
    const p = x.mean([2, 3]); // [B,C]
    return { count: this.count.forward(p), size: this.size.forward(p) };
  }
}

/** Multi-scale enhancement, `s1` to `s4`. [B,C,H,W] -> [B,D,H,W]. */
class Enhancement extends nn.Module {
  private readonly branches: readonly (readonly [ConvNorm, ChannelAttention])[];
  private readonly c5: ConvNorm;
  private readonly c6: ConvNorm;
  private readonly sa: SpatialAttention;

  constructor(inChannels: number, D: number) {
    super();
    const convs = [
      new ConvNorm(inChannels, D, 1),
      ...DILATIONS.map((dilation) => new ConvNorm(inChannels, D, 3, dilation)),
    ];
    this.branches = convs.map((conv, i) => [
      this.child(`c${i + 1}.0`, conv),
      this.child(`c${i + 1}.1`, new ChannelAttention(D)),
    ]);
    this.c5 = this.child('c5', new ConvNorm(4 * D, D, 3));
    this.c6 = this.child('c6', new ConvNorm(inChannels, D, 1));
    this.sa = this.child('sa', new SpatialAttention());
  }

  forward(x: Tensor): Tensor {
    const joined = weighAndJoin(
      this.branches.map(([, attention]) => attention),
      this.branches.map(([conv]) => conv.forwardRelu(x)),
    ); // [B,4D,H,W]
    return this.sa.forward(this.c5.forward(joined, { plus: this.c6.forward(x), relu: true })); // [B,D,H,W]
  }
}

/** `d1` to `d3`: raises the map below, joins the skip. [B,D,H,W], [B,D,2H,2W] -> [B,D,2H,2W]. */
class DecoderBlock extends nn.Module {
  private readonly c1: ConvNorm;
  private readonly c2: ConvNorm;
  private readonly c3: ConvNorm;
  private readonly c4: ConvNorm;
  private readonly ca: ChannelAttention;
  private readonly sa: SpatialAttention;

  constructor(D: number) {
    super();
    this.c1 = this.child('c1', new ConvNorm(2 * D, D, 1));
    this.c2 = this.child('c2', new ConvNorm(D, D, 3));
    this.c3 = this.child('c3', new ConvNorm(D, D, 3));
    this.c4 = this.child('c4', new ConvNorm(D, D, 1));
    this.ca = this.child('ca', new ChannelAttention(D));
    this.sa = this.child('sa', new SpatialAttention());
  }

  forward(x: Tensor, skip: Tensor): Tensor {
    const v1 = this.c1.forwardRelu(cat([raised(x, 2), skip], 1));
    const v2 = this.c2.forward(v1, { plus: v1, relu: true });
    const first = v1.add(v2);
    const v3 = this.c3.forward(v2, { plus: first, relu: true });
    const v4 = this.c4.forward(v3, { plus: first.add(v3), relu: true });
    return this.sa.forward(this.ca.forward(v4));
  }
}

/** `ag`: three maps at the finest one's size. [B,D,s,s] each, s = S/8, S/4, S/2 -> [B,D,S/2,S/2]. */
class Aggregation extends nn.Module {
  private readonly own: readonly ConvNorm[];
  private readonly c14: ConvNorm;
  private readonly c2: ConvNorm;
  private readonly c3: ConvNorm;

  constructor(D: number) {
    super();
    this.own = ['c11', 'c12', 'c13'].map((key) => this.child(key, new ConvNorm(D, D, 1)));
    this.c14 = this.child('c14', new ConvNorm(3 * D, D, 1));
    this.c2 = this.child('c2', new ConvNorm(D, D, 3));
    this.c3 = this.child('c3', new ConvNorm(D, D, 3));
  }

  /** @param maps coarsest first, each twice the last one's size */
  forward(maps: readonly Tensor[]): Tensor {
    const same = this.own.map((conv, i) =>
      conv.forwardRelu(raised(maps[i] as Tensor, 2 ** (maps.length - 1 - i))),
    );
    const v1 = this.c14.forwardRelu(cat(same, 1));
    const v2 = this.c2.forward(v1, { plus: v1, relu: true });
    return this.c3.forward(v2, { plus: v1.add(v2), relu: true });
  }
}

/** Bilinear, corners aligned. */
function raised(x: Tensor, factor: number): Tensor {
  const [, , height, width] = x.shape4();
  return factor === 1 ? x : nn.resizeBilinear2d(x, [factor * height, factor * width], true);
}

export interface TGANetOptions extends ModelOptions {
  /** E. */
  readonly wordWidth: number;
  /** Takes the logits; the authors take a softmax for logits. */
  readonly plainCrossEntropy: boolean;
}

/** Classes of B images, null if unknown. */
export interface AttributeLabels {
  readonly count: readonly (number | null)[];
  readonly size: readonly (number | null)[];
}

export class TGANet extends SegmentationModel {
  override readonly title = 'TGANet';
  override readonly readsNotes = false;
  override readonly explainLayer = 'd1';
  private readonly stem: readonly [nn.Conv2d, nn.BatchNorm2d];
  private readonly layers: readonly (readonly Bottleneck[])[];
  private readonly classifier: TextClassifier;
  private readonly labels: TwoLayers;
  private readonly enhancements: readonly Enhancement[];
  private readonly levels: readonly { readonly decode: DecoderBlock; readonly attend: TwoLayers }[];
  private readonly aggregation: Aggregation;
  private readonly head: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(readonly options: TGANetOptions) {
    super();
    checkSizes(options);
    const { baseWidth: w, wordWidth: E } = options;
    const D = 2 * w;
    this.stem = [
      this.child('layer0.0', new nn.Conv2d(3, w, 7, { stride: 2, padding: 3, bias: false })),
      this.child('layer0.1', new nn.BatchNorm2d(w)),
    ];
    nn.kaimingNormal_(this.stem[0].weight, 'out');
    const widths = [w, ...DEPTHS.map((_, i) => EXPANSION * w * 2 ** i)]; // of x1 to x4
    this.layers = DEPTHS.map((depth, i) =>
      this.children(
        i === 0 ? 'layer1.1' : `layer${i + 1}`,
        residualLayer(widths[i] ?? w, w * 2 ** i, depth, i === 0 ? 1 : 2),
      ),
    );
    this.layers.flat().forEach(drawAsTorchvision);
    this.classifier = this.child('text_classifier', new TextClassifier(widths[3] ?? w, D));
    this.labels = this.child('label_fc.fc', new TwoLayers(WORDS * E, D, D));
    this.enhancements = widths.map((width, i) => this.child(`s${i + 1}`, new Enhancement(width, D)));
    this.levels = [1, 2, 3].map((level) => ({
      decode: this.child(`d${level}`, new DecoderBlock(D)),
      attend: this.child(`a${level}.c1`, new TwoLayers(D, D, D)),
    }));
    this.aggregation = this.child('ag', new Aggregation(D));
    this.head = this.child('y1.c1', new nn.Conv2d(D, 1, 1));
  }

  override get auxiliary(): readonly AuxiliaryLoss[] {
    return ['count', 'size'];
  }

  override get taughtByNotes(): boolean {
    return true;
  }

  segment(images: Tensor, _note: NoteFeatures | null): Segmentation {
    return this.describe(images, this.words(images)).mask;
  }

  /** @param choices labels come from its notes, and its masks for notes about nuclei */
  override forwardTraining(
    images: Tensor,
    _note: NoteFeatures | null,
    { notes, masks }: TrainingChoices = {},
  ): TrainingSegmentation {
    const [B] = images.shape4();
    if (notes?.length !== B) {
      throw new ReclmisError(
        'NOTE_MISSING',
        `TGANet learns its attributes from notes: expected ${B} notes, got ${notes?.length ?? 'none'}`,
      );
    }
    const pixels = masks && (() => masks.to({ device: 'cpu', dtype: 'float32' }).toFloat32Array());
    const found = notes.map((note, b) => attributesOf(note, pixels && (() => maskAt(pixels(), b, B))));
    const labels = { count: found.map(({ count }) => count), size: found.map(({ size }) => size) };
    return this.forwardLabelled(images, this.words(images), labels);
  }

  /** @param words [B or 1,5,E]: one, multiple, small, medium, large. @throws TENSOR_SHAPE */
  forwardLabelled(images: Tensor, words: Tensor, labels: AttributeLabels): TrainingSegmentation {
    const { mask, attributes } = this.describe(images, words);
    const { plainCrossEntropy: plain } = this.options;
    return {
      ...mask,
      losses: {
        count: attributeLoss(attributes.count, labels.count, plain),
        size: attributeLoss(attributes.size, labels.size, plain),
      },
      observed: { count_logits: attributes.count, size_logits: attributes.size },
    };
  }

  private describe(images: Tensor, words: Tensor): { mask: Segmentation; attributes: AttributeLogits } {
    const maps = this.encode(images);
    const [x1, x2, x3, x4] = maps as [Tensor, Tensor, Tensor, Tensor];
    const attributes = this.classifier.forward(x4);
    const text = this.weighWords(attributes, words); // f0, [B,D,1,1]
    const [s1, s2, s3, s4] = [x1, x2, x3, x4].map((x, i) =>
      (this.enhancements[i] as Enhancement).forward(x),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const skips = [s3, s2, s1];
    let [x, f] = [s4, text];
    const attended = this.levels.map(({ decode, attend }, i) => {
      const decoded = decode.forward(x, skips[i] as Tensor); // [B,D,s,s]
      const h = attend.forward(f); // [B,D,1,1]
      f = f.add(h);
      x = decoded.mul(h.sigmoid());
      return x;
    });
    const joined = this.aggregation.forward(attended); // [B,D,S/2,S/2]
    return { mask: segmentation(this.head.forward(raised(joined, 2))), attributes };
  }

  /** x1 to x4: [B,w,S/2,S/2], [B,4w,S/4,S/4], [B,8w,S/8,S/8], [B,16w,S/16,S/16]. */
  private encode(images: Tensor): Tensor[] {
    checkImages(images, this.options);
    const [conv, norm] = this.stem;
    const maps = [conv.forwardNorm(images, norm, { relu: true })];
    this.layers.forEach((layer, i) => {
      const above = maps[i] as Tensor;
      const from = i === 0 ? nn.maxPool2d(above, 3, { stride: 2, padding: 1 }) : above;
      maps.push(layer.reduce((x, block) => block.forward(x), from));
    });
    return maps;
  }

  /** f0: words times their probabilities, [B,D,1,1]. */
  private weighWords({ count, size }: AttributeLogits, words: Tensor): Tensor {
    const P = cat([count.softmax(1), size.softmax(1)], 1); // [B,5]
    const { wordWidth: E } = this.options;
    const weighed = words.mul(P.unsqueeze(-1)); // [B,5,E]
    return this.labels.forward(weighed.reshape([-1, WORDS * E, 1, 1])).relu();
  }

  /** [1,5,E], fixed, and no part of a checkpoint. */
  private words({ device }: Tensor): Tensor {
    const { wordWidth: E } = this.options;
    return Tensor.fromFloat32(wordVectors(E), [1, WORDS, E], { device });
  }
}

/** Orthogonal directions of unit variance: only which is which matters, as the next layer is trained. */
function wordVectors(E: number): Float32Array {
  const vectors = new Float32Array(WORDS * E);
  for (let word = 0; word < WORDS; word++) {
    for (let i = 0; i < E; i++)
      vectors[word * E + i] = Math.SQRT2 * Math.cos((Math.PI * (word + 1) * (2 * i + 1)) / (2 * E)); // rows of the cosine transform
  }
  return vectors;
}

/**
 * Mean over the batch; images without a label add 0.
 * @param logits [B,classes]. @param plain by the logits; else by their softmax, as the authors do
 */
function attributeLoss(logits: Tensor, labels: readonly (number | null)[], plain: boolean): Tensor {
  const [B, classes] = logits.shape2();
  const wanted = new Float32Array(B * classes);
  labels.forEach((label, b) => label !== null && (wanted[b * classes + label] = 1));
  const { device, dtype } = logits;
  const target = Tensor.fromFloat32(wanted, [B, classes]).to({ device, dtype });
  return (plain ? logits : logits.softmax(1))
    .logSoftmax(1)
    .mul(target)
    .sum()
    .mul(-1 / B);
}

/** [S,S]. */
function maskAt(pixels: Float32Array, b: number, B: number): Mask {
  const count = pixels.length / B;
  const side = Math.round(Math.sqrt(count));
  const data = Uint8Array.from(pixels.subarray(b * count, (b + 1) * count), (value) => Number(value >= 0.5));
  return { width: side, height: side, data };
}

const width = z.int().min(WORDS + 1);
const classes = (count: number): z.ZodType<number[]> => z.array(z.number().int().min(0).lt(count));
const goldenOptions = z.object({ count_labels: classes(COUNT_CLASSES), size_labels: classes(SIZE_CLASSES) });

export const tganet = describeModel({
  title: 'TGANet',
  readsNotes: () => false,
  options: z.strictObject({
    wordWidth: width.default(WORD_WIDTH).describe('width of the five words’ fixed vectors'),
    plainCrossEntropy: z
      .boolean()
      .default(false)
      .describe('cross-entropy of the attributes’ logits; off: of their softmax, as its authors compute it'),
  }),
  build: ({ baseWidth, imageSize }, { width: textWidth }, { wordWidth, plainCrossEntropy }) =>
    new TGANet({ baseWidth, imageSize, textWidth, wordWidth, plainCrossEntropy }),
  ownKey: 'text_classifier.fc1.0.weight',
  unusedKeys: [/\.num_batches_tracked$/],
  presets: ['qata-cov19-tganet'],
  parts: {
    encoder: ['layer0', 'layer1', 'layer2', 'layer3'],
    text: ['text_classifier', 'label_fc'],
    decoder: ['s1', 's2', 's3', 's4', 'd1', 'a1', 'd2', 'a2', 'd3', 'a3', 'ag', 'y1'],
  },
  table1: {
    title: 'TGANet',
    flops: 'It fits images of 256 x 256, the authors’ size, with multiply-adds counted once: 41.7 G.',
  },
  parity: {
    settings: (sizeOf) => ({
      baseWidth: sizeOf('layer0.0.weight', 0),
      options: { wordWidth: sizeOf('label_fc.fc.0.weight', 1) / WORDS },
    }),
    forward: (model, images, note, options) => {
      const parsed = goldenOptions.safeParse(options);
      if (!(model instanceof TGANet) || !note || !parsed.success)
        throw new ReclmisError(
          'GOLDEN_INVALID',
          'TGANet: expected text_shape, and count_labels and size_labels in options',
        );
      const { count_labels: count, size_labels: size } = parsed.data;
      return model.forwardLabelled(images, note.features, { count, size });
    },
    inputs: ['count_labels', 'size_labels'],
    skipped: ['authors_dice_bce', 'authors_total'], // their own Dice over the whole batch
  },
});
