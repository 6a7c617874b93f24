/**
 * Draws the patches and words to hide, for the whole batch on its device: paper section 3.4, docs/method.md 6.
 * Training only.
 *
 * k = max(floor(ratio * length), 1) of each row's `length` valid items: those of highest key. Ranks are argsort of
 * argsort, so rows with different k need no loop.
 *     topk          key = P
 *     random        key = uniform noise
 *     distribution  key = ln P - ln E, E exponential: an exponential race, equivalent to successive draws without replacement
 *                   with probabilities P (Efraimidis and Spirakis 2006). Items of probability 0 come last, in uniform order.
 *
 * B batch, L items (patches or tokens).
 */
import { noGrad, Tensor, where } from '@reclmis/torch';

export type MaskStrategy = 'distribution' | 'random' | 'topk';

/** Below any ln P - ln E: P is at least 1e-45, E at most 46. */
const ZERO_PROBABILITY_KEY = -1000;

/** rand() may return 0, whose logarithm is infinite. */
const LEAST_NOISE = 1e-20;

export interface MaskDraw {
  /** P, [B,L]; rows sum to 1 over their valid items. */
  readonly probability: Tensor;
  /** bool [B,L]; null: all. */
  readonly valid: Tensor | null;
  /** Valid items, 0 to 1. */
  readonly ratio: number;
  readonly strategy: MaskStrategy;
}

/** Items to draw: at least one, at most all. */
export function maskCount(ratio: number, length: number): number {
  return Math.min(Math.max(Math.floor(ratio * length), 1), length);
}

/** @returns bool [B,L], true for hidden items; no gradient. */
export function drawMask({ probability, valid, ratio, strategy }: MaskDraw): Tensor {
  return noGrad(() => {
    const [B, L] = probability.shape2();
    const keys = drawKeys(probability.detach(), strategy);
    const eligible = valid ? keys.maskedFill(valid.logicalNot(), Number.NEGATIVE_INFINITY) : keys;
    const ranks = eligible.argsort(-1, true).argsort(-1, false); // [B,L], 0 for the highest key
    if (!valid) return ranks.lt(maskCount(ratio, L));
    // k by table: floor(ratio * length) needs double precision.
    const table = Array.from({ length: L + 1 }, (_, length) => maskCount(ratio, length));
    const counts = Tensor.fromInt64(table, [L + 1])
      .to({ device: probability.device })
      .indexSelect(0, valid.sum([1])) // [B]
      .view([B, 1]);
    return ranks.lt(counts);
  });
}

/** @param features [B,L,C]. @param mask bool [B,L], true for hidden items */
export function hide(features: Tensor, mask: Tensor): Tensor {
  return features.maskedFill(mask.unsqueeze(-1), 0);
}

function drawKeys(probability: Tensor, strategy: MaskStrategy): Tensor {
  switch (strategy) {
    case 'topk':
      return probability;
    case 'random':
      return probability.randLike();
    case 'distribution': {
      const noise = probability.randLike().clampMin(LEAST_NOISE); // [B,L], in (0,1)
      const exponential = noise.log().neg();
      const race = probability.log().sub(exponential.log());
      const last = noise.add(1).mul(ZERO_PROBABILITY_KEY); // -1000 to -2000
      return where(probability.gt(0), race, last);
    }
  }
}
