/**
 * Counts the floating-point operations of matrix products and convolutions; a multiply-add is two. The rest
 * is bound by memory and below 1 % of a U-Net's arithmetic.
 *
 * Backward costs one product of the forward's size for each operand that requires a gradient at the call.
 */
import { listen, type Operator } from './invoke.js';
import { native } from './native.js';

export interface Flops {
  /** FLOPs of the calls. */
  readonly forward: number;
  /** FLOPs of a backward pass through all calls. */
  readonly backward: number;
  /** Number of counted calls. */
  readonly products: number;
  readonly kinds: FlopsByKind;
}

/** FLOPs forward and backward, by kind. */
export interface FlopsByKind {
  readonly convolution: number;
  readonly matrixProduct: number;
}

/** `operands`: positions among the arguments. */
interface Rule {
  readonly kind: keyof FlopsByKind;
  readonly operands: readonly [number, number];
  readonly count: (a: Shape, b: Shape, result: Shape, values: readonly unknown[]) => number;
}

type Shape = readonly number[];

const size = (shape: Shape): number => shape.reduce((product, length) => product * length, 1);

/** [.., M, K] x [.., K, N]: each element of the result sums K products. */
const product = (first: number): Rule => ({
  kind: 'matrixProduct',
  operands: [first, first + 1],
  count: (a, _, result) => 2 * size(result) * (a.at(-1) ?? 1),
});

/** Each element of the result sums over the weight's [Cin / groups, k..]. */
const convolution: Rule = {
  kind: 'convolution',
  operands: [0, 1],
  count: (_, weight, result) => 2 * size(result) * size(weight.slice(1)),
};

/** A packed weight does not tell the kernel's size, which is among the arguments. */
const packedConvolution = (kernel: (values: readonly unknown[]) => readonly number[]): Rule => ({
  ...convolution,
  count: (input, _, result, values) => 2 * size(result) * (input[1] ?? 1) * size(kernel(values)),
});

/** Two 1x1 convolutions of the input with weights [K, C, 1, 1], reduced at once. */
const twoProjections: Rule = {
  ...convolution,
  count: (input, weight) => (2 * 2 * size(input) * size(weight)) / (weight[1] ?? 1),
};

/** Rows [..,C] by a packed weight; value 4 is K. */
const packedLinear: Rule = {
  kind: 'matrixProduct',
  operands: [0, 1],
  count: (input, _, __, values) => 2 * size(input) * Number(values[4]),
};

/** Queries [B,T,C] by keys [B,S,C], and weights by values; a gradient takes two products for each. */
const attention: Rule = {
  kind: 'matrixProduct',
  operands: [0, 1],
  count: (query, key) => 2 * 2 * size(query) * (key[1] ?? 1),
};

/** The same within windows, from [B,H*W,3C]; values 3 to 5 are H, W and the window's side. */
const windowAttention: Rule = {
  kind: 'matrixProduct',
  operands: [0, 0],
  count: (qkv, _, __, values) => {
    const [height, width, side] = values.slice(3, 6).map(Number) as [number, number, number];
    const tokens = side ** 4 * Math.ceil(height / side) * Math.ceil(width / side);
    return (2 * 2 * (qkv[0] ?? 1) * tokens * (qkv[2] ?? 1)) / 3;
  },
};

/** Each element of the input is multiplied by the weight's [Cout / groups, k..]. */
const transposedConvolution: Rule = {
  ...convolution,
  count: (input, weight) => 2 * size(input) * size(weight.slice(1)),
};

/** A product and a sum for each combination of indices. */
const einsum: Rule = {
  kind: 'matrixProduct',
  operands: [0, 1], // positions in the list of tensors
  count: (a, b, _, values) => {
    const terms = String(values[0]).replaceAll(' ', '').split('->')[0]?.split(',') ?? [];
    const lengths = new Map<string, number>();
    [a, b].forEach((shape, i) =>
      [...(terms[i] ?? '')].forEach((index, k) => lengths.set(index, shape[k] ?? 1)),
    );
    return 2 * size([...lengths.values()]);
  },
};

const RULES: Readonly<Record<string, Rule>> = {
  'aten::matmul': product(0),
  'aten::mm': product(0),
  'aten::bmm': product(0),
  'aten::linear': product(0),
  'aten::addmm': product(1),
  'aten::baddbmm': product(1),
  'aten::einsum': einsum,
  'aten::conv1d': convolution,
  'aten::conv2d': convolution,
  'reclmis::conv3x3': convolution, // the definition's products, not Winograd's fewer
  'reclmis::conv3x3_packed': packedConvolution(() => [3, 3]),
  'reclmis::conv2d': convolution,
  'reclmis::conv2d_packed': packedConvolution((values) => values[5] as readonly number[]),
  'reclmis::linear_packed': packedLinear,
  'reclmis::projected_mean_max': twoProjections,
  'reclmis::attention': attention,
  'reclmis::window_attention': windowAttention,
  'aten::conv_transpose2d': transposedConvolution,
  'reclmis::conv_transpose2d': transposedConvolution,
};

/**
 * Counts the products of a synchronous body. An earlier listener still hears the calls.
 * @throws RangeError for einsum of other than two tensors or with an ellipsis.
 */
export function countFlops<T>(body: () => T): { readonly result: T; readonly flops: Flops } {
  let forward = 0;
  let backward = 0;
  let products = 0;
  const kinds = { convolution: 0, matrixProduct: 0 };
  /** Thrown at the end: the operator's caller must first take its handle. */
  const failures: Error[] = [];
  const before = listen((op, values, result) => {
    before?.(op, values, result);
    const rule = RULES[op.name];
    const [first] = [result].flat();
    if (rule === undefined || typeof first !== 'number') return;
    const addon = native();
    const pair = operands(op, rule, values);
    if (pair instanceof Error) {
      failures.push(pair);
      return;
    }
    const [a, b] = pair.map((id) => addon.describe(id));
    if (a === undefined || b === undefined) return;
    const { shape, requiresGrad } = addon.describe(first);
    const once = rule.count(a.shape, b.shape, shape, values);
    const again = requiresGrad ? once * (Number(a.requiresGrad) + Number(b.requiresGrad)) : 0;
    forward += once;
    backward += again;
    kinds[rule.kind] += once + again;
    products += 1;
  });
  try {
    const result = body();
    if (result instanceof Promise)
      throw new TypeError('countFlops() is synchronous; its body returned a promise');
    if (failures[0]) throw failures[0];
    return { result, flops: { forward, backward, products, kinds } };
  } finally {
    listen(before);
  }
}

function operands(
  op: Operator,
  { operands: [a, b] }: Rule,
  values: readonly unknown[],
): number[] | RangeError {
  if (op.name !== 'aten::einsum') return [values[a] as number, values[b] as number];
  const tensors = values[1] as readonly number[];
  if (tensors.length !== 2 || String(values[0]).includes('.')) {
    return new RangeError(
      `einsum ${String(values[0])} of ${tensors.length} tensors is not counted, only two without an ellipsis`,
    );
  }
  return [...tensors];
}
