/**
 * RecLMIS: language-guided segmentation by cross-modal conditioned reconstruction (arXiv 2404.02845, docs/method.md 1 to 7).
 *
 *     image -> inc, down1..4 -> F_V [B,C,h,w] ----+
 *     note features -> text_module4 -> F_T [B,T,C] +-> CI -> F'_V -> up4..1, outc -> mask
 *                                                  |         POI, WOI
 *                                                  +-> training only: CCL, CVR, CLR
 *
 * Keys are those of the authors' checkpoints, without the unused ones (`isUnusedKey`).
 *
 * B batch, S image side, h = w = S/16, N = h*w patches, T tokens, C = 8 * baseWidth channels.
 */
import { ReclmisError } from '@reclmis/core';
import { cat, float32, full, layerNorm, nn, type Tensor } from '@reclmis/torch';
import type { NoteFeatures } from '../text/encoder.js';
import { type ContrastiveInput, contrastiveLoss } from './contrastive.js';
import { ConditionedInteraction, type Interaction, Interest } from './interaction.js';
import { drawMask, hide } from './masking.js';
import {
  bottleneckWidth,
  checkOptions,
  hasReconstructionOrContrast,
  leavesUnused,
  type RecLMISOptions,
  trainedInterest,
} from './options.js';
import { ConditionedReconstructor } from './reconstruction.js';
import { UpBlock } from './blocks.js';
import { type Decoded, type Decoder, type EncodedImage, UNetBased } from './unet-based.js';
import {
  type AuxiliaryLoss,
  type ImageFeatures,
  type ScoredSegmentation,
  type Segmentation,
  type TrainingChoices,
  type TrainingSegmentation,
} from './segmentation-model.js';

/** Includes every intermediate and the auxiliary losses. */
export interface TrainingOutput extends TrainingSegmentation {
  /** F_V, [B,C,h,w]. */
  readonly imageFeatures: Tensor;
  /** F_T, [B,T,C]; null if note-free. */
  readonly textFeatures: Tensor | null;
  /** F'_V, [B,N,C]; null if note-free. */
  readonly interactedImage: Tensor | null;
  /** F'_T, [B,T,C]; null if no loss needs it. */
  readonly interactedText: Tensor | null;
  /** P_V, [B,N]; null as above. */
  readonly poi: Tensor | null;
  /** P_T, [B,T]; null as above. */
  readonly woi: Tensor | null;
  /** bool [B,N]; null when CVR is off. */
  readonly hiddenPatches: Tensor | null;
  /** bool [B,T]; null when CLR is off. */
  readonly hiddenWords: Tensor | null;
}

export interface InterestedSegmentation extends Segmentation {
  /** P_V, [B,N]; null if the model is note-free, or lacks the losses that need it. */
  readonly poi: Tensor | null;
  /** P_T, [B,T]; null as above. */
  readonly woi: Tensor | null;
}

/** Instead of drawn ones: bool [B,N] and [B,T], true where hidden. */
export interface GivenMasks {
  readonly patches?: Tensor;
  readonly words?: Tensor;
}

/** CCL's temperature under the authors' key; frozen, as all of CLIP. */
class FrozenScale extends nn.Module {
  readonly logitScale: Tensor;

  constructor(value: number) {
    super();
    this.logitScale = this.buffer('logit_scale', full([], value, { dtype: 'float32' }));
  }
}

/** Exist only for training. */
interface Trainers {
  readonly poi: Interest;
  readonly woi: Interest;
  readonly scale: FrozenScale;
  readonly cvr: ConditionedReconstructor | null;
  readonly clr: ConditionedReconstructor | null;
}

/** Each has its component. */
const OWN_LOSSES = ['ccl', 'clr', 'cvr'] as const;

export class RecLMIS extends UNetBased {
  override readonly title = 'RecLMIS';
  private readonly adapter: nn.Conv1d | null;
  private readonly interact: ConditionedInteraction | null;
  private readonly decodeMap: Decoder;
  private readonly trainers: Trainers | null;

  /** @throws CONFIG_INVALID */
  constructor(override readonly options: RecLMISOptions) {
    super(checkOptions(options));
    const channels = bottleneckWidth(options);
    const patches = (options.imageSize / 16) ** 2;
    const { ci, clr, cvr } = options.components;
    const training = hasReconstructionOrContrast(options);

    this.adapter = ci
      ? this.child('text_module4', new nn.Conv1d(options.textWidth, channels, 3, { padding: 1 }))
      : null;
    this.interact = ci
      ? this.child(
          'interact',
          new ConditionedInteraction(channels, patches, {
            dropout: options.dropout,
            positionScale: options.positionScale,
            withWords: training,
            attention: options.attention.ci,
          }),
        )
      : null;
    this.decodeMap = this.decoder(UpBlock);

    const { layers, causal, dropout } = options;
    const reconstructor = { channels, layers, causal, dropout };
    this.trainers = training
      ? {
          poi: this.child('mlp_visual', new Interest(channels, options.interestDropout)),
          woi: this.child('mlp_woi', new Interest(channels, options.interestDropout)),
          scale: this.child('clip', new FrozenScale(options.logitScale)),
          cvr: cvr ? this.child('rec_img_trans1', new ConditionedReconstructor(reconstructor)) : null,
          clr: clr ? this.child('rec_text_trans1', new ConditionedReconstructor(reconstructor)) : null,
        }
      : null;
  }

  override get readsNotes(): boolean {
    return this.interact !== null;
  }

  /** CI's positions are resampled to the patches there are. */
  override get sizeStep(): number {
    return 16;
  }

  override get auxiliary(): readonly AuxiliaryLoss[] {
    return OWN_LOSSES.filter((name) => this.options.components[name]);
  }

  override get leavesUnused(): boolean {
    return leavesUnused(this.options);
  }

  /**
   * @param images [B,3,S,S], RGB in 0 to 1
   * @param note null only for the note-free model, which ignores it @throws NOTE_MISSING, TENSOR_SHAPE
   */
  segment(images: Tensor, note: NoteFeatures | null): Decoded {
    const { skips, bottleneck } = this.encode(images);
    const interacted = this.interact?.forward(toPatches(bottleneck), this.adapt(note)).image ?? null;
    return this.decode(bottleneck, interacted, skips);
  }

  /** F_V, the skips and their PLAM factors, coarsest first. */
  override imageFeatures(images: Tensor): ImageFeatures {
    if (!this.interact) return super.imageFeatures(images);
    const { skips, bottleneck } = this.encode(images);
    return [bottleneck, ...skips, ...this.factorsOf(skips)];
  }

  override withNote(features: ImageFeatures, note: NoteFeatures | null): Segmentation {
    if (!this.interact) return super.withNote(features, note);
    const { bottleneck, skips, factors } = parted(features);
    const { image } = this.interact.forward(toPatches(bottleneck), this.adapt(note)); // [B,N,C]
    return this.decode(bottleneck, image, skips, factors);
  }

  /** With the patches and words of interest. @param ahead `imageFeatures(images)`, if known @throws NOTE_MISSING, TENSOR_SHAPE */
  segmentWithInterest(
    images: Tensor,
    note: NoteFeatures | null,
    ahead: ImageFeatures | null = null,
  ): InterestedSegmentation {
    if (!this.interact || !this.trainers || !note) {
      const segmentation = ahead ? this.withNote(ahead, note) : this.segment(images, note);
      return { ...segmentation, poi: null, woi: null };
    }
    const { skips, bottleneck, factors } = ahead ? parted(ahead) : { ...this.encode(images), factors: [] };
    const interaction = this.interact.forward(toPatches(bottleneck), this.adapt(note));
    const { poi, woi } = this.interest(this.interact, this.trainers, interaction, note);
    return { ...this.decode(bottleneck, interaction.image, skips, factors), poi, woi };
  }

  /** Only what a loss has trained is shown without `explain`'s remarks. */
  override get interestSide(): number | null {
    const { poi, woi } = trainedInterest(this.options);
    return this.trainers && poi && woi ? this.options.imageSize / 16 : null;
  }

  override segmentWithScores(images: Tensor, note: NoteFeatures): ScoredSegmentation {
    const { interact, trainers } = this;
    if (!interact || !trainers) return super.segmentWithScores(images, note);
    const { skips, bottleneck } = this.encode(images);
    const { image, gathered } = interact.forward(toPatches(bottleneck), this.adapt(note));
    const poi = trainers.poi.forward(image, null); // [B,N]
    const scores = trainers.woi.scores(interact.words(gathered)); // [B,T]
    return { ...this.decode(bottleneck, image, skips), interest: cat([poi, scores], 1) };
  }

  /** With the losses of active components. @throws NOTE_MISSING, TENSOR_SHAPE */
  override forwardTraining(
    images: Tensor,
    note: NoteFeatures | null,
    choices: GivenMasks & TrainingChoices = {},
  ): TrainingOutput {
    const { skips, bottleneck } = this.encode(images);
    const none = {
      poi: null,
      woi: null,
      interactedText: null,
      hiddenPatches: null,
      hiddenWords: null,
      losses: {},
    };
    if (!this.interact) {
      const segmentation = this.supervised(this.decode(bottleneck, null, skips));
      return {
        ...segmentation,
        imageFeatures: bottleneck,
        textFeatures: null,
        interactedImage: null,
        ...none,
      };
    }
    const patches = toPatches(bottleneck); // [B,N,C]
    const tokens = this.adapt(note); // [B,T,C]
    const interaction = this.interact.forward(patches, tokens);
    const { image } = interaction; // [B,N,C]
    const shared = { imageFeatures: bottleneck, textFeatures: tokens, interactedImage: image };
    const segmentation = this.supervised(this.decode(bottleneck, image, skips));
    if (!this.trainers || !note) return { ...segmentation, ...shared, ...none };

    const { words, poi, woi } = this.interest(this.interact, this.trainers, interaction, note);
    const trained = this.learn(this.trainers, { patches, tokens, image, note, poi, woi }, choices);
    return { ...segmentation, ...shared, interactedText: words, poi, woi, ...trained };
  }

  /**
   * CCL's features alone, with the random draws of `forwardTraining`.
   * @throws NOTE_MISSING, TENSOR_SHAPE, CONFIG_INVALID if the model has no CCL
   */
  override contrastInput(images: Tensor, note: NoteFeatures): ContrastiveInput {
    if (!this.interact || !this.trainers)
      throw new ReclmisError('CONFIG_INVALID', 'contrastInput: the model has no contrastive learning');
    const patches = toPatches(this.encode(images).bottleneck); // [B,N,C]
    const tokens = this.adapt(note); // [B,T,C]
    const interaction = this.interact.forward(patches, tokens);
    const { poi, woi } = this.interest(this.interact, this.trainers, interaction, note);
    return this.compared(this.trainers, { patches, tokens, note, poi, woi });
  }

  /** F'_T with POI and WOI, eq. 2 and 3. */
  private interest(
    interact: ConditionedInteraction,
    trainers: Trainers,
    { image, gathered }: Interaction,
    note: NoteFeatures,
  ): { words: Tensor; poi: Tensor; woi: Tensor } {
    const words = interact.words(gathered); // [B,T,C]
    const poi = trainers.poi.forward(image, null); // [B,N]
    const woi = trainers.woi.forward(words, note.valid); // [B,T]
    return { words, poi, woi };
  }

  /** Without its condition all patches and all valid words weigh the same. */
  private compared(
    trainers: Trainers,
    x: { patches: Tensor; tokens: Tensor; note: NoteFeatures; poi: Tensor; woi: Tensor },
  ): ContrastiveInput {
    const { conditions, secondSoftmax } = this.options;
    const { valid } = x.note;
    return {
      patches: x.patches,
      tokens: x.tokens,
      valid,
      poi: conditions.ccl ? x.poi : x.poi.fullLike(1 / x.poi.size(1)),
      woi: conditions.ccl ? x.woi : evenWords(valid, x.woi),
      logitScale: trainers.scale.logitScale,
      secondSoftmax,
    };
  }

  /** Eq. 4 to 9 for the active components. */
  private learn(
    trainers: Trainers,
    x: { patches: Tensor; tokens: Tensor; image: Tensor; note: NoteFeatures; poi: Tensor; woi: Tensor },
    { patches: givenPatches, words: givenWords, contrast = contrastiveLoss }: GivenMasks & TrainingChoices,
  ): Pick<TrainingOutput, 'losses' | 'hiddenPatches' | 'hiddenWords'> {
    const { options } = this;
    const { components, conditions, maskRatios, maskStrategy: strategy } = options;
    const { valid } = x.note;
    const across = options.attention.reconstruction === 'cross';

    const ccl = components.ccl ? contrast(this.compared(trainers, x)) : null;

    let hiddenPatches: Tensor | null = null;
    let cvr: Tensor | null = null;
    if (trainers.cvr) {
      hiddenPatches =
        givenPatches ?? drawMask({ probability: x.poi, valid: null, ratio: maskRatios.visual, strategy });
      const masked = hide(x.patches, hiddenPatches);
      const reconstructed = trainers.cvr.forward({
        masked,
        context: across ? x.tokens : masked,
        condition: across ? (conditions.cvr ? x.woi : evenWords(valid, x.woi)) : null, // as `compared` does
      });
      cvr = reconstructed.mseLoss(options.targets === 'paper' ? x.patches.detach() : x.image);
    }

    let hiddenWords: Tensor | null = null;
    let clr: Tensor | null = null;
    if (trainers.clr) {
      hiddenWords =
        givenWords ?? drawMask({ probability: x.woi, valid, ratio: maskRatios.textual, strategy });
      const masked = hide(x.tokens, hiddenWords);
      const reconstructed = trainers.clr.forward({
        masked,
        context: across ? x.patches : masked,
        // Equal weights change nothing over patches; over words they exclude padding.
        condition: across ? (conditions.clr ? x.poi : null) : evenWords(valid, x.woi),
      });
      clr = reconstructed.mseLoss(options.targets === 'paper' ? standardised(x.tokens) : x.note.features);
    }
    return {
      hiddenPatches,
      hiddenWords,
      losses: { ...(ccl ? { ccl } : {}), ...(clr ? { clr } : {}), ...(cvr ? { cvr } : {}) },
    };
  }

  /** F_T. */
  private adapt(note: NoteFeatures | null): Tensor {
    const features = this.requireNote(note);
    if (!this.adapter) throw new RangeError('F_T was requested from a model that reads no notes');
    return this.adapter.forward(features.transpose(1, 2)).transpose(1, 2); // [B,T,C]
  }

  /** Decodes F'_V, or F_V if the model is note-free. */
  private decode(
    bottleneck: Tensor,
    interacted: Tensor | null,
    skips: readonly Tensor[],
    factors?: readonly Tensor[],
  ): Decoded {
    const x = interacted ? toMap(interacted, bottleneck) : bottleneck; // [B,C,h,w]
    return this.decodeMap(x, skips, factors);
  }
}

/** As `imageFeatures` orders them. */
function parted([bottleneck, ...maps]: ImageFeatures): EncodedImage & {
  readonly factors: readonly Tensor[];
} {
  if (!bottleneck) throw new RangeError('RecLMIS: no features');
  const levels = maps.length / 2;
  return { bottleneck, skips: maps.slice(0, levels), factors: maps.slice(levels) };
}

/** [B,C,h,w] -> [B,N,C]; a view if channels-last. */
function toPatches(map: Tensor): Tensor {
  const [B, C, h, w] = map.shape4();
  return map.permute([0, 2, 3, 1]).reshape([B, h * w, C]);
}

/** @returns [B,T] of `like`'s dtype, 0 for padding */
function evenWords(valid: Tensor, like: Tensor): Tensor {
  return valid.to({ dtype: like.dtype }).div(valid.sum([1], true));
}

/** Detached, each item [.., C] with mean 0 and variance 1. */
function standardised(features: Tensor): Tensor {
  return layerNorm(float32(features.detach()), [features.size(-1)]);
}

/** [B,N,C] -> [B,C,h,w], sized as `like`; a channels-last view. */
function toMap(patches: Tensor, like: Tensor): Tensor {
  const [B, C, h, w] = like.shape4();
  return patches.view([B, h, w, C]).permute([0, 3, 1, 2]);
}
