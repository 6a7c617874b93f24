/**
 * What training, evaluation, export and measurement ask of a model, whichever it is: the seam between RecLMIS with its peers (docs/method.md 11)
 * and everything that works on them.
 *
 * A model gives `segment`, and says whether it reads notes. One with losses of its own besides those of the mask names them in `auxiliary` and
 * returns them from `forwardTraining`; the default is a model that learns by its mask alone.
 *
 * B batch, S image side, T tokens, W width of a note's features.
 */
import { ReclmisError } from '@reclmis/core';
import { float32, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import type { ContrastiveInput } from './contrastive.js';

/** What every model can be asked of its form. */
export interface ModelOptions {
  /** Channels of the first encoder level. */
  readonly baseWidth: number;
  /** S, in pixels. */
  readonly imageSize: number;
  /** W; of no meaning where the model reads no notes. */
  readonly textWidth: number;
}

/** What `segment` returns. */
export interface Segmentation {
  /** Before the sigmoid, [B,1,S,S]. */
  readonly logits: Tensor;
  /** Probability that a pixel belongs to what the note describes, 0 to 1, [B,1,S,S]. */
  readonly probability: Tensor;
}

/**
 * Losses that a model itself defines, besides those of its mask. RecLMIS: `ccl` (eq. 4 and 5), `clr` (eq. 9), `cvr` (eq. 7). ConVIRT: `contrastive`.
 * GLoRIA: `global`, `local`. TGANet: `count`, `size`, the cross-entropies of a note's two attributes.
 */
export const AUXILIARY_LOSSES = [
  'ccl',
  'clr',
  'cvr',
  'contrastive',
  'global',
  'local',
  'count',
  'size',
] as const;
export type AuxiliaryLoss = (typeof AUXILIARY_LOSSES)[number];
/** Each a scalar; absent where its component is off. */
export type AuxiliaryLosses = Readonly<Partial<Record<AuxiliaryLoss, Tensor>>>;

/** What every model's `forwardTraining` returns. */
export interface TrainingSegmentation extends Segmentation {
  readonly losses: AuxiliaryLosses;
  /**
   * Deep supervision: the maps that Dice and cross-entropy are taken of, finest first, with weights that sum to 1. Absent: `logits` alone.
   */
  readonly supervision?: readonly SupervisedMap[];
  /** Intermediate results by the names of golden files, for parity. */
  readonly observed?: Readonly<Record<string, Tensor>>;
}

/** A map that is compared with the mask at its own size. */
export interface SupervisedMap {
  /** Before the sigmoid, [B,1,s,s], s a divisor of S. */
  readonly logits: Tensor;
  /** Its share of the mask's losses, 0 to 1. */
  readonly weight: number;
}

/** How CCL's loss comes from what the model gives for a batch. */
export type Contrast = (input: ContrastiveInput) => Tensor;

/** What a step decides about a training pass. */
export interface TrainingChoices {
  /** Default `contrastiveLoss`; another one may compare the batch with cases that were computed elsewhere. Only for models with CCL. */
  readonly contrast?: Contrast;
  /** The B notes as they were written, for models that take labels from them. */
  readonly notes?: readonly string[];
  /** The B target masks, [B,1,S,S], 0 or 1, for models that take labels from them. */
  readonly masks?: Tensor;
}

/** A model that draws a mask into an image, led by a note or not. */
export abstract class SegmentationModel extends nn.Module {
  /** As the field writes its name. */
  abstract readonly title: string;
  abstract readonly options: ModelOptions;
  /** Whether a note changes the mask; where not, `note` may be null. */
  abstract readonly readsNotes: boolean;

  /** Whether training reads the notes' features; more models than read them at inference. */
  get learnsFromNotes(): boolean {
    return this.readsNotes;
  }

  /** The losses that `forwardTraining` must give. */
  get auxiliary(): readonly AuxiliaryLoss[] {
    return [];
  }

  /** Whether some parameters take no part in the losses. */
  get leavesUnused(): boolean {
    return false;
  }

  /**
   * The inference graph, and nothing else.
   * @param images [B,3,S,S], RGB in 0 to 1. @param note features of B notes, [B,T,W].
   * @throws NOTE_MISSING, TENSOR_SHAPE
   */
  abstract segment(images: Tensor, note: NoteFeatures | null): Segmentation;

  /**
   * `segment`, with the losses that `auxiliary` names.
   * @throws NOTE_MISSING, TENSOR_SHAPE
   */
  forwardTraining(
    images: Tensor,
    note: NoteFeatures | null,
    _choices: TrainingChoices = {},
  ): TrainingSegmentation {
    return { ...this.segment(images, note), losses: {} };
  }

  /**
   * What CCL compares, without the rest of the training graph. From the same state of the generator it draws what `forwardTraining` draws.
   * @throws NOTE_MISSING, TENSOR_SHAPE, CONFIG_INVALID where the model has no CCL.
   */
  contrastInput(_images: Tensor, _note: NoteFeatures): ContrastiveInput {
    throw new ReclmisError('CONFIG_INVALID', `${this.title}: expected a model with contrastive learning`);
  }

  /** The features of a note that must be there, [B,T,W]. @throws NOTE_MISSING, TENSOR_SHAPE */
  protected requireNote(note: NoteFeatures | null): Tensor {
    if (!note)
      throw new ReclmisError('NOTE_MISSING', 'the model reads notes: expected note features, got none');
    const [, T, width] = note.features.shape3();
    if (width !== this.options.textWidth) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `note features: expected [B, T, ${this.options.textWidth}], got [${note.features.shape.join(', ')}], T = ${T}`,
      );
    }
    return note.features;
  }
}

/** @param images [B,3,S,S]. @throws TENSOR_SHAPE */
export function checkImages(images: Tensor, { imageSize: S }: Pick<ModelOptions, 'imageSize'>): void {
  const [, channels, height, width] = images.shape4();
  if (channels !== 3 || height !== S || width !== S) {
    throw new ReclmisError(
      'TENSOR_SHAPE',
      `images: expected [B, 3, ${S}, ${S}], got [${images.shape.join(', ')}]`,
    );
  }
}

/** The mask's logits as `segment` returns them. @param logits [B,1,S,S], in any precision. */
export function segmentation(logits: Tensor): Segmentation {
  const whole = float32(logits);
  return { logits: whole, probability: whole.sigmoid() };
}
