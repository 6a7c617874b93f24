/**
 * The pre-norm block of a vision transformer (Dosovitskiy et al. 2021): x + attention(norm(x)), then x +
 * mlp(norm(x)). Systems of Table 1 differ in keys, and have one or three projections.
 *
 * B batch, L tokens, C width, H heads, D = C / H.
 */
import { attend, dropout, nn, takesAttention, type Tensor } from '@reclmis/torch';

/** Relative to the block. */
export interface ViTKeys {
  readonly attentionNorm: string;
  readonly attention: string;
  /** Below `attention`: one layer to [.., 3C], rows of query, key and value; or three. */
  readonly projections: readonly [qkv: string] | readonly [query: string, key: string, value: string];
  /** Below `attention`. */
  readonly out: string;
  readonly mlpNorm: string;
  readonly fc1: string;
  readonly fc2: string;
}

/** Google's ViT in TransUNet. */
export const SPLIT_KEYS: ViTKeys = {
  attentionNorm: 'attention_norm',
  attention: 'attn',
  projections: ['query', 'key', 'value'],
  out: 'out',
  mlpNorm: 'ffn_norm',
  fc1: 'ffn.fc1',
  fc2: 'ffn.fc2',
};

/** timm's ViT. */
export const FUSED_KEYS: ViTKeys = {
  attentionNorm: 'norm1',
  attention: 'attn',
  projections: ['qkv'],
  out: 'proj',
  mlpNorm: 'norm2',
  fc1: 'mlp.fc1',
  fc2: 'mlp.fc2',
};

export interface ViTBlockOptions {
  /** C. */
  readonly width: number;
  /** H, a divisor of C. */
  readonly heads: number;
  /** Inside the MLP. */
  readonly hidden: number;
  readonly keys: ViTKeys;
  /** In both norms. */
  readonly eps: number;
  /** Inside the MLP; default the exact GELU. */
  readonly activation?: (x: Tensor) => Tensor;
  /** After the attention's last layer, the activation, and the MLP's last layer. */
  readonly dropout: { readonly attention: number; readonly hidden: number; readonly output: number };
}

/** Multi-head self-attention. [B,L,C] -> [B,L,C]. */
export class SelfAttention extends nn.Module {
  private readonly projections: readonly nn.Linear[];
  private readonly out: nn.Linear;

  constructor(private readonly options: Pick<ViTBlockOptions, 'width' | 'heads' | 'keys'>) {
    super();
    const { width, keys } = options;
    const rows = (3 / keys.projections.length) * width;
    this.projections = keys.projections.map((key) => this.child(key, new nn.Linear(width, rows)));
    this.out = this.child(keys.out, new nn.Linear(width, width));
  }

  /**
   * @param x [B,L,C]
   * @param bias added to the scores, expands to [B,H,L,L], minus infinity where barred
   */
  forward(x: Tensor, bias: Tensor | null = null): Tensor {
    const [q, k, v] = this.project(x);
    return this.out.forward(multiHead(q, k, v, this.options.heads, bias));
  }

  /** [B,H,L,L]; each row sums to 1. */
  weights(x: Tensor, bias: Tensor | null = null): Tensor {
    const [B, L] = x.shape3();
    const { heads } = this.options;
    const [q, k] = this.project(x);
    return attentionWeights(q, k, heads, bias).view([B, heads, L, L]);
  }

  /** Query, key and value, [B,L,C] each. */
  private project(x: Tensor): [Tensor, Tensor, Tensor] {
    const { width } = this.options;
    const projected = this.projections.map((layer) => layer.forward(x));
    const [qkv] = projected;
    const parts = projected.length === 1 && qkv ? qkv.splitWithSizes([width, width, width], -1) : projected;
    return parts as [Tensor, Tensor, Tensor];
  }
}

/** [B,L,C] -> [B,L,C]. */
export class ViTBlock extends nn.Module {
  private readonly attentionNorm: nn.LayerNorm;
  private readonly attention: SelfAttention;
  private readonly mlpNorm: nn.LayerNorm;
  /** For initial weights. */
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;

  constructor(private readonly options: ViTBlockOptions) {
    super();
    const { width, hidden, keys, eps } = options;
    this.attentionNorm = this.child(keys.attentionNorm, new nn.LayerNorm(width, { eps }));
    this.attention = this.child(keys.attention, new SelfAttention(options));
    this.mlpNorm = this.child(keys.mlpNorm, new nn.LayerNorm(width, { eps }));
    this.fc1 = this.child(keys.fc1, new nn.Linear(width, hidden));
    this.fc2 = this.child(keys.fc2, new nn.Linear(hidden, width));
  }

  /** @param tokens [B,L,C]. @param bias as in `SelfAttention` */
  forward(tokens: Tensor, bias: Tensor | null = null): Tensor {
    const { activation = nn.gelu, dropout: rates } = this.options;
    const attended = this.attention.forward(this.attentionNorm.forward(tokens), bias);
    const x = tokens.add(this.drop(attended, rates.attention));
    const inner = this.drop(activation(this.fc1.forward(this.mlpNorm.forward(x))), rates.hidden); // [B,L,hidden]
    return x.add(this.drop(this.fc2.forward(inner), rates.output));
  }

  private drop(x: Tensor, rate: number): Tensor {
    return this.training && rate > 0 ? dropout(x, rate, true) : x;
  }
}

/**
 * softmax(q k' / sqrt(D) + bias) v of each head, D neighbouring channels (Vaswani et al. 2017), by one
 * operator if possible.
 * @param q [B,L,C]. @param k [B,S,C]. @param v [B,S,C]. @param bias expands to [B,H,L,S]. @returns [B,L,C]
 */
export function multiHead(q: Tensor, k: Tensor, v: Tensor, heads: number, bias: Tensor | null): Tensor {
  const [B, L, C] = q.shape3();
  if ([q, k, v].every((x) => takesAttention(x, heads))) {
    const whole = bias?.expand([B, heads, L, k.size(1)]) ?? null;
    return attend(q, k, v, heads, { bias: whole, dropout: 0 });
  }
  return attentionWeights(q, k, heads, bias)
    .bmm(splitHeads(v, heads)) // [B*H,L,D]
    .view([B, heads, L, C / heads])
    .transpose(1, 2)
    .reshape([B, L, C]);
}

/** softmax(q k' / sqrt(D) + bias), [B*H,L,S]. */
function attentionWeights(q: Tensor, k: Tensor, heads: number, bias: Tensor | null): Tensor {
  const [B, L, C] = q.shape3();
  const [, S] = k.shape3();
  const scores = splitHeads(q, heads)
    .mul((C / heads) ** -0.5)
    .bmm(splitHeads(k, heads).transpose(1, 2)); // [B*H,L,S]
  const added = bias ? scores.add(bias.expand([B, heads, L, S]).reshape([B * heads, L, S])) : scores;
  return added.softmax(-1);
}

/** [B,L,C] -> [B*H,L,D]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const [B, L, C] = x.shape3();
  const D = C / heads;
  return x
    .reshape([B, L, heads, D])
    .transpose(1, 2)
    .reshape([B * heads, L, D]);
}
