/**
 * ConVIRT (Zhang et al. 2020) as a segmentation system: a U-Net over ResNet-50 (segmentation_models.pytorch, MIT)
 * whose training also brings each image and its own note together, with heads and loss of the unofficial
 * ConVIRT-pytorch (MIT). Inference reads no note. Choices: docs/models.md.
 *
 *     f5 -> mean -> res_l1, ReLU, res_l2 -> v;  note -> maximum over tokens -> bert_l1, ReLU, bert_l2 -> u
 *     L_con = 3/4 CE(images among notes) + 1/4 CE(notes among images) of cos(v, u) / 0.1
 *
 * B batch, S image side, T tokens, W width of a note's features, w channels of the stem (64).
 */
import { float32, nn, type Tensor } from '@reclmis/torch';
import { z } from 'zod';
import type { NoteFeatures } from '../../text/encoder.js';
import { describeModel, type SizeOf } from '../descriptor.js';
import type { AuxiliaryLoss, TrainingSegmentation } from '../segmentation-model.js';
import { inFloat32, pairLosses } from './pairs.js';
import { RESNET_50 } from './resnet.js';
import { decoderChannels, type ResNetModelOptions, resNetOptions } from './resnet-settings.js';
import { ResNetUNet, resNetUNetSettings } from './resnet-unet.js';
import { DECODER_WIDTHS, decoderWidths } from './smp-decoder.js';

/** The paper's, and the code's. */
const TEMPERATURE = 0.1;
const IMAGE_TO_TEXT = 0.75;
/** For vectors of length 0. */
const LEAST_LENGTH = 1e-12;

export interface ConVIRTOptions extends ResNetModelOptions {
  /** Divides the cosines. */
  readonly temperature: number;
  /** Weight of the images' cross-entropy among the notes; the notes' has the rest. */
  readonly imageToTextWeight: number;
}

export class ConVIRT extends ResNetUNet {
  override readonly title = 'ConVIRT';
  private readonly imageHead: readonly [nn.Linear, nn.Linear];
  private readonly noteHead: readonly [nn.Linear, nn.Linear];

  /** @throws CONFIG_INVALID */
  constructor(override readonly options: ConVIRTOptions) {
    super(options);
    const { baseWidth: w, textWidth } = options;
    this.imageHead = [
      this.child('res_l1', new nn.Linear(32 * w, 16 * w)),
      this.child('res_l2', new nn.Linear(16 * w, 8 * w)),
    ];
    this.noteHead = [
      this.child('bert_l1', new nn.Linear(textWidth, 12 * w)),
      this.child('bert_l2', new nn.Linear(12 * w, 8 * w)),
    ];
  }

  override get auxiliary(): readonly AuxiliaryLoss[] {
    return ['contrastive'];
  }

  override forwardTraining(images: Tensor, note: NoteFeatures | null): TrainingSegmentation {
    const features = this.requireNote(note); // [B,T,W]
    const valid = note?.valid ?? features;
    const maps = this.encode(images);
    const image = project(this.imageHead, maps.f5.mean([2, 3])); // [B,8w]
    const pooled = features.maskedFill(valid.unsqueeze(-1).logicalNot(), -Infinity).amax([1]); // [B,W]
    const text = project(this.noteHead, pooled); // [B,8w]
    return {
      ...this.decode(maps),
      losses: { contrastive: contrastive(image, text, this.options) },
      observed: { image_embedding: image, text_embedding: text },
    };
  }
}

function project([first, second]: readonly [nn.Linear, nn.Linear], x: Tensor): Tensor {
  return second.forward(first.forward(x).relu());
}

/** @param image [B,C]. @param text [B,C]. @returns a scalar of at least 0 */
function contrastive(
  image: Tensor,
  text: Tensor,
  { temperature, imageToTextWeight }: ConVIRTOptions,
): Tensor {
  return inFloat32(image, () => {
    const cosines = unit(float32(image)).mm(unit(float32(text)).t()); // [B,B]
    const { byImage, byNote } = pairLosses(cosines.div(temperature));
    return byImage.mul(imageToTextWeight).add(byNote.mul(1 - imageToTextWeight));
  });
}

function unit(x: Tensor): Tensor {
  return x.div(x.norm(2, [1], true).clampMin(LEAST_LENGTH));
}

/** Input, hidden and output of a head. */
function headSizes(sizeOf: SizeOf, name: string): number[] {
  return [sizeOf(`${name}_l1.weight`, 1), sizeOf(`${name}_l1.weight`, 0), sizeOf(`${name}_l2.weight`, 0)];
}

export const convirt = describeModel({
  title: 'ConVIRT',
  readsNotes: () => false,
  learnsFromNotes: () => true,
  options: resNetOptions(RESNET_50, DECODER_WIDTHS).extend({
    temperature: z
      .number()
      .positive()
      .default(TEMPERATURE)
      .describe('divides the cosines of images and notes'),
    imageToTextWeight: z
      .number()
      .min(0)
      .max(1)
      .default(IMAGE_TO_TEXT)
      .describe(
        'weight of finding an image’s note in the contrastive loss; the rest is that of finding a note’s image',
      ),
  }),
  build: ({ baseWidth, imageSize }, { width: textWidth }, { decoderWidths: widths, ...options }) =>
    new ConVIRT({
      baseWidth,
      imageSize,
      textWidth,
      ...options,
      decoderWidths: widths ?? decoderWidths(baseWidth),
    }),
  ownKey: 'res_l1.weight',
  unusedKeys: [/\.num_batches_tracked$/, /^encoder\.fc\./], // the classifier
  presets: ['qata-cov19-convirt'],
  parts: {
    encoder: ['encoder'],
    decoder: ['decoder', 'segmentation_head'],
    contrast: ['res_l1', 'res_l2', 'bert_l1', 'bert_l2'],
  },
  table1: {
    title: 'ConVIRT',
    parameters: 'The network with the image’s head has 35.1 M here; the note’s head is the rest.',
    flops: 'No decoder of the usual widths costs as much, and how it was counted is not known.',
  },
  parity: {
    settings: resNetUNetSettings,
    shapes: (sizeOf) => ({
      ...decoderChannels(sizeOf),
      image_head: headSizes(sizeOf, 'res'),
      text_head: headSizes(sizeOf, 'bert'),
    }),
  },
});
