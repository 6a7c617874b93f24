/**
 * CI, the conditioned interaction, with the patches and words of interest: paper section 3.2, eq. 1 to 3;
 * docs/method.md 3.
 *
 * V = dropout(patch embedding(F_V) + positions); T0 = attention(F_T over V); F'_V = attention(V over T0);
 * F'_T = ReLU(BatchNorm(Conv1d(T0))). POI and WOI are softmaxes of a two-layer MLP over F'_V and F'_T.
 *
 * With self-attention (other rows of Table 4), T0 = attention(F_T over F_T) and F'_V = attention(V over V).
 *
 * B batch, N patches, T tokens, C channels.
 */
import { dropout, float32, linear, nn, Tensor, zeros } from '@reclmis/torch';
import { type AttentionKind, HEADS } from './options.js';

/** Keys `patch_embeddings`, `position_embeddings`. */
class PatchEmbeddings extends nn.Module {
  private readonly patch: nn.Conv2d;
  private readonly position: Tensor;

  constructor(
    private readonly channels: number,
    patches: number,
    private readonly dropoutRate: number,
    positionScale: number,
  ) {
    super();
    this.patch = this.child('patch_embeddings', new nn.Conv2d(channels, channels, 1));
    this.position = this.parameter('position_embeddings', initialPositions(patches, channels, positionScale));
  }

  /** @param patches F_V flattened, [B,N,C]. @returns V, [B,N,C]. */
  forward(patches: Tensor): Tensor {
    // A 1x1 convolution of the map is a linear map of the patches.
    const weight = this.patch.weight.view([this.channels, this.channels]);
    const embedded = linear(patches, weight, this.patch.bias).add(this.positionsOf(patches.size(1)));
    return this.training && this.dropoutRate > 0 ? dropout(embedded, this.dropoutRate, true) : embedded;
  }

  /** Bilinear between the grid's positions, for images of another size (`train.sizes`). @returns [1,N,C] */
  private positionsOf(patches: number): Tensor {
    const [, N, C] = this.position.shape3();
    if (patches === N) return this.position;
    const [own, side] = [Math.sqrt(N), Math.sqrt(patches)];
    const grid = this.position.transpose(1, 2).reshape([1, C, own, own]); // [1,C,h,w]
    return grid.upsampleBilinear2d([side, side], false).flatten(2).transpose(1, 2); // [1,N,C]
  }
}

/**
 * Sinusoids of row and column, half of the channels each (Vaswani et al., in two dimensions), of the given
 * standard deviation. From upstream's zeros, "upper left" means nothing until training has built places.
 * @returns [1,N,C]
 */
function initialPositions(patches: number, channels: number, scale: number): Tensor {
  if (scale === 0) return zeros([1, patches, channels]);
  const side = Math.round(Math.sqrt(patches));
  const half = channels / 2;
  const data = new Float32Array(patches * channels);
  for (let n = 0; n < patches; n++) {
    const places = [Math.floor(n / side), n % side];
    for (let c = 0; c < channels; c++) {
      const place = places[c < half ? 0 : 1] ?? 0;
      const k = c % half;
      // From two patches to four times the grid's side.
      const wavelength = 2 * (2 * side) ** ((k - (k % 2)) / half);
      const angle = (2 * Math.PI * place) / wavelength;
      data[n * channels + c] = scale * Math.SQRT2 * (k % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
    }
  }
  return Tensor.fromFloat32(data, [1, patches, channels]);
}

/** Conv1d of width 3 over tokens, BatchNorm1d, ReLU: keys `CTBN.conv`, `CTBN.norm`. */
class TokenConvBNReLU extends nn.Module {
  private readonly conv: nn.Conv1d;
  private readonly norm: nn.BatchNorm1d;

  constructor(channels: number) {
    super();
    this.conv = this.child('conv', new nn.Conv1d(channels, channels, 3, { padding: 1 }));
    this.norm = this.child('norm', new nn.BatchNorm1d(channels));
  }

  /** [B,T,C] -> [B,T,C]. */
  forward(tokens: Tensor): Tensor {
    const y = this.conv.forward(tokens.transpose(1, 2)); // [B,C,T]
    return this.norm.forwardThen(y, { relu: true }).transpose(1, 2); // [B,T,C]
  }
}

export interface Interaction {
  /** After the interaction, [B,N,C]. */
  readonly image: Tensor;
  /** T0, gathered by tokens, [B,T,C]; `words()` gives F'_T. */
  readonly gathered: Tensor;
}

/** CI; key `interact`. */
export class ConditionedInteraction extends nn.Module {
  private readonly embeddings: PatchEmbeddings;
  private readonly attnText: nn.MultiheadAttention;
  private readonly attnImg: nn.MultiheadAttention;
  private readonly ctbn: TokenConvBNReLU | null;
  private readonly attention: AttentionKind;

  /** @param withWords F'_T, for words of interest in training */
  constructor(
    channels: number,
    patches: number,
    options: { dropout: number; positionScale: number; withWords: boolean; attention: AttentionKind },
  ) {
    super();
    this.attention = options.attention;
    this.embeddings = this.child(
      'embeddings',
      new PatchEmbeddings(channels, patches, options.dropout, options.positionScale),
    );
    this.attnText = this.child(
      'attn_text',
      new nn.MultiheadAttention(channels, HEADS, { dropout: options.dropout }),
    );
    this.attnImg = this.child(
      'attn_img',
      new nn.MultiheadAttention(channels, HEADS, { dropout: options.dropout }),
    );
    this.ctbn = options.withWords ? this.child('CTBN', new TokenConvBNReLU(channels)) : null;
  }

  /** @param patches F_V flattened, [B,N,C]. @param tokens F_T, [B,T,C] */
  forward(patches: Tensor, tokens: Tensor): Interaction {
    const v = this.embeddings.forward(patches); // [B,N,C]
    if (this.attention === 'self') {
      return {
        image: this.attnImg.forward(v, v, v),
        gathered: this.attnText.forward(tokens, tokens, tokens),
      };
    }
    const gathered = this.attnText.forward(tokens, v, v); // [B,T,C]
    return { image: this.attnImg.forward(v, gathered, gathered), gathered };
  }

  /** F'_T of T0, [B,T,C] -> [B,T,C]. */
  words(gathered: Tensor): Tensor {
    if (!this.ctbn) throw new RangeError("F'_T was requested from an interaction built without it");
    return this.ctbn.forward(gathered);
  }
}

/** Distribution over patches or words (eq. 3): Linear C->C, ReLU, Linear C->1, softmax. Keys `0`, `2`. */
export class Interest extends nn.Module {
  private readonly hidden: nn.Linear;
  private readonly score: nn.Linear;

  /** @param dropoutRate before the MLP */
  constructor(
    channels: number,
    private readonly dropoutRate: number,
  ) {
    super();
    this.hidden = this.child('0', new nn.Linear(channels, channels));
    this.score = this.child('2', new nn.Linear(channels, 1));
  }

  /**
   * @param features [B,L,C].
   * @param valid bool [B,L], or null: all; invalid ones get probability 0. @returns [B,L], rows sum to 1.
   */
  forward(features: Tensor, valid: Tensor | null): Tensor {
    const scores = this.scores(features); // [B,L]
    const masked = valid ? scores.maskedFill(valid.logicalNot(), Number.NEGATIVE_INFINITY) : scores;
    return masked.softmax(-1);
  }

  /** Before the softmax, [B,L,C] -> [B,L]. */
  scores(features: Tensor): Tensor {
    const x = this.training && this.dropoutRate > 0 ? dropout(features, this.dropoutRate, true) : features;
    return float32(this.score.forward(this.hidden.forward(x).relu_()).squeeze(-1));
  }
}
