/**
 * Predicts the Dice of a mask from its probability map, and whether anything that the note names is in the
 * image: a calibration fitted on validation cases (`fit-confidence.ts`), kept in run and manifest.
 *
 * It is no statement about a patient. Like the mask it believes the note: a note that names the wrong place
 * need not lower it.
 */
import { z } from 'zod';
import type { Warning } from '../warnings.js';
import { type Knots, isotonicValue } from './isotonic.js';
import { type LinearModel, linearValue, sigmoid } from './linear.js';
import { MASK_FEATURES, maskFeatures, type MaskFeatures } from './mask-features.js';

/** Another number is another form. */
export const CONFIDENCE_VERSION = 1;

/** A mask's predicted quality. */
export interface Confidence {
  /** Predicted Dice of the mask, 0 to 1. */
  readonly dice: number;
  /**
   * False if the image differs from those the model has learnt from (`IMAGE_UNUSUAL`): what was measured on
   * validation cases then says little.
   */
  readonly calibrated: boolean;
  readonly presence: Presence;
}

export interface Presence {
  /** That anything the note names is in the image, 0 to 1. */
  readonly probability: number;
  /** False if the validation cases had too few empty masks to fit it: then it is the highest probability. */
  readonly calibrated: boolean;
}

const share = z.number().min(0).max(1);
const count = z.number().int().positive();
const ascending = (knots: Knots): boolean =>
  knots.every(([x, y], i) => i === 0 || (x > knots[i - 1]![0] && y >= knots[i - 1]![1]));

const features = z.array(z.enum(MASK_FEATURES)).min(1).max(MASK_FEATURES.length).readonly();
const linear = z.strictObject({
  features,
  mean: z.array(z.number()).readonly(),
  deviation: z.array(z.number().positive()).readonly(),
  weights: z.array(z.number()).readonly(),
  intercept: z.number(),
});
const isWhole = (model: z.infer<typeof linear>): boolean =>
  [model.mean, model.deviation, model.weights].every(({ length }) => length === model.features.length);

const ridge = linear
  .extend({ kind: z.literal('ridge') })
  .refine(isWhole, 'expected a mean, a deviation and a weight for each feature');
const isotonic = z.strictObject({
  kind: z.literal('isotonic'),
  feature: z.enum(MASK_FEATURES),
  knots: z
    .array(z.tuple([share, share]).readonly())
    .min(1)
    .max(10_000)
    .readonly()
    .refine(ascending, 'expected knots in ascending order'),
});
const logistic = linear
  .extend({ kind: z.literal('logistic') })
  .refine(isWhole, 'expected a mean, a deviation and a weight for each feature');

export const confidenceSchema = z.strictObject({
  version: z.literal(CONFIDENCE_VERSION, {
    error: (issue) => `expected version ${CONFIDENCE_VERSION}, got ${String(issue.input).slice(0, 20)}`,
  }),
  /** On whose validation cases it was fitted. */
  data: z.strictObject({
    name: z.string(),
    fingerprint: z.string(),
    cases: count,
    patients: count,
    /** Cases in which nothing is to be found. */
    empty: z.number().int().min(0),
  }),
  /** The judged mask’s. */
  threshold: share,
  /** For masks that are not empty. */
  dice: z.discriminatedUnion('kind', [ridge, isotonic]),
  /** `rule`: the highest probability, uncalibrated. */
  presence: z.discriminatedUnion('kind', [logistic, z.strictObject({ kind: z.literal('rule') })]),
  /** Cross-validated by patient on the validation cases. */
  validation: z.strictObject({
    /** Mean of |predicted - true Dice|. */
    error: share,
    /** Spearman's; null if either is constant. */
    rank: z.number().min(-1).max(1).nullable(),
  }),
});

export type ConfidenceCalibration = z.infer<typeof confidenceSchema>;
export type DiceModel = ConfidenceCalibration['dice'];
export type PresenceModel = ConfidenceCalibration['presence'];

/**
 * The confidence in the mask of a probability map.
 * @param map [height,width] at the model's size, 0 to 1; its mask is that of the calibration's threshold
 * @param usual whether the image resembles the training images
 * @throws MASK_SIZE_MISMATCH
 */
export function confidenceOf(
  calibration: ConfidenceCalibration,
  map: ArrayLike<number>,
  width: number,
  height: number,
  usual = true,
): Confidence {
  const found = maskFeatures(map, width, height, calibration.threshold);
  return { ...confidenceFrom(calibration, found), calibrated: usual };
}

/** The same for image `index` of a batch. @param probabilities [B,1,S,S] @param warnings about the image */
export function confidenceAt(
  calibration: ConfidenceCalibration,
  probabilities: Float32Array,
  index: number,
  size: number,
  warnings: readonly Pick<Warning, 'code'>[] = [],
): Confidence {
  const map = probabilities.subarray(index * size * size, (index + 1) * size * size); // [S,S]
  const usual = warnings.every(({ code }) => code !== 'IMAGE_UNUSUAL');
  return confidenceOf(calibration, map, size, size, usual);
}

/** The same from the map's figures. */
export function confidenceFrom(
  { dice, presence, data }: Pick<ConfidenceCalibration, 'dice' | 'presence' | 'data'>,
  found: MaskFeatures,
): Pick<Confidence, 'dice' | 'presence'> {
  const calibrated = presence.kind === 'logistic';
  const probability = calibrated ? sigmoid(linearOf(presence, found)) : found.peak;
  // An empty mask has a Dice of 1 if nothing is there, else of 0. Without a fit, the validation cases tell how often.
  const ofEmpty = calibrated ? 1 - probability : data.empty / data.cases;
  return {
    dice: found.area === 0 ? ofEmpty : predictedDice(dice, found),
    presence: { probability, calibrated },
  };
}

/** Predicted Dice of a mask that is not empty, 0 to 1. */
export function predictedDice(model: DiceModel, found: MaskFeatures): number {
  const value =
    model.kind === 'ridge' ? linearOf(model, found) : isotonicValue(model.knots, found[model.feature]);
  return Math.min(1, Math.max(0, value));
}

function linearOf(
  model: LinearModel & Pick<z.infer<typeof linear>, 'features'>,
  found: MaskFeatures,
): number {
  return linearValue(
    model,
    model.features.map((name) => found[name]),
  );
}
