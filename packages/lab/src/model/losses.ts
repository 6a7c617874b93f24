/**
 * The objective: paper eq. 10 and section 4.2, docs/method.md 8.
 *
 * L = 2.5 * (Dice + BCE) + 0.2 * L_CCL + 1 * (L_CVR + L_CLR). A term that is missing or not finite ends the
 * run by name; upstream silently drops it for the rest of a run.
 *
 * B batch, S image side.
 */
import { ReclmisError } from '@reclmis/core';
import { stack, type Tensor } from '@reclmis/torch';
import { boundaryLoss, distilLoss, lovaszLoss } from './mask-losses.js';
import { AUXILIARY_LOSSES, type AuxiliaryLoss, type TrainingSegmentation } from './segmentation-model.js';

/** Prediction and truth may both be empty. */
const SMOOTH = 1e-5;

/** The mask's losses besides Dice and cross-entropy, computed if they have a weight; `distil` if there is a teacher. */
export const FURTHER_LOSSES = ['lovasz', 'boundary', 'distil'] as const;
/** In the order of reports. */
export const LOSS_NAMES = ['dice', 'bce', ...FURTHER_LOSSES, ...AUXILIARY_LOSSES] as const;
export type LossName = (typeof LOSS_NAMES)[number];
export type LossWeights = Readonly<Record<LossName, number>>;

/** Eq. 10 for RecLMIS; other models' losses count fully, as in their authors' code. */
export const PAPER_WEIGHTS: LossWeights = {
  dice: 2.5,
  bce: 2.5,
  lovasz: 0,
  boundary: 0,
  distil: 0,
  ccl: 0.2,
  clr: 1,
  cvr: 1,
  contrastive: 1,
  global: 1,
  local: 1,
  count: 1,
  size: 1,
};

/** Half Dice, half cross-entropy, for the other systems (docs/method.md 11); their own losses count fully. */
export const HALVES: LossWeights = { ...PAPER_WEIGHTS, dice: 0.5, bce: 0.5 };

export interface Objective {
  /** For `backward()`. */
  readonly total: Tensor;
  /** Unweighted terms, and the total. */
  readonly values: Readonly<Partial<Record<LossName, number>> & { total: number }>;
}

/**
 * Mean over images. With p' = p/2 and t' = t/2: 1 - (2 sum p't' + 1e-5) / (sum p'^2 + sum t'^2 + 1e-5).
 * @param probability [B,1,S,S], 0 to 1. @param masks [B,1,S,S], 0 or 1. @returns a scalar, 0 to 1
 */
export function diceLoss(probability: Tensor, masks: Tensor): Tensor {
  const p = probability.flatten(1); // [B,S*S]
  const t = masks.flatten(1);
  // Halving p' and t' quarters the sums.
  const overlap = p.mul(t).sum([1]).mul(0.5).add(SMOOTH); // [B]
  const sizes = p
    .square()
    .sum([1])
    .add(t.square().sum([1]))
    .mul(0.25)
    .add(SMOOTH);
  return overlap.div(sizes).mean().rsub(1);
}

/**
 * Mean over pixels; finite for any finite logit.
 * @param logits [B,1,S,S]. @param masks [B,1,S,S], 0 or 1. @returns a scalar of at least 0
 */
export function bceLoss(logits: Tensor, masks: Tensor): Tensor {
  return logits.binaryCrossEntropyWithLogits(masks);
}

/** @param further those of the mask that are asked for */
export function requiredLosses(
  auxiliary: readonly AuxiliaryLoss[],
  further: readonly LossName[] = [],
): LossName[] {
  return ['dice', 'bce', ...further, ...auxiliary];
}

/** What the teacher says of the same images and notes. */
export interface Taught {
  /** [B,1,S,S]. */
  readonly probability: Tensor;
  readonly temperature: number;
}

/**
 * Eq. 10.
 * @param masks [B,1,S,S], 0 or 1. @param required terms @throws LOSS_MISSING, LOSS_NOT_FINITE naming the
 * terms
 */
export function objective(
  output: TrainingSegmentation,
  masks: Tensor,
  required: readonly LossName[],
  weights: LossWeights = PAPER_WEIGHTS,
  taught: Taught | null = null,
): Objective {
  const { logits, probability, losses } = output;
  const further = {
    ...(weights.lovasz > 0 && { lovasz: lovaszLoss(logits, masks) }),
    ...(weights.boundary > 0 && { boundary: boundaryLoss(probability, masks) }),
    ...(taught && { distil: distilLoss(logits, taught.probability, taught.temperature) }),
  };
  return combine({ ...maskLosses(output, masks), ...further, ...losses }, required, weights);
}

/** The mask's losses; under deep supervision, weighted means over the supervised maps. */
function maskLosses(
  { logits, probability, supervision }: TrainingSegmentation,
  masks: Tensor,
): Record<'dice' | 'bce', Tensor> {
  if (!supervision) return { dice: diceLoss(probability, masks), bce: bceLoss(logits, masks) };
  const terms = supervision.map((map) => {
    const target = masksAt(masks, map.logits);
    return {
      dice: diceLoss(map.logits.sigmoid(), target).mul(map.weight),
      bce: bceLoss(map.logits, target).mul(map.weight),
    };
  });
  return { dice: sum(terms.map(({ dice }) => dice)), bce: sum(terms.map(({ bce }) => bce)) };
}

/** The top left pixel of each cell. @param masks [B,1,S,S]. @param map [B,1,s,s]. @returns [B,1,s,s] */
export function masksAt(masks: Tensor, map: Tensor): Tensor {
  const [, , height, width] = map.shape4();
  const [, , S] = masks.shape4();
  return height === S ? masks : masks.upsampleNearest2d([height, width]);
}

function sum(terms: readonly Tensor[]): Tensor {
  return stack([...terms]).sum();
}

/** One transfer from the device per step. */
export function combine(
  terms: Readonly<Partial<Record<LossName, Tensor>>>,
  required: readonly LossName[],
  weights: LossWeights = PAPER_WEIGHTS,
): Objective {
  const present = LOSS_NAMES.flatMap((name) => (terms[name] ? [{ name, term: terms[name] }] : []));
  const missing = required.filter((name) => !terms[name]);
  if (missing.length > 0 || present.length === 0) {
    const got = present.map(({ name }) => name).join(', ') || 'none';
    throw new ReclmisError('LOSS_MISSING', `expected the losses ${required.join(', ')}, got ${got}`);
  }
  let total: Tensor | null = null;
  for (const { name, term } of present) {
    const weighted = term.mul(weights[name]);
    total = total ? total.add(weighted) : weighted;
  }
  if (!total) throw new ReclmisError('LOSS_MISSING', `expected the losses ${required.join(', ')}, got none`);
  const numbers = stack([...present.map(({ term }) => term.detach()), total.detach()]).toFloat32Array();
  const values: Partial<Record<LossName, number>> & { total: number } = {
    total: numbers[present.length] ?? Number.NaN,
  };
  present.forEach(({ name }, i) => (values[name] = numbers[i] ?? Number.NaN));
  const broken = [...LOSS_NAMES, 'total' as const].filter((name) => {
    const value = values[name];
    return value !== undefined && !Number.isFinite(value);
  });
  if (broken.length > 0) {
    const shown = broken.map((name) => `${name} = ${values[name]}`).join(', ');
    throw new ReclmisError('LOSS_NOT_FINITE', `expected finite losses, got ${shown}`);
  }
  return { total, values };
}
