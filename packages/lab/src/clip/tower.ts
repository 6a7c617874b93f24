/**
 * CLIP's text tower (Radford et al. 2021): docs/method.md 1. Frozen. The paper's is ViT-B/32's; ViT-B/16's
 * and ViT-L/14's differ in weights and width.
 *
 * Token plus position embeddings, 12 pre-norm residual blocks under a causal and a padding mask, a last
 * LayerNorm, and the text projection of every token. Keys are CLIP's, without the `clip.` of the authors'
 * checkpoints; `logit_scale` belongs to the model.
 *
 * B notes, T tokens, W width, P width of the projected features (W in CLIP's ViT models).
 */
import { ReclmisError } from '@reclmis/core';
import { nn, noGrad, randn, scope, Tensor } from '@reclmis/torch';

/** The largest token of CLIP's vocabulary. */
export const CLIP_END_TOKEN = 49407;

export interface ClipTextOptions {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** The longest note. */
  readonly positions: number;
  /** P. */
  readonly projection: number;
}

/** The tower of ViT-B/32 and ViT-B/16. */
export const CLIP_VIT_B_32: ClipTextOptions = {
  vocabulary: 49408,
  width: 512,
  layers: 12,
  heads: 8,
  positions: 77,
  projection: 512,
};

/** Equal in every CLIP model. */
export const CLIP_HEAD_WIDTH = 64;

/** Scalars of a tower, without `logit_scale`. */
export function towerParameters({
  vocabulary,
  width,
  layers,
  positions,
  projection,
}: ClipTextOptions): number {
  const norm = 2 * width;
  const attention = 4 * (width * width + width);
  const mlp = 2 * 4 * width * width + 4 * width + width;
  return (vocabulary + positions) * width + layers * (attention + mlp + 2 * norm) + norm + width * projection;
}

/** x * sigmoid(1.702 x), CLIP's approximation of GELU. */
function quickGelu(x: Tensor): Tensor {
  const gate = x.mul(1.702);
  return x.requiresGrad ? gate.sigmoid().mul(x) : gate.sigmoid_().mul_(x); // the backward pass reads the gate
}

/** W -> 4W -> W; keys `c_fc`, `c_proj`. */
class ClipMLP extends nn.Module {
  private readonly inner: nn.Linear;
  private readonly outer: nn.Linear;

  constructor(width: number) {
    super();
    this.inner = this.child('c_fc', new nn.Linear(width, 4 * width));
    this.outer = this.child('c_proj', new nn.Linear(4 * width, width));
  }

  forward(x: Tensor): Tensor {
    return this.outer.forward(quickGelu(this.inner.forward(x)));
  }
}

/** Pre-norm: x + attn(ln_1(x)), then x + mlp(ln_2(x)). [B,T,W] -> [B,T,W]. */
export class ClipBlock extends nn.Module {
  private readonly attn: nn.MultiheadAttention;
  private readonly ln1: nn.LayerNorm;
  private readonly mlp: ClipMLP;
  private readonly ln2: nn.LayerNorm;

  constructor(width: number, heads: number) {
    super();
    this.attn = this.child('attn', new nn.MultiheadAttention(width, heads));
    this.ln1 = this.child('ln_1', new nn.LayerNorm(width));
    this.mlp = this.child('mlp', new ClipMLP(width));
    this.ln2 = this.child('ln_2', new nn.LayerNorm(width));
  }

  /** @param mask added to the attention's scores */
  forward(x: Tensor, mask: Tensor | null): Tensor {
    const y = this.ln1.forward(x);
    const attended = x.add(this.attn.forward(y, y, y, { mask }));
    return attended.add(this.mlp.forward(this.ln2.forward(attended)));
  }
}

export class ClipTextTower extends nn.Module {
  private readonly tokenEmbedding: nn.Embedding;
  private readonly positionalEmbedding: Tensor;
  private readonly blocks: readonly ClipBlock[];
  private readonly lnFinal: nn.LayerNorm;
  private readonly textProjection: Tensor;

  /** Random weights, for `loadStateDict` to replace. */
  constructor(readonly options: ClipTextOptions = CLIP_VIT_B_32) {
    super();
    const { vocabulary, width, layers, heads, positions, projection } = options;
    this.tokenEmbedding = this.child('token_embedding', new nn.Embedding(vocabulary, width));
    this.positionalEmbedding = this.parameter(
      'positional_embedding',
      scope(() => randn([positions, width]).mul(0.01)),
    );
    this.blocks = this.children(
      'transformer.resblocks',
      Array.from({ length: layers }, () => new ClipBlock(width, heads)),
    );
    this.lnFinal = this.child('ln_final', new nn.LayerNorm(width));
    this.textProjection = this.parameter(
      'text_projection',
      scope(() => randn([width, projection]).mul(width ** -0.5)),
    );
    this.requiresGrad(false);
    this.eval();
  }

  /**
   * @param tokens B rows of equal length T: start, words, end, then padding of 0
   * @returns features [B,T,P] in float32; `valid` up to and including the end token @throws TENSOR_SHAPE for
   * unequal rows, too many tokens, unknown ids or a row without end token
   */
  encodeTokens(tokens: readonly (readonly number[])[], device = 'cpu'): { features: Tensor; valid: Tensor } {
    const { vocabulary, positions } = this.options;
    const B = tokens.length;
    const T = tokens[0]?.length ?? 0;
    const valid = new Uint8Array(B * T);
    tokens.forEach((row, b) => {
      const length = row.indexOf(CLIP_END_TOKEN < vocabulary ? CLIP_END_TOKEN : vocabulary - 1) + 1;
      const wrong = row.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabulary);
      if (row.length !== T || T > positions || length === 0 || wrong !== undefined) {
        throw new ReclmisError(
          'TENSOR_SHAPE',
          `note ${b}: expected ${Math.min(T, positions)} token ids below ${vocabulary} with an end token, got [${row.join(', ')}]`,
        );
      }
      valid.fill(1, b * T, b * T + length);
    });
    return noGrad(() =>
      scope(() => {
        const ids = Tensor.fromInt64(tokens.flat(), [B, T]).to({ device });
        const mask = Tensor.fromUint8(valid, [B, T], { dtype: 'bool', device });
        return { features: this.forward(ids, mask).to({ dtype: 'float32' }), valid: mask };
      }),
    );
  }

  /** @param ids int64 [B,T]. @param valid bool [B,T]. @returns F_clip, [B,T,P], in the weights' dtype. */
  forward(ids: Tensor, valid: Tensor): Tensor {
    const [B, T] = ids.shape2();
    let x = this.tokenEmbedding.forward(ids).add(this.positionalEmbedding.narrow(0, 0, T)); // [B,T,W]
    const mask = nn
      .causalMask(T, x) // [1,1,T,T]
      .expand([B, 1, T, T])
      .maskedFill(valid.logicalNot().view([B, 1, 1, T]), Number.NEGATIVE_INFINITY);
    for (const block of this.blocks) x = block.forward(x, mask);
    return this.lnFinal.forward(x).matmul(this.textProjection);
  }
}
