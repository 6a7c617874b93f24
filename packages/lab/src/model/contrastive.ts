/**
 * CCL, conditioned contrastive learning: paper section 3.3, eq. 4 and 5; docs/method.md 5. Training only.
 *
 * S[a,b,t,v] = cos(F_T[a,t], F_V[b,v]), zero for padded t, over every pair of note a and image b; s(a,b) = 1/2 (
 * sum_t P_T[a,t] max_v S  +  sum_v P_V[b,v] max_t S ); the loss is the mean of the two cross-entropies, over rows and
 * columns, of s * exp(logit_scale) against the diagonal.
 *
 * Always float32: the temperature multiplies the cosines' errors by up to 100.
 *
 * B batch, T tokens, N patches, C channels.
 */
import { autocast, float32, type Tensor } from '@reclmis/torch';

/** For features of length 0 (a patch whose ReLUs are all off); far below any real squared length. */
const LENGTH_EPSILON = 1e-12;

export interface ContrastiveInput {
  /** F_V flattened, [B,N,C]. */
  readonly patches: Tensor;
  /** F_T, [B,T,C]. */
  readonly tokens: Tensor;
  /** bool [B,T]. */
  readonly valid: Tensor;
  /** P_V, [B,N]. */
  readonly poi: Tensor;
  /** P_T, [B,T]. */
  readonly woi: Tensor;
  /** ln(1 / temperature), a scalar. */
  readonly logitScale: Tensor;
  /** Upstream: P_V and P_T through another softmax. */
  readonly secondSoftmax: boolean;
}

/** s(a,b): row a the note, column b the image. @returns [B,B], in -1 to 1 (without the second softmax) */
export function pairSimilarity(input: Omit<ContrastiveInput, 'logitScale'>): Tensor {
  const { patches, tokens, valid } = input;
  const [B, N, C] = patches.shape3();
  const [, T] = tokens.shape3();
  const [poi, woi] = input.secondSoftmax
    ? [input.poi.softmax(-1), input.woi.softmax(-1)]
    : [input.poi, input.woi];

  const noteSide = unit(tokens)
    .mul(valid.unsqueeze(-1))
    .reshape([B * T, C]); // padded rows are 0, so S is 0 there
  const imageSide = unit(patches).reshape([B * N, C]);
  const similarity = noteSide.mm(imageSide.t()).view([B, T, B, N]); // [B,T,B,N], note a, token t, image b, patch v

  const bestPatch = similarity.amax([3]); // [B,T,B]
  const bestToken = similarity.amax([1]); // [B,B,N]
  const byWords = bestPatch.mul(woi.unsqueeze(-1)).sum([1]); // [B,B]
  const byPatches = bestToken.mul(poi).sum([2]); // [B,B], P_V belongs to the image, the middle axis
  return byWords.add(byPatches).mul(0.5);
}

/** @returns a scalar, at least 0. */
export function contrastiveLoss(input: ContrastiveInput): Tensor {
  const { patches, tokens } = input;
  const wide = { ...input, patches: float32(patches), tokens: float32(tokens) };
  return autocast({ device: patches.device, dtype: 'float32' }, () => crossEntropies(wide));
}

function crossEntropies(input: ContrastiveInput): Tensor {
  const logits = pairSimilarity(input).mul(input.logitScale.exp()); // [B,B]
  const rows = logits.logSoftmax(1).diagonal().mean();
  const columns = logits.logSoftmax(0).diagonal().mean();
  return rows.add(columns).mul(-0.5);
}

/** x / |x| along the last axis. */
function unit(x: Tensor): Tensor {
  return x.mul(x.square().sum([-1], true).add(LENGTH_EPSILON).rsqrt());
}
