/**
 * Conditions on attention: paper section 3.4, eq. 6 and 8; docs/method.md 7.
 *
 * The paper multiplies the attention by a probability P over the keys and normalises again:
 *     A = softmax(q k^T / sqrt(D));  A = A * (P + 1e-10);  A = A / sum(A).
 * That is softmax(q k^T / sqrt(D) + ln(P + 1e-10)), an additive mask without 0/0. Causality is another such mask.
 *
 * B batch, M queries, N keys.
 */
import type { Tensor } from '@reclmis/torch';

/** Upstream's: keys of probability 0 keep a trace of weight. */
const EPSILON = 1e-10;

/** For all heads and queries. @param probability P, [B,N], over keys. @returns ln(P + 1e-10), [B,1,1,N] */
export function conditionMask(probability: Tensor): Tensor {
  const [B, N] = probability.shape2();
  return probability.add(EPSILON).log().view([B, 1, 1, N]);
}

/** @returns the sum, [B,1,M,N], or null if both are absent */
export function attentionMask(
  condition: Tensor | null,
  causal: Tensor | null,
  shape: { readonly batch: number; readonly queries: number; readonly keys: number },
): Tensor | null {
  const sum = condition && causal ? condition.add(causal) : (condition ?? causal);
  return sum && sum.expand([shape.batch, 1, shape.queries, shape.keys]);
}
