/**
 * Fits a calibration (`confidence.ts`) on validation cases. Which form fits best, an isotonic curve of one
 * figure or a ridge regression on all, is decided by cross-validation by patient, on these cases alone.
 */
import { ReclmisError } from '../errors.js';
import { rankCorrelation } from '../metrics/ranks.js';
import { Random } from '../random.js';
import {
  CONFIDENCE_VERSION,
  type ConfidenceCalibration,
  confidenceFrom,
  type DiceModel,
  type PresenceModel,
} from './confidence.js';
import { fitIsotonic } from './isotonic.js';
import { fitLogistic, fitRidge, type LinearModel } from './linear.js';
import { MASK_FEATURES, type MaskFeatures } from './mask-features.js';

/** A validation case. */
export interface JudgedMask {
  readonly features: MaskFeatures;
  /** The mask’s, 0 to 1. */
  readonly dice: number;
  /** Whether the true mask is empty. */
  readonly empty: boolean;
  /** The patient. */
  readonly group: string;
}

/** Fewer masks tell too little. */
export const LEAST_JUDGED = 20;
/** To fit presence: so many cases with an empty true mask, and as many without. */
export const LEAST_EMPTY = 10;
const FOLDS = 5;
/** For 100 cases: a penalty of 1 weighs as much as one case. */
const PENALTIES = [0.3, 3, 30] as const;
const PRESENCE_PENALTY = 1;
const PRESENCE_FEATURES = ['peak', 'area', 'expectedDice'] as const;
const DIGITS = 6;

type Fitted = Pick<ConfidenceCalibration, 'dice' | 'presence' | 'data'>;
type Fitter = (masks: readonly JudgedMask[]) => DiceModel;

const FITTERS: readonly Fitter[] = [
  (masks) => ({
    kind: 'isotonic',
    feature: 'expectedDice',
    knots: fitIsotonic(
      masks.map(({ features }) => features.expectedDice),
      masks.map(({ dice }) => dice),
    ),
  }),
  ...PENALTIES.map((penalty): Fitter => (masks) => ({
    kind: 'ridge',
    features: MASK_FEATURES,
    ...shortened(
      fitRidge(
        masks.map(({ features }) => MASK_FEATURES.map((name) => features[name])),
        masks.map(({ dice }) => dice),
        (penalty * masks.length) / 100,
      ),
    ),
  })),
];

/**
 * @param data of the cases. @param threshold of the masks
 * @throws CONFIDENCE_CASES for fewer than 20 masks that are not empty, or than 5 patients
 */
export function fitConfidence(
  cases: readonly JudgedMask[],
  data: { readonly name: string; readonly fingerprint: string },
  threshold = 0.5,
): ConfidenceCalibration {
  const drawn = cases.filter(({ features }) => features.area > 0);
  const groups = [...new Set(cases.map(({ group }) => group))];
  if (drawn.length < LEAST_JUDGED || groups.length < FOLDS)
    throw new ReclmisError(
      'CONFIDENCE_CASES',
      `${data.name}: expected at least ${LEAST_JUDGED} validation cases with a predicted mask, of at least ${FOLDS} patients, ` +
        `got ${drawn.length} of ${groups.length}`,
    );
  const folds = foldsOf(groups);
  const judged = FITTERS.map((fitter) => {
    const predicted = crossValidated(cases, folds, fitter);
    const squared = cases.reduce((sum, { dice }, i) => sum + (predicted[i]! - dice) ** 2, 0);
    return { fitter, predicted, squared };
  });
  const best = judged.reduce((a, b) => (b.squared < a.squared ? b : a));
  const dices = cases.map(({ dice }) => dice);
  const rank = rankCorrelation(best.predicted, dices);
  return {
    version: CONFIDENCE_VERSION,
    data: { ...data, cases: cases.length, patients: groups.length, empty: emptyAmong(cases) },
    threshold,
    dice: best.fitter(drawn),
    presence: fitPresence(cases),
    validation: {
      error: short(
        dices.reduce((sum, dice, i) => sum + Math.abs(best.predicted[i]! - dice), 0) / cases.length,
      ),
      rank: Number.isNaN(rank) ? null : short(rank),
    },
  };
}

/** Predictions for each case by a fit on the other folds. */
function crossValidated(
  cases: readonly JudgedMask[],
  folds: ReadonlyMap<string, number>,
  fitter: Fitter,
): Float64Array {
  const predicted = new Float64Array(cases.length);
  for (let fold = 0; fold < FOLDS; fold++) {
    const others = cases.filter(({ group }) => folds.get(group) !== fold);
    const drawn = others.filter(({ features }) => features.area > 0);
    if (drawn.length === 0) continue; // all in one fold: predicted as 0
    const fitted: Fitted = {
      dice: fitter(drawn),
      presence: fitPresence(others),
      data: { name: '', fingerprint: '', cases: others.length, patients: 1, empty: emptyAmong(others) },
    };
    cases.forEach(({ group, features }, i) => {
      if (folds.get(group) === fold) predicted[i] = confidenceFrom(fitted, features).dice;
    });
  }
  return predicted;
}

/** The same folds for the same patients in the same order. */
function foldsOf(groups: readonly string[]): Map<string, number> {
  const order = Random.from('confidence').shuffle([...groups]);
  return new Map(order.map((group, i) => [group, i % FOLDS]));
}

function fitPresence(cases: readonly JudgedMask[]): PresenceModel {
  const empty = emptyAmong(cases);
  if (empty < LEAST_EMPTY || cases.length - empty < LEAST_EMPTY) return { kind: 'rule' };
  const fitted = fitLogistic(
    cases.map(({ features }) => PRESENCE_FEATURES.map((name) => features[name])),
    cases.map((one) => (one.empty ? 0 : 1)),
    PRESENCE_PENALTY,
  );
  return { kind: 'logistic', features: PRESENCE_FEATURES, ...shortened(fitted) };
}

const emptyAmong = (cases: readonly JudgedMask[]): number => cases.filter(({ empty }) => empty).length;

const short = (value: number): number => Number(value.toPrecision(DIGITS));

function shortened({ mean, deviation, weights, intercept }: LinearModel): LinearModel {
  return {
    mean: mean.map(short),
    deviation: deviation.map(short),
    weights: weights.map(short),
    intercept: short(intercept),
  };
}
