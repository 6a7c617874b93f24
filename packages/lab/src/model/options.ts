/**
 * RecLMIS's options: types, defaults with reasons, and presets.
 *
 * Sources: paper section 3 and 4.2, Tables 2 and 3. Where they differ, `PAPER` follows the paper and `UPSTREAM` the
 * authors' public code; use `UPSTREAM` for their checkpoints or figures.
 */
import type { MaskStrategy } from './masking.js';
import type { ModelOptions } from './segmentation-model.js';
import { checkSizes, requireOption } from './unet-based.js';

/** The active parts of the method (Table 2). */
export interface Components {
  /** Conditioned interaction. Off: the model reads no note, and all other components must be off. */
  readonly ci: boolean;
  /** Conditioned contrastive learning. */
  readonly ccl: boolean;
  /** Conditioned language reconstruction. */
  readonly clr: boolean;
  /** Conditioned vision reconstruction. */
  readonly cvr: boolean;
}

/** Which losses are conditioned by the patches and words of interest (Table 3). */
export interface Conditions {
  readonly ccl: boolean;
  readonly clr: boolean;
  readonly cvr: boolean;
}

/** What attention reads: the other modality, as in the paper, or its own (Table 4). */
export type AttentionKind = 'cross' | 'self';

/** Where the modalities meet (Table 4). The parameters are the same either way. */
export interface AttentionKinds {
  /** `self`: T0 = attention(F_T over F_T), F'_V = attention(V over V); the note does not reach the decoder. */
  readonly ci: AttentionKind;
  /**
   * `self`: the context is the masked features; conditions, distributions over the other modality, have nothing to weigh.
   */
  readonly reconstruction: AttentionKind;
}

/**
 * `paper`: eq. 7 and 9, reconstruct F_V and F_T. Trained targets with a gradient could be met by becoming constant, so
 * they are detached. F_T also has no scale of its own and would grow, and CLR with it, so CLR's target is each token's
 * F_T with mean 0 and variance 1.
 * `upstream`: reconstruct F'_V, not detached (its gradient is part of the authors' training), and the frozen F_clip.
 */
export type Targets = 'paper' | 'upstream';

export interface RecLMISOptions extends ModelOptions {
  /** Layers of each of a reconstructor's two stacks. */
  readonly layers: number;
  /** Whether the reconstructors' self-attention only looks backwards. */
  readonly causal: boolean;
  /** Whether CCL passes POI and WOI through a second softmax, which makes them almost uniform. */
  readonly secondSoftmax: boolean;
  readonly targets: Targets;
  readonly components: Components;
  readonly conditions: Conditions;
  readonly attention: AttentionKinds;
  readonly maskStrategy: MaskStrategy;
  /** Shares of patches and words to mask, 0 to 1. */
  readonly maskRatios: { readonly visual: number; readonly textual: number };
  /** In CI's embeddings and attention and on each reconstructor sub-layer. */
  readonly dropout: number;
  /** On F'_V and F'_T before the MLPs of POI and WOI. */
  readonly interestDropout: number;
  /** Standard deviation of the initial sinusoids of position embeddings; 0: zeros. */
  readonly positionScale: number;
  /** Initial ln(1 / temperature) of CCL; frozen, and replaced by a checkpoint's. */
  readonly logitScale: number;
}

/** A model's settings, whichever model they choose. */
export interface ModelSettings extends Pick<
  RecLMISOptions,
  | 'baseWidth'
  | 'imageSize'
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
  /** Settings of the chosen model alone, by its descriptor's schema. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** The paper's model. */
export const PAPER: RecLMISOptions = {
  baseWidth: 64, // U-Net with 64 channels, so C = 512
  imageSize: 224, // section 4.2
  textWidth: 512, // CLIP ViT-B/32's text width
  layers: 3, // best of 1 to 10 in the paper's ablation
  causal: false, // the paper does not restrict reconstruction to looking backwards
  secondSoftmax: false, // eq. 4 weighs by the distributions themselves
  targets: 'paper',
  components: { ci: true, ccl: true, clr: true, cvr: true }, // Table 2's best row
  conditions: { ccl: true, clr: true, cvr: true }, // Table 3's best row
  attention: { ci: 'cross', reconstruction: 'cross' }, // Table 4's best row
  maskStrategy: 'distribution', // section 3.4
  maskRatios: { visual: 0.5, textual: 0.3 }, // best of the paper's ablation
  dropout: 0.1, // upstream's and, by its form, the paper's
  interestDropout: 0, // only in two of upstream's presets
  positionScale: 2, // clearly above the patches' own embedding, so attention starts out by place; 0, 0.5 and 1 learn slower
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

/** The note-free baseline: encoder and decoder only. */
export const NOTE_FREE: Components = { ci: false, ccl: false, clr: false, cvr: false };

/** Heads of every attention of the model (docs/method.md 3 and 7). */
export const HEADS = 4;

/** Channels C of the bottleneck, of the patches and of the adapted note. */
export function bottleneckWidth(options: Pick<RecLMISOptions, 'baseWidth'>): number {
  return 8 * options.baseWidth;
}

/**
 * Whether some parameters affect no loss: POI and WOI learn only through losses that they condition; drawing masks
 * carries no gradient.
 */
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

/** Whether any training-only loss is on, and with it POI and WOI. */
export function hasReconstructionOrContrast({ components }: Pick<RecLMISOptions, 'components'>): boolean {
  return components.ccl || components.clr || components.cvr;
}

interface EncoderTraits {
  readonly width: number;
  readonly logitScale?: number | null;
}

/** The options of a run's configuration, with its note encoder. */
export function optionsFromConfig(model: ModelSettings, encoder: EncoderTraits): RecLMISOptions {
  const variant = model.variant === 'upstream' ? UPSTREAM : PAPER;
  return {
    baseWidth: model.baseWidth,
    imageSize: model.imageSize,
    textWidth: encoder.width,
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

/**
 * Checks what types cannot say; returns the options.
 * @throws CONFIG_INVALID naming the option, the expected and the actual value.
 */
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
