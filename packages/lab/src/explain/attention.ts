/**
 * Records CI's attention weights by repeating each layer's call of the forward pass.
 *
 * H heads, T tokens, N patches, Q queries, K keys.
 */
import { keep, nn, noGrad, type Tensor } from '@reclmis/torch';
import type { RecLMIS } from '../model/reclmis.js';

export type Items = 'words' | 'patches';

export interface AttentionMap {
  readonly from: Items;
  readonly to: Items;
  readonly heads: number;
  /** Q: T or N. */
  readonly queries: number;
  /** K. */
  readonly keys: number;
  /** [H,Q,K]; rows sum to 1. Words have one row per token, with padding: CI does not mask it. */
  readonly weights: Float32Array;
}

/** `text` from words (to patches, in the paper's model), `image` from patches (to words). */
export interface InteractionAttention {
  readonly text: AttentionMap;
  readonly image: AttentionMap;
}

/** Records an attention's weights. The caller disposes of it. */
export class AttentionEar {
  private readonly heard: Tensor[] = [];

  constructor(private readonly attention: nn.MultiheadAttention) {}

  /** For `withTaps`. */
  readonly tap: nn.Tap = (_, inputs) => {
    const [query, key, value, options] = inputs as Parameters<nn.MultiheadAttention['forward']>;
    const { output, weights } = noGrad(() => this.attention.forwardWithWeights(query, key, value, options));
    output.dispose();
    this.heard.push(keep(weights));
  };

  /** The last call's weights for a batch of one, or null. */
  map(from: Items, to: Items): AttentionMap | null {
    const weights = this.heard.at(-1);
    if (!weights) return null;
    const [, heads, queries, keys] = weights.shape4();
    return { from, to, heads, queries, keys, weights: weights.toFloat32Array() };
  }

  dispose(): void {
    for (const weights of this.heard.splice(0)) weights.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** CI's two attentions by path; null if the model is note-free. */
export function interactionEars(model: RecLMIS): Map<string, AttentionEar> | null {
  const modules = model.namedModules();
  const ears = new Map<string, AttentionEar>();
  for (const path of ['interact.attn_text', 'interact.attn_img']) {
    const module = modules.get(path);
    if (module instanceof nn.MultiheadAttention) ears.set(path, new AttentionEar(module));
  }
  return ears.size === 2 ? ears : null;
}

/** @param self whether CI attends within each modality (Table 4). */
export function interactionAttention(
  ears: ReadonlyMap<string, AttentionEar>,
  self: boolean,
): InteractionAttention | null {
  const text = ears.get('interact.attn_text')?.map('words', self ? 'words' : 'patches') ?? null;
  const image = ears.get('interact.attn_img')?.map('patches', self ? 'patches' : 'words') ?? null;
  return text && image ? { text, image } : null;
}

/** The mean over heads, [Q,K]. */
export function meanOverHeads({ heads, queries, keys, weights }: AttentionMap): Float32Array {
  const mean = new Float32Array(queries * keys);
  for (let i = 0; i < weights.length; i++) {
    const at = i % mean.length;
    mean[at] = (mean[at] as number) + (weights[i] as number) / heads;
  }
  return mean;
}
