/** Attention within the windows of a map of tokens, with its gradient (`native/window_attention.cc`). */
import { idOrNull, invoke, operator } from './invoke.js';
import { Tensor } from './tensor.js';

const WINDOW_ATTENTION = operator('reclmis::window_attention', '');

export interface WindowAttendOptions {
  /** H and W of the map. */
  readonly sides: readonly [height: number, width: number];
  /** M, the side of a window. The map is padded below and to the right to a multiple of it. */
  readonly window: number;
  /** Rows and columns by which the padded map is rolled backwards, from 0 to below M. */
  readonly shift: number;
  readonly heads: number;
  /**
   * Biases by pair of places and head, [(2M-1)^2, heads]: row (row_a - row_b + M - 1)(2M - 1) + (column_a -
   * column_b + M - 1).
   */
  readonly table: Tensor;
  /** Query, key and value of padded tokens, [3C]; null if no side is padded. */
  readonly outside: Tensor | null;
  /** Added to scores of tokens that only the roll brought into one window. */
  readonly barred: number;
}

/**
 * softmax(q k' / sqrt(D) + bias) v for each head of D = C / heads neighbouring channels, within windows of M x M tokens (Liu et al. 2021, section 3). Tokens
 * keep their order; `takesAttention(x, heads)` says where it runs. The bits do not depend on the number of threads.
 * @param qkv [B,H*W,3C], float32. @returns [B,H*W,C]. @throws OPERATOR_FAILED for other shapes and dtypes.
 */
export function attendWindows(
  qkv: Tensor,
  { sides: [height, width], window, shift, heads, table, outside, barred }: WindowAttendOptions,
): Tensor {
  const values = [qkv.id, idOrNull(outside), table.id, height, width, window, shift, heads, barred];
  return Tensor.adopt(invoke(WINDOW_ATTENTION, values) as number);
}
