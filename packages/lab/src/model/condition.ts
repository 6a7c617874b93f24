/**
 * Conditions on attention: paper section 3.4, eq. 6 and 8; docs/method.md 7.
 *
 * The paper multiplies the attention by a probability P over the keys and normalises again:
 *     A = softmax(q k^T / sqrt(D));  A = A * (P + 1e-10);  A = A / sum(A).
 * That is softmax(q k^T / sqrt(D) + ln(P + 1e-10)), so a condition is an additive mask of the ordinary attention layer: no
 * intermediate, and no 0/0 where P and A meet on no key. Causality is another such mask.
 *
 * B batch, M queries, N keys.
 */
import type { Tensor } from '@reclmis/torch';

/** Added to P, as upstream does, so that keys of probability 0 keep a trace of weight. */
const EPSILON = 1e-10;

/**
 * The additive form of a condition, ln(P + 1e-10), the same for every head and query.
 * @param probability P, [B,N], over the keys.
 * @returns [B,1,1,N].
 */
export function conditionMask(probability: Tensor): Tensor {
  const [B, N] = probability.shape2();
  return probability.add(EPSILON).log().view([B, 1, 1, N]);
}

/** Sum of the masks that are there, as attention takes it. @returns [B,1,M,N], or null where both are absent. */
export function attentionMask(
  condition: Tensor | null,
  causal: Tensor | null,
  shape: { readonly batch: number; readonly queries: number; readonly keys: number },
): Tensor | null {
  const sum = condition && causal ? condition.add(causal) : (condition ?? causal);
  return sum && sum.expand([shape.batch, 1, shape.queries, shape.keys]);
}
