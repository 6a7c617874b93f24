/**
 * CVR and CLR, the conditioned reconstruction of masked patches from words and of masked words from patches:
 * paper section 3.4, eq. 6 to 9; docs/method.md 7. Training only.
 *
 * A reconstructor has two stacks of post-norm layers. The context stack (`decoder1`) reads the other
 * modality's complete features, its self-attention conditioned by that modality's distribution P. The output
 * stack (`decoder2`) reads the masked features: unconditioned self-attention, then cross-attention on the
 * context conditioned by the same P.
 *
 * B batch, M items to reconstruct, N items of context, C channels, H heads.
 */
import { dropout, nn, type Tensor } from '@reclmis/torch';
import { attentionMask, conditionMask } from './condition.js';
import { HEADS } from './options.js';

export interface ReconstructorOptions {
  /** C. */
  readonly channels: number;
  /** Layers of each stack. */
  readonly layers: number;
  /** Upstream: both stacks' self-attention only looks backwards. */
  readonly causal: boolean;
  /** On each sub-layer's output. */
  readonly dropout: number;
}

/** Context [B,N,C]; mask of logits, [B,1,M,N] or null. */
interface Source {
  readonly context: Tensor;
  readonly mask: Tensor | null;
}

/**
 * Self-attention, cross-attention if there is a source, feed-forward of width 2C; each with residual and
 * LayerNorm.
 */
class ReconstructionLayer extends nn.Module {
  private readonly selfAttn: nn.MultiheadAttention;
  private readonly selfNorm: nn.LayerNorm;
  private readonly crossAttn: nn.MultiheadAttention | null;
  private readonly crossNorm: nn.LayerNorm | null;
  private readonly fc1: nn.Linear;
  private readonly fc2: nn.Linear;
  private readonly finalNorm: nn.LayerNorm;
  private readonly dropoutRate: number;

  constructor({ channels, dropout: rate }: ReconstructorOptions, withCross: boolean) {
    super();
    this.dropoutRate = rate;
    this.selfAttn = this.child('self_attn', new nn.MultiheadAttention(channels, HEADS));
    this.selfNorm = this.child('self_attn_layer_norm', new nn.LayerNorm(channels));
    this.crossAttn = withCross
      ? this.child('encoder_attn', new nn.MultiheadAttention(channels, HEADS))
      : null;
    this.crossNorm = withCross ? this.child('encoder_attn_layer_norm', new nn.LayerNorm(channels)) : null;
    this.fc1 = this.child('fc1', new nn.Linear(channels, 2 * channels));
    this.fc2 = this.child('fc2', new nn.Linear(2 * channels, channels));
    this.finalNorm = this.child('final_layer_norm', new nn.LayerNorm(channels));
  }

  /** @param input [B,M,C]. @param selfMask added to the logits, [B,1,M,M], or null. @returns [B,M,C] */
  forward(input: Tensor, selfMask: Tensor | null, source?: Source): Tensor {
    const attended = this.selfAttn.forward(input, input, input, { mask: selfMask });
    let x = this.selfNorm.forward(input.add(this.drop(attended)));
    if (this.crossAttn && this.crossNorm && source) {
      const { context, mask } = source;
      const gathered = this.crossAttn.forward(x, context, context, { mask });
      x = this.crossNorm.forward(x.add(this.drop(gathered)));
    }
    const hidden = this.fc1.forward(x).relu_(); // [B,M,2C]
    return this.finalNorm.forward(x.add(this.drop(this.fc2.forward(hidden)))); // [B,M,C]
  }

  private drop(x: Tensor): Tensor {
    return this.training && this.dropoutRate > 0 ? dropout(x, this.dropoutRate, true) : x;
  }
}

/** Key `decoder_layers.{i}`. */
class ReconstructionStack extends nn.Module {
  private readonly layers: readonly ReconstructionLayer[];

  constructor(options: ReconstructorOptions, withCross: boolean) {
    super();
    this.layers = this.children(
      'decoder_layers',
      Array.from({ length: options.layers }, () => new ReconstructionLayer(options, withCross)),
    );
  }

  forward(input: Tensor, selfMask: Tensor | null, source?: Source): Tensor {
    return this.layers.reduce((x, layer) => layer.forward(x, selfMask, source), input);
  }
}

export interface ReconstructionInput {
  /** Drawn items are 0, [B,M,C]. */
  readonly masked: Tensor;
  /** Complete, [B,N,C]. */
  readonly context: Tensor;
  /** P, [B,N]; null: no condition. */
  readonly condition: Tensor | null;
}

/** `rec_img_trans1` (CVR) or `rec_text_trans1` (CLR). */
export class ConditionedReconstructor extends nn.Module {
  private readonly contextStack: ReconstructionStack;
  private readonly outputStack: ReconstructionStack;
  private readonly causal: boolean;

  constructor(options: ReconstructorOptions) {
    super();
    this.causal = options.causal;
    this.contextStack = this.child('decoder1', new ReconstructionStack(options, false));
    this.outputStack = this.child('decoder2', new ReconstructionStack(options, true));
  }

  /** @returns [B,M,C] */
  forward({ masked, context, condition }: ReconstructionInput): Tensor {
    const [B, M] = masked.shape3();
    const [, N] = context.shape3();
    const given = condition && conditionMask(condition); // [B,1,1,N]
    const contextMask = attentionMask(given, this.causal ? nn.causalMask(N, context) : null, {
      batch: B,
      queries: N,
      keys: N,
    });
    const selfMask = attentionMask(null, this.causal ? nn.causalMask(M, masked) : null, {
      batch: B,
      queries: M,
      keys: M,
    });
    const crossMask = attentionMask(given, null, { batch: B, queries: M, keys: N });
    const encoded = this.contextStack.forward(context, contextMask); // [B,N,C]
    return this.outputStack.forward(masked, selfMask, { context: encoded, mask: crossMask }); // [B,M,C]
  }
}
