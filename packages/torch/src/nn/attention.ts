/**
 * Multi-head attention (Vaswani et al. 2017) with the parameters, keys and initialisation of
 * `nn.MultiheadAttention(batch_first=True)`. Inputs that are the same handle share one matrix product.
 *
 * Legend: B batch, T queries, S keys, C channels, H heads, D = C / H.
 */
import { ReclmisError } from '@reclmis/core';
import { attend, takesAttention } from '../attention.js';
import { dropout } from '../dropout.js';
import { full } from '../generated/functions.js';
import { scope } from '../scope.js';
import type { Tensor } from '../tensor.js';
import { checkDropout } from './dropout.js';
import { checkSize, xavierUniform, zeros } from './init.js';
import { Linear, RowProducts } from './linear.js';
import { Module } from './module.js';

export interface MultiheadAttentionOptions {
  /** Dropout of attention weights in training, default 0. */
  readonly dropout?: number;
}

export interface AttentionOptions {
  /** Added to the scores: [T, S], [B, 1, T, S] or [B, H, T, S], minus infinity where barred. */
  readonly mask?: Tensor | null;
  /** bool [B, S], true at padded keys, which get no attention. Each row needs a valid key. */
  readonly keyPadding?: Tensor | null;
}

/** Hides later keys from each query: minus infinity above the diagonal. @returns [1, 1, length, length] */
export function causalMask(length: number, like: Tensor): Tensor {
  const { device, dtype } = like;
  return full([length, length], Number.NEGATIVE_INFINITY, { device, dtype })
    .triu(1)
    .view([1, 1, length, length]);
}

export class MultiheadAttention extends Module {
  /** Rows of query, key and value, [3 C, C]. */
  readonly inProjWeight: Tensor;
  /** Their biases, [3 C]. */
  readonly inProjBias: Tensor;
  readonly outProj: Linear;
  readonly #width: number;
  readonly #headCount: number;
  readonly #dropout: number;
  /** By the first of query, key and value. */
  readonly #products = [1, 2, 3].map(() => this.keeps(new RowProducts()));

  constructor(width: number, heads: number, { dropout = 0 }: MultiheadAttentionOptions = {}) {
    super();
    checkSize('MultiheadAttention', 'width', width);
    checkSize('MultiheadAttention', 'heads', heads);
    checkDropout('MultiheadAttention', dropout);
    if (width % heads !== 0) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `MultiheadAttention: heads must divide the width, got ${heads} heads for width ${width}`,
      );
    }
    this.#width = width;
    this.#headCount = heads;
    this.#dropout = dropout;
    this.outProj = this.child('out_proj', new Linear(width, width)); // first, as in PyTorch
    this.inProjWeight = this.parameter('in_proj_weight', xavierUniform([3 * width, width]));
    this.inProjBias = this.parameter('in_proj_bias', zeros([3 * width]));
    scope(() => void this.outProj.bias?.detach().zero_()); // as in PyTorch
  }

  /** query [B, T, C], key and value [B, S, C] -> [B, T, C]. */
  forward(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
    return scope(() => {
      const inputs = this.#project(query, key, value);
      const whole = inputs.parts.every(({ x, count }) => takesAttention(x, count * this.#headCount));
      const gathered =
        whole && this.#dropout < 1
          ? this.#gatherAtOnce(inputs, options)
          : this.#gather(inputs, options).gathered;
      return this.outProj.forward(gathered);
    });
  }

  /** Like `forward`, with the attention weights [B, H, T, S] before dropout (rows sum to 1). */
  forwardWithWeights(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    options: AttentionOptions = {},
  ): { output: Tensor; weights: Tensor } {
    return scope(() => {
      const inputs = this.#project(query, key, value);
      const { gathered, weights } = this.#gather(inputs, options);
      return { output: this.outProj.forward(gathered), weights: weights.view(inputs.shape) };
    });
  }

  /** The heads' weighted values, [B, T, C], by one operator. */
  #gatherAtOnce({ parts, shape }: Projected, { mask = null, keyPadding = null }: AttentionOptions): Tensor {
    const C = this.#width;
    const [q, k, v] = parts.flatMap(({ x, count }) =>
      count === 1 ? [x] : x.splitWithSizes(Array<number>(count).fill(C), -1),
    ) as [Tensor, Tensor, Tensor]; // counts add up to three
    return attend(q, k, v, this.#headCount, {
      bias: scoreBias(mask, keyPadding, shape, q),
      dropout: this.training ? this.#dropout : 0,
    });
  }

  /** The same by libtorch's operators: [B, T, C], with the weights [B*H, T, S]. */
  #gather(
    { parts, shape }: Projected,
    { mask = null, keyPadding = null }: AttentionOptions,
  ): { gathered: Tensor; weights: Tensor } {
    const [B, H, T, S] = shape;
    const D = this.#width / H;
    const heads = parts.flatMap(({ x, count }) => this.#heads(x, count));
    const [q, k, v] = heads as [Tensor, Tensor, Tensor]; // [B*H, T, D], [B*H, S, D], [B*H, S, D]
    const scale = 1 / Math.sqrt(D);
    const bias = scoreBias(mask, keyPadding, shape, q)?.reshape([B * H, T, S]);
    const keys = k.transpose(1, 2); // [B*H, D, S]
    const scores = bias
      ? bias.baddbmm(q, keys, { beta: 1, alpha: scale }) // [B*H, T, S]
      : q.mul(scale).bmm(keys); // [B*H, T, S]
    const weights = scores.softmax(-1);
    const kept = this.training && this.#dropout > 0 ? dropout(weights, this.#dropout, true) : weights;
    const gathered = kept
      .bmm(v) // [B*H, T, D]
      .view([B, H, T, D])
      .transpose(1, 2) // [B, T, H, D]
      .reshape([B, T, this.#width]);
    return { gathered, weights };
  }

  /** One matrix product for each distinct input. @throws TENSOR_SHAPE */
  #project(query: Tensor, key: Tensor, value: Tensor): Projected {
    const [B, T, C] = query.shape3();
    const [keyB, S, keyC] = key.shape3();
    const [valueB, valueS, valueC] = value.shape3();
    const agree = keyB === B && valueB === B && valueS === S;
    if (!agree || [C, keyC, valueC].some((width) => width !== this.#width)) {
      throw new ReclmisError(
        'TENSOR_SHAPE',
        `MultiheadAttention: expected [B, T, ${this.#width}] and twice [B, S, ${this.#width}], got ` +
          [query, key, value].map((x) => `[${x.shape.join(', ')}]`).join(', '),
      );
    }
    const one = query === key && key === value;
    const inputs = one ? [query] : key === value ? [query, key] : [query, key, value];
    const counts = one ? [3] : key === value ? [1, 2] : [1, 1, 1];
    const rows = counts.map((count) => count * this.#width);
    const weights = one ? [this.inProjWeight] : this.inProjWeight.splitWithSizes(rows); // each [count C, C]
    const biases = one ? [this.inProjBias] : this.inProjBias.splitWithSizes(rows); // each [count C]
    const parts = inputs.map((x, i) => ({
      x: (this.#products[i] as RowProducts).of(
        x,
        weights[i] as Tensor,
        biases[i] as Tensor,
        !this.training,
        {},
        i,
      ),
      count: counts[i] as number,
    }));
    return { parts, shape: [B, this.#headCount, T, S] };
  }

  /** Cuts [B, L, count C] into `count` tensors, [B*H, L, D] each, by one copy. */
  #heads(x: Tensor, count: number): Tensor[] {
    const [B, L] = x.shape3();
    const H = this.#headCount;
    const D = this.#width / H;
    return x
      .view([B, L, count, H, D])
      .permute([2, 0, 3, 1, 4]) // [count, B, H, L, D]
      .reshape([count, B * H, L, D])
      .unbind(0); // count times [B*H, L, D]
  }
}

interface Projected {
  /** [B, L, count C] each; the counts add up to three. */
  readonly parts: readonly { readonly x: Tensor; readonly count: number }[];
  /** The scores', [B, H, T, S]. */
  readonly shape: readonly [B: number, H: number, T: number, S: number];
}

/** Mask and padding together, expanded to [B, H, T, S] in q's dtype, or null. */
function scoreBias(
  mask: Tensor | null,
  keyPadding: Tensor | null,
  shape: Projected['shape'],
  q: Tensor,
): Tensor | null {
  if (!mask && !keyPadding) return null;
  const [B, , , S] = shape;
  const padding = keyPadding
    ? zeros([B, 1, 1, S], { dtype: q.dtype, device: q.device }).maskedFill(
        keyPadding.view([B, 1, 1, S]),
        -Infinity,
      )
    : null; // [B, 1, 1, S]
  const sum = mask && padding ? mask.add(padding) : (mask ?? padding);
  return sum?.expand(shape) ?? null;
}
