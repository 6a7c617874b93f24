/** Strengths of the augmentation (`data/augment.ts`); defaults are upstream's (docs/method.md 9). */
import { type Rewording, REWORDINGS } from '@reclmis/core';

/** Probabilities are in [0, 1]. */
export interface AugmentOptions {
  readonly mode: 'consistent' | 'upstream' | 'none';
  readonly blurProbability: number;
  /** Standard deviation in pixels. */
  readonly blurSigma: readonly [low: number, high: number];
  /** For each of four changes. */
  readonly photometricProbability: number;
  /** In levels of 255. */
  readonly brightness: number;
  readonly contrast: readonly [low: number, high: number];
  readonly saturation: readonly [low: number, high: number];
  /** In degrees. */
  readonly hueDegrees: number;
  /**
   * Quarter turns with a flip or, if the note names a place, mirroring; never if it may name a side in unknown words.
   */
  readonly flipProbability: number;
  /** If not flipped. */
  readonly rotateProbability: number;
  /** Either way, in degrees. */
  readonly rotateDegrees: number;
  /** How often the note is put into other words, after flips; also in mode `none`. */
  readonly notes: number;
  /** See `noteKindsOf`. */
  readonly noteKinds: string;
  /** Rewordings of each note, at most. */
  readonly noteVariants: number;
}

export const AUGMENT_DEFAULTS: AugmentOptions = {
  mode: 'consistent',
  blurProbability: 0.5,
  blurSigma: [0.5, 1],
  photometricProbability: 0.5,
  brightness: 32,
  contrast: [0.5, 1.5],
  saturation: [0.5, 1.5],
  hueDegrees: 36,
  flipProbability: 0.5,
  rotateProbability: 0.5,
  rotateDegrees: 20,
  notes: 0,
  noteKinds: 'all',
  noteVariants: 8,
};

/** `all`, or kinds separated by commas; null if one is unknown. */
export function noteKindsOf(list: string): readonly Rewording[] | null {
  if (list.trim() === 'all') return REWORDINGS;
  const kinds = list.split(',').map((kind) => REWORDINGS.find((one) => one === kind.trim()));
  return kinds.every((kind) => kind !== undefined) ? kinds : null;
}
