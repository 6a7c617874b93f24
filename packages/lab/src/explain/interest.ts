/**
 * Which parts of an explanation apply to a model: CI and the patches and words of interest only exist, or
 * mean something, in some variants (Tables 2 to 4).
 */
import { hasReconstructionOrContrast, type RecLMISOptions } from '../model/options.js';

/** A part that does not apply, with the reason. */
export interface Missing {
  readonly missing: string;
}

export function isMissing(part: object): part is Missing {
  return 'missing' in part;
}

/** Null if it applies, else why not. */
export interface Applicability {
  readonly attention: string | null;
  /** POI and WOI. */
  readonly interest: string | null;
}

type Variant = Pick<RecLMISOptions, 'components' | 'conditions' | 'attention'>;

/** `options`: null for models other than RecLMIS. */
export function applicability(
  options: Variant | null,
  { title, withoutAttention }: { readonly title: string; readonly withoutAttention: string },
): Applicability {
  if (options === null) {
    const why = `${title} has none: it is part of RecLMIS's conditioned interaction`;
    return { attention: withoutAttention, interest: why };
  }
  if (!options.components.ci) {
    const why = 'this model reads no note (model.components.ci is off)';
    return { attention: why, interest: why };
  }
  return {
    attention: null,
    interest: hasReconstructionOrContrast(options)
      ? null
      : 'this model was trained without the losses that use it (model.components: ccl, clr and cvr are off)',
  };
}
