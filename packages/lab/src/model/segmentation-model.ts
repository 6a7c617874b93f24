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
import { nn, type Tensor } from '@reclmis/torch';
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

/** Losses that a model itself defines, besides those of its mask. */
export const AUXILIARY_LOSSES = ['ccl', 'clr', 'cvr'] as const;
export type AuxiliaryLoss = (typeof AUXILIARY_LOSSES)[number];
/** Each a scalar; absent where its component is off. `ccl`: eq. 4 and 5; `clr`: eq. 9; `cvr`: eq. 7. */
export type AuxiliaryLosses = Readonly<Partial<Record<AuxiliaryLoss, Tensor>>>;

/** What every model's `forwardTraining` returns. */
export interface TrainingSegmentation extends Segmentation {
  readonly losses: AuxiliaryLosses;
}

/** How CCL's loss comes from what the model gives for a batch. */
export type Contrast = (input: ContrastiveInput) => Tensor;

/** What a step decides about a training pass. */
export interface TrainingChoices {
  /** Default `contrastiveLoss`; another one may compare the batch with cases that were computed elsewhere. Only for models with CCL. */
  readonly contrast?: Contrast;
}

/** A model that draws a mask into an image, led by a note or not. */
export abstract class SegmentationModel extends nn.Module {
  /** As the field writes its name. */
  abstract readonly title: string;
  abstract readonly options: ModelOptions;
  /** Whether a note changes the mask; where not, `note` may be null. */
  abstract readonly readsNotes: boolean;

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
