/**
 * The interface of all models (docs/method.md 11). A model gives `segment`; losses besides the mask's are
 * named in `auxiliary` and come from `forwardTraining`.
 *
 * B batch, S image side, T tokens, W width of a note's features.
 */
import { ReclmisError } from '@reclmis/core';
import { float32, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import type { ContrastiveInput } from './contrastive.js';

export interface ModelOptions {
  /** At the first encoder level. */
  readonly baseWidth: number;
  /** S, in pixels. */
  readonly imageSize: number;
  /** W; ignored by models without notes. */
  readonly textWidth: number;
  /** `model.deepSupervision`, of the models that have the choice; default false. */
  readonly deepSupervision?: boolean | undefined;
}

export interface Segmentation {
  /** Before the sigmoid, [B,1,S,S]. */
  readonly logits: Tensor;
  /** That a pixel belongs to what the note describes, 0 to 1, [B,1,S,S]. */
  readonly probability: Tensor;
}

/**
 * Besides the mask's. RecLMIS: `ccl` (eq. 4 and 5), `clr` (eq. 9), `cvr` (eq. 7). ConVIRT: `contrastive`.
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
/** Scalars; absent if off. */
export type AuxiliaryLosses = Readonly<Partial<Record<AuxiliaryLoss, Tensor>>>;

export interface TrainingSegmentation extends Segmentation {
  readonly losses: AuxiliaryLosses;
  /**
   * Deep supervision: maps for Dice and cross-entropy, finest first, with weights that sum to 1. Absent:
   * `logits` alone.
   */
  readonly supervision?: readonly SupervisedMap[];
  /** By golden files' names, for parity. */
  readonly observed?: Readonly<Record<string, Tensor>>;
}

/** Compared with the mask at its own size. */
export interface SupervisedMap {
  /** Before the sigmoid, [B,1,s,s], s a divisor of S. */
  readonly logits: Tensor;
  /** In the mask's losses, 0 to 1. */
  readonly weight: number;
}

export type Contrast = (input: ContrastiveInput) => Tensor;

export interface TrainingChoices {
  /** Default `contrastiveLoss`; another may compare with cases computed elsewhere. Only for CCL. */
  readonly contrast?: Contrast;
  /** For models that take labels from them. */
  readonly notes?: readonly string[];
  /** [B,1,S,S], 0 or 1, for models that take labels from them. */
  readonly masks?: Tensor;
}

/**
 * What `segment` reads: the encoder's features, token or not; features and which places hold tokens
 * (`valid`); or the tokens' numbers (`ids`).
 */
export type NoteInput = 'features' | 'masked-features' | 'ids';

/** What `withNote` needs of images, B ahead in each; only the model knows what they are. */
export type ImageFeatures = readonly Tensor[];

/** Places of the image, row by row. */
export interface TokenGrid {
  /** Side of the square grid, in tokens. */
  readonly side: number;
  /** Tokens ahead of them, such as words and a class token. */
  readonly before: number;
}

/** A mask with what the model says of its interest, for export. */
export interface ScoredSegmentation extends Segmentation {
  /** A row for each case: P_V, then the tokens' scores, whose softmax over the valid ones is P_T; [B,N+T]. */
  readonly interest: Tensor;
}

export abstract class SegmentationModel extends nn.Module {
  /** The name in the literature. */
  abstract readonly title: string;
  abstract readonly options: ModelOptions;
  /** If false, `note` may be null. */
  abstract readonly readsNotes: boolean;

  /** Whose map `explain` shows by default, by path; the decoder's first, as in the paper. */
  readonly explainLayer: string = 'up4';

  /** Sequences of tokens that are maps of the image, for `explain`. */
  get tokenGrids(): readonly TokenGrid[] {
    return [{ side: this.options.imageSize / 16, before: 0 }];
  }

  /** Side of the map of patches of interest, if the model learns those and the words of interest; else null. */
  get interestSide(): number | null {
    return null;
  }

  /** `segment`, with the interest of models that have an `interestSide`. @throws NOTE_MISSING, TENSOR_SHAPE, INTERNAL */
  segmentWithScores(_images: Tensor, _note: NoteFeatures): ScoredSegmentation {
    throw new ReclmisError('INTERNAL', `${this.title} has no patches and words of interest`);
  }

  /** Layers whose tokens are not in the image's order, by path, or null. */
  get outOfOrder(): RegExp | null {
    return null;
  }

  /** Why `explain` shows no attention. */
  get withoutAttention(): string {
    return `${this.title} attends neither between places of the image nor between words and places`;
  }

  /** Does training read notes' features? More models do than at inference. */
  get learnsFromNotes(): boolean {
    return this.readsNotes;
  }

  /** Do notes have a part in training: by features, or as labels? */
  get taughtByNotes(): boolean {
    return this.learnsFromNotes;
  }

  /** Why no note can change a mask, without full stop; null if the model reads notes. */
  get unread(): string | null {
    if (this.readsNotes) return null;
    const how = this.taughtByNotes
      ? 'learns from notes in training, but reads none to segment'
      : 'reads no note';
    return `${this.title} ${how}, so its masks are the same under every note`;
  }

  /** Sides of training images may be multiples of this, in pixels; null: only S, as for positions learnt for images of one size. */
  get sizeStep(): number | null {
    return null;
  }

  get noteInput(): NoteInput {
    return 'features';
  }

  /** Losses required of `forwardTraining`. */
  get auxiliary(): readonly AuxiliaryLoss[] {
    return [];
  }

  /** True if some parameters affect no loss. */
  get leavesUnused(): boolean {
    return false;
  }

  /** @param images [B,3,S,S], RGB in 0 to 1. @param note [B,T,W] @throws NOTE_MISSING, TENSOR_SHAPE */
  abstract segment(images: Tensor, note: NoteFeatures | null): Segmentation;

  /**
   * The part of `segment` that sees no note, once for several notes. Models whose note enters late override both this
   * and `withNote`. By default a model without notes does everything here, and one that reads them nothing: the
   * features are the images (`ModelDescriptor.noteEntersEarly`).
   * @param images [B,3,S,S], RGB in 0 to 1 @throws TENSOR_SHAPE
   */
  imageFeatures(images: Tensor): ImageFeatures {
    return [this.readsNotes ? images : this.segment(images, null).logits];
  }

  /** The rest: `withNote(imageFeatures(images), note)` is `segment(images, note)`. @throws NOTE_MISSING, TENSOR_SHAPE */
  withNote([first]: ImageFeatures, note: NoteFeatures | null): Segmentation {
    if (!first) throw new RangeError(`${this.title}: no features`);
    return this.readsNotes ? this.segment(first, note) : segmentation(first);
  }

  /** With the losses of `auxiliary`. @throws NOTE_MISSING, TENSOR_SHAPE */
  forwardTraining(
    images: Tensor,
    note: NoteFeatures | null,
    _choices: TrainingChoices = {},
  ): TrainingSegmentation {
    return { ...this.segment(images, note), losses: {} };
  }

  /**
   * CCL's features alone, with the random draws of `forwardTraining`.
   * @throws NOTE_MISSING, TENSOR_SHAPE, CONFIG_INVALID if the model has no CCL
   */
  contrastInput(_images: Tensor, _note: NoteFeatures): ContrastiveInput {
    throw new ReclmisError('CONFIG_INVALID', `${this.title}: expected a model with contrastive learning`);
  }

  /** [B,T,W]. @throws NOTE_MISSING, TENSOR_SHAPE */
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

/**
 * @param images [B,3,S,S]. @param step in training: sides may be its multiples @throws TENSOR_SHAPE
 */
export function checkImages(
  images: Tensor,
  { imageSize: S }: Pick<ModelOptions, 'imageSize'>,
  step: number | null = null,
): void {
  const [, channels, height, width] = images.shape4();
  if (step !== null && channels === 3 && height === width && height % step === 0) return;
  if (channels !== 3 || height !== S || width !== S) {
    throw new ReclmisError(
      'TENSOR_SHAPE',
      `images: expected [B, 3, ${S}, ${S}], got [${images.shape.join(', ')}]`,
    );
  }
}

/** @param logits [B,1,S,S], in any precision */
export function segmentation(logits: Tensor): Segmentation {
  const whole = float32(logits);
  return { logits: whole, probability: whole.sigmoid() };
}
