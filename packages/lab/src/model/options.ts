/**
 * RecLMIS's options, with reasons, and presets.
 *
 * Sources: paper section 3 and 4.2, Tables 2 and 3. Where they differ, `PAPER` follows the paper and
 * `UPSTREAM` the authors' public code, for their checkpoints and figures.
 */
import type { MaskStrategy } from './masking.js';
import type { ModelOptions } from './segmentation-model.js';
import { checkSizes, requireOption } from './unet-based.js';

/** Table 2. */
export interface Components {
  /** Conditioned interaction. Off: the model reads no note, and all others must be off. */
  readonly ci: boolean;
  /** Conditioned contrastive learning. */
  readonly ccl: boolean;
  /** Conditioned language reconstruction. */
  readonly clr: boolean;
  /** Conditioned vision reconstruction. */
  readonly cvr: boolean;
}

/** Losses conditioned by the patches and words of interest (Table 3). */
export interface Conditions {
  readonly ccl: boolean;
  readonly clr: boolean;
  readonly cvr: boolean;
}

/** The other modality, as in the paper, or its own (Table 4). */
export type AttentionKind = 'cross' | 'self';

/** Where the modalities meet (Table 4), with the same parameters. */
export interface AttentionKinds {
  /** `self`: T0 = attention(F_T over F_T), F'_V = attention(V over V); no note reaches the decoder. */
  readonly ci: AttentionKind;
  /** `self`: the context is the masked features; conditions have nothing to weigh. */
  readonly reconstruction: AttentionKind;
}

/**
 * `paper`: eq. 7 and 9, F_V and F_T, detached: trained targets with a gradient could become constant. F_T
 * also has no scale of its own and would grow, and CLR with it, so CLR's target is each token's F_T with mean
 * 0 and variance 1. `upstream`: F'_V, not detached (its gradient is part of the authors' training), and the
 * frozen F_clip.
 */
export type Targets = 'paper' | 'upstream';

export interface RecLMISOptions extends ModelOptions {
  /** In each of a reconstructor's two stacks. */
  readonly layers: number;
  /** The reconstructors' self-attention only looks backwards. */
  readonly causal: boolean;
  /** A second softmax in CCL makes POI and WOI almost uniform. */
  readonly secondSoftmax: boolean;
  readonly targets: Targets;
  readonly components: Components;
  readonly conditions: Conditions;
  readonly attention: AttentionKinds;
  readonly maskStrategy: MaskStrategy;
  /** Shares, 0 to 1. */
  readonly maskRatios: { readonly visual: number; readonly textual: number };
  /** In CI's embeddings and attention and on each reconstructor sub-layer. */
  readonly dropout: number;
  /** On F'_V and F'_T before the MLPs of POI and WOI. */
  readonly interestDropout: number;
  /** Standard deviation of CI's first position embeddings; 0: zeros. */
  readonly positionScale: number;
  /** ln(1 / temperature) of CCL; frozen; a checkpoint's replaces it. */
  readonly logitScale: number;
}

/** Settings of any model. */
export interface ModelSettings extends Pick<
  RecLMISOptions,
  | 'baseWidth'
  | 'imageSize'
  | 'deepSupervision'
  | 'layers'
  | 'components'
  | 'conditions'
  | 'attention'
  | 'maskStrategy'
  | 'maskRatios'
  | 'dropout'
  | 'interestDropout'
> {
  /** The paper, or the authors' code where it differs. */
  readonly variant: 'paper' | 'upstream';
  /** By the chosen model's schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The paper's model. */
export const PAPER: RecLMISOptions = {
  baseWidth: 64, // U-Net with 64 channels, so C = 512
  imageSize: 224, // section 4.2
  textWidth: 512, // CLIP ViT-B/32's text width
  layers: 3, // best of 1 to 10 in the paper's ablation
  causal: false, // the paper does not restrict it to looking backwards
  secondSoftmax: false, // eq. 4 weighs by the distributions themselves
  targets: 'paper',
  components: { ci: true, ccl: true, clr: true, cvr: true }, // Table 2's best row
  conditions: { ccl: true, clr: true, cvr: true }, // Table 3's best row
  attention: { ci: 'cross', reconstruction: 'cross' }, // Table 4's best row
  maskStrategy: 'distribution', // section 3.4
  maskRatios: { visual: 0.5, textual: 0.3 }, // best of the paper's ablation
  dropout: 0.1, // upstream's and, by its form, the paper's
  interestDropout: 0, // only in two of upstream's presets
  positionScale: 2, // clearly above the patches' own embedding, so attention starts by place; 0, 0.5 and 1 learn slower
  logitScale: Math.log(1 / 0.07), // 2.6593, CLIP's initial temperature of 0.07
};

/** The authors' code, as configured for QaTa-COV19. */
export const UPSTREAM: RecLMISOptions = {
  ...PAPER,
  layers: 4,
  causal: true,
  secondSoftmax: true,
  targets: 'upstream',
  positionScale: 0,
};

/** The authors' code, as configured for MosMedData+ and MoNuSeg. */
export const UPSTREAM_SMALL_DATA: RecLMISOptions = {
  ...UPSTREAM,
  layers: 3,
  maskRatios: { visual: 0.3, textual: 0.3 },
  interestDropout: 0.5,
};

/** Encoder and decoder only. */
export const NOTE_FREE: Components = { ci: false, ccl: false, clr: false, cvr: false };

/** Heads of every attention (docs/method.md 3 and 7). */
export const HEADS = 4;

/** C, also of the patches and the adapted note. */
export function bottleneckWidth(options: Pick<RecLMISOptions, 'baseWidth'>): number {
  return 8 * options.baseWidth;
}

/** Do some parameters affect no loss? POI and WOI learn only through losses that they condition. */
export function leavesUnused(
  options: Pick<RecLMISOptions, 'components' | 'conditions' | 'attention'>,
): boolean {
  const { ci, ccl, clr, cvr } = options.components;
  const { conditions, attention } = options;
  // With self-attention the mask does not need the words.
  if (!hasReconstructionOrContrast(options)) return ci && attention.ci === 'self';
  if (ccl && conditions.ccl) return false;
  if (attention.reconstruction === 'self') return true; // no loss is conditioned
  return !(clr && conditions.clr && cvr && conditions.cvr);
}

/** These losses need POI and WOI. */
export function hasReconstructionOrContrast({ components }: Pick<RecLMISOptions, 'components'>): boolean {
  return components.ccl || components.clr || components.cvr;
}

type TrainedBy = Pick<RecLMISOptions, 'components' | 'conditions' | 'attention'>;

/** Whether a loss trains the distribution through what it conditions; drawing masks carries no gradient. */
export function trainedInterest({ components, conditions, attention }: TrainedBy): {
  poi: boolean;
  woi: boolean;
} {
  const { ccl, clr, cvr } = components;
  const contrast = ccl && conditions.ccl;
  const across = attention.reconstruction === 'cross';
  return {
    poi: contrast || (across && clr && conditions.clr),
    woi: contrast || (across && cvr && conditions.cvr),
  };
}

interface EncoderTraits {
  readonly width: number;
  readonly logitScale?: number | null;
}

export function optionsFromConfig(model: ModelSettings, encoder: EncoderTraits): RecLMISOptions {
  const variant = model.variant === 'upstream' ? UPSTREAM : PAPER;
  return {
    baseWidth: model.baseWidth,
    imageSize: model.imageSize,
    textWidth: encoder.width,
    ...(model.deepSupervision === true && { deepSupervision: true }),
    layers: model.layers,
    causal: variant.causal,
    secondSoftmax: variant.secondSoftmax,
    targets: variant.targets,
    components: model.components.ci ? model.components : NOTE_FREE,
    conditions: model.conditions,
    attention: model.attention,
    maskStrategy: model.maskStrategy,
    maskRatios: model.maskRatios,
    dropout: model.dropout,
    interestDropout: model.interestDropout,
    positionScale: variant.positionScale,
    logitScale: encoder.logitScale ?? variant.logitScale,
  };
}

/** @throws CONFIG_INVALID naming the option and both values */
export function checkOptions(options: RecLMISOptions): RecLMISOptions {
  checkSizes(options);
  const { layers, components, maskRatios, textWidth, baseWidth } = options;
  requireOption(Number.isInteger(layers) && layers >= 1, 'layers', 'a whole number of at least 1', layers);
  for (const name of ['visual', 'textual'] as const) {
    requireOption(
      maskRatios[name] >= 0 && maskRatios[name] <= 1,
      `maskRatios.${name}`,
      'a number from 0 to 1',
      maskRatios[name],
    );
  }
  for (const name of ['dropout', 'interestDropout'] as const) {
    requireOption(options[name] >= 0 && options[name] < 1, name, 'a number from 0 to below 1', options[name]);
  }
  requireOption(
    components.ci || !hasReconstructionOrContrast(options),
    'components.ci',
    'true while ccl, clr or cvr is on, as they need its patches and words of interest',
    components.ci,
  );
  requireOption(
    !(options.targets === 'upstream' && components.clr) || textWidth === bottleneckWidth(options),
    'baseWidth',
    `${textWidth / 8}, since upstream reconstructs the encoder's ${textWidth}-wide features (or set targets to paper)`,
    baseWidth,
  );
  return options;
}
