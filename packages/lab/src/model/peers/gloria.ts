/**
 * GLoRIA (Huang et al. 2021) as a segmentation system: a U-Net over ResNet-50 (segmentation_models.pytorch, MIT)
 * whose training also brings each image and its own note together, as wholes and word by region, with embedders and
 * losses of marshuang80/gloria (Apache-2.0). Inference reads no note. Choices, among them the decoder's guessed
 * width: docs/models.md.
 *
 * B batch, S image side, T tokens, W width of a note's features, w channels of the stem (64), R = (S/16)^2 regions of
 * f4.
 */
import { cat, float32, nn, type Tensor, zeros } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel } from '../descriptor.js';
import type { AuxiliaryLoss, TrainingSegmentation } from '../segmentation-model.js';
import { inFloat32, pairLosses } from './pairs.js';
import { RESNET_50 } from './resnet.js';
import { decoderChannels, type ResNetModelOptions, resNetOptions } from './resnet-settings.js';
import { ResNetUNet, resNetUNetSettings } from './resnet-unet.js';
import { decoderWidths } from './smp-decoder.js';

/** Twice the authors': Table 1's GLoRIA is 10 M larger than its ConVIRT. */
const WIDER_DECODER = [512, 256, 128, 64, 32] as const;
/** The authors'. */
const TEMPERATURES: Temperatures = [4, 5, 10];
/** For vectors of length 0. */
const LEAST_LENGTH = 1e-8;

/** Factors of a word's attention to regions, its share in the note, and the cross-entropies. */
type Temperatures = readonly [attention: number, word: number, pair: number];

export interface GLoRIAOptions extends ResNetModelOptions {
  readonly temperatures: Temperatures;
}

export class GLoRIA extends ResNetUNet {
  override readonly title = 'GLoRIA';
  private readonly globalEmbedder: nn.Linear;
  private readonly localEmbedder: nn.Conv2d;

  /** @throws CONFIG_INVALID */
  constructor(override readonly options: GLoRIAOptions) {
    super(options);
    const { baseWidth: w, textWidth } = options;
    this.globalEmbedder = this.child('global_embedder', new nn.Linear(32 * w, textWidth));
    this.localEmbedder = this.child('local_embedder', new nn.Conv2d(16 * w, textWidth, 1, { bias: false }));
  }

  override get auxiliary(): readonly AuxiliaryLoss[] {
    return ['global', 'local'];
  }

  override forwardTraining(images: Tensor, note: NoteFeatures | null): TrainingSegmentation {
    const features = this.requireNote(note); // [B,T,W]
    const valid = note?.valid ?? features;
    const maps = this.encode(images);
    const embedding = this.globalEmbedder.forward(maps.f5.mean([2, 3])); // [B,W]
    const regions = this.localEmbedder.forward(maps.f4).flatten(2).transpose(1, 2); // [B,R,W]
    const { temperatures } = this.options;
    const whole = inFloat32(images, () => globalLosses(float32(embedding), features, valid, temperatures));
    const parts = inFloat32(images, () => localLosses(float32(regions), features, valid, temperatures));
    return {
      ...this.decode(maps),
      losses: { global: whole.byImage.add(whole.byNote), local: parts.byImage.add(parts.byNote) },
      // Cutting maps at their notes' lengths would make training wait.
      ...(!this.training && {
        observed: {
          global_embedding: embedding,
          global_image: whole.byImage,
          global_text: whole.byNote,
          local_image: parts.byImage,
          local_text: parts.byNote,
          ...attentionMaps(parts.attention, wordsOf(valid), maps.f4),
        },
      }),
    };
  }
}

/** @param images [B,W]. @param features [B,T,W]. @param valid bool [B,T] */
function globalLosses(
  images: Tensor,
  features: Tensor,
  valid: Tensor,
  [, , factor]: Temperatures,
): ReturnType<typeof pairLosses> {
  const notes = features.mul(valid.unsqueeze(-1)).sum([1]); // [B,W]; a sum has the direction of the mean
  const lengths = images.norm(2, [1], true).mul(notes.norm(2, [1], true).t()); // [B,B]
  return pairLosses(images.mm(notes.t()).div(lengths.clampMin(LEAST_LENGTH)).mul(factor));
}

/**
 * Words against the regions that they attend to, for each image with each note.
 * @param regions [B,R,W]. @param features [B,T,W]. @param valid bool [B,T] @returns the losses, and what each
 * word of note i attends to in image b, [B,R,B,T]
 */
function localLosses(
  regions: Tensor,
  features: Tensor,
  valid: Tensor,
  [toRegions, ofWord, ofPair]: Temperatures,
): ReturnType<typeof pairLosses> & { attention: Tensor } {
  const [B, R, W] = regions.shape3();
  const [, T] = features.shape3();
  const nowhere = wordsOf(valid).logicalNot(); // [B,T]
  const words = features.reshape([B * T, W]);
  const scores = regions
    .reshape([B * R, W])
    .mm(words.t())
    .view([B, R, B, T]); // e: image b, region v, note i, word t
  const amongWords = scores.maskedFill(nowhere, -Infinity).softmax(3); // a
  const attention = amongWords.mul(toRegions).softmax(1); // q
  const context = attention
    .permute([0, 2, 3, 1])
    .reshape([B, B * T, R])
    .bmm(regions); // [B,B*T,W]
  const lengths = context
    .norm(2, [2])
    .view([B, B, T])
    .mul(features.norm(2, [2])); // [B,B,T]
  // A word times its context is the mean, by its attention, of the word times each region.
  const match = attention.mul(scores).sum([1]).div(lengths.clampMin(LEAST_LENGTH)); // r, [B,B,T]
  const similarity = match.mul(ofWord).maskedFill(nowhere, -Infinity).logsumexp([2]).mul(ofPair); // S, [B,B]
  return { ...pairLosses(similarity), attention };
}

/**
 * All but the last token, the authors' end token; at least the first.
 * @param valid bool [B,T]. @returns bool [B,T]
 */
function wordsOf(valid: Tensor): Tensor {
  const [B = 0, T = 0] = valid.shape;
  const { device } = valid;
  const followed = cat([valid.narrow(1, 1, T - 1), zeros([B, 1], { dtype: 'bool', device })], 1);
  const first = cat([valid.narrow(1, 0, 1), zeros([B, T - 1], { dtype: 'bool', device })], 1);
  return followed.logicalOr(first);
}

/**
 * What each word attends to in its own image, `attention_b` [words,h,h].
 * @param attention [B,R,B,T]. @param map [B,C,h,h]
 */
function attentionMaps(attention: Tensor, words: Tensor, map: Tensor): Record<string, Tensor> {
  const [, R, B, T] = attention.shape4();
  const [, , height, width] = map.shape4();
  const counts = words.to({ dtype: 'float32' }).sum([1]).toFloat32Array();
  return Object.fromEntries(
    Array.from({ length: B }, (_, b) => {
      const own = attention.select(0, b).select(1, b); // [R,T]
      const count = counts[b] ?? T;
      const maps = own.narrow(1, 0, count).t().reshape([count, R]).view([count, height, width]);
      return [`attention_${b}`, maps];
    }),
  );
}

const factor = z.number().positive();

export const gloria = describeModel({
  title: 'GLoRIA',
  readsNotes: () => false,
  learnsFromNotes: () => true,
  options: resNetOptions(RESNET_50, WIDER_DECODER).extend({
    temperatures: z
      .tuple([factor, factor, factor])
      .default([...TEMPERATURES])
      .describe(
        'factors of a word’s attention to regions, of its share in the note, and of the scores of pairs',
      ),
  }),
  build: ({ baseWidth, imageSize }, { width: textWidth }, { decoderWidths: widths, ...options }) =>
    new GLoRIA({
      baseWidth,
      imageSize,
      textWidth,
      ...options,
      decoderWidths: widths ?? decoderWidths(baseWidth, WIDER_DECODER),
    }),
  ownKey: 'local_embedder.weight',
  unusedKeys: [/\.num_batches_tracked$/, /^encoder\.fc\./], // the classifier
  presets: ['qata-cov19-gloria'],
  parts: {
    encoder: ['encoder'],
    decoder: ['decoder', 'segmentation_head'],
    contrast: ['global_embedder', 'local_embedder'],
  },
  table1: {
    title: 'GLoRIA',
    parameters:
      'The decoder’s width is a guess by this figure: with the authors’ default, half as wide, ours would be 34.1 M.',
    flops: 'Neither width explains it, and how it was counted is not known.',
  },
  parity: { settings: resNetUNetSettings, shapes: decoderChannels },
});
