/**
 * The interface of all models (docs/method.md 11) for training, evaluation, export and measurement.
 *
 * A model gives `segment`, and says whether it reads notes. If it has further losses than the mask's, it names them in
 * `auxiliary` and returns them from `forwardTraining`.
 *
 * B batch, S image side, T tokens, W width of a note's features.
 */
import { ReclmisError } from '@reclmis/core';
import { float32, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import type { ContrastiveInput } from './contrastive.js';

export interface ModelOptions {
  /** Channels of the first encoder level. */
  readonly baseWidth: number;
  /** S, in pixels. */
  readonly imageSize: number;
  /** W; ignored if the model reads no notes. */
  readonly textWidth: number;
}

export interface Segmentation {
  /** Before the sigmoid, [B,1,S,S]. */
  readonly logits: Tensor;
  /** Each pixel's probability to belong to what the note describes, 0 to 1, [B,1,S,S]. */
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

export type Contrast = (input: ContrastiveInput) => Tensor;

export interface TrainingChoices {
  /** Default `contrastiveLoss`; another may compare the batch with cases computed elsewhere. Only for models with CCL. */
  readonly contrast?: Contrast;
  /** The B notes as they were written, for models that take labels from them. */
  readonly notes?: readonly string[];
  /** The B target masks, [B,1,S,S], 0 or 1, for models that take labels from them. */
  readonly masks?: Tensor;
}

/**
 * What `segment` reads of a note: the encoder's features alone, wherever there is a token or not; the features and which places hold tokens (`valid`); or the
 * tokens' numbers (`ids`). An exported model gets just that.
 */
export type NoteInput = 'features' | 'masked-features' | 'ids';

/** Segments an image, guided by a note or not. */
export abstract class SegmentationModel extends nn.Module {
  /** The name in the literature. */
  abstract readonly title: string;
  abstract readonly options: ModelOptions;
  /** If false, `note` may be null. */
  abstract readonly readsNotes: boolean;

  /** The layer whose map `explain` shows by default: the decoder's first, as in the paper; by its path in `namedModules`. */
  readonly explainLayer: string = 'up4';

  /** Whether training reads the notes' features; more models than read them at inference. */
  get learnsFromNotes(): boolean {
    return this.readsNotes;
  }

  /** What `segment` reads of a note. */
  get noteInput(): NoteInput {
    return 'features';
  }

  /** Losses that `forwardTraining` must give. */
  get auxiliary(): readonly AuxiliaryLoss[] {
    return [];
  }

  /** Whether some parameters affect no loss. */
  get leavesUnused(): boolean {
    return false;
  }

  /**
   * The inference graph.
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
   * CCL's features, without the rest of the training graph; makes the same random draws as `forwardTraining`.
   * @throws NOTE_MISSING, TENSOR_SHAPE, CONFIG_INVALID if the model has no CCL.
   */
  contrastInput(_images: Tensor, _note: NoteFeatures): ContrastiveInput {
    throw new ReclmisError('CONFIG_INVALID', `${this.title}: expected a model with contrastive learning`);
  }

  /** A required note's features, [B,T,W]. @throws NOTE_MISSING, TENSOR_SHAPE */
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
