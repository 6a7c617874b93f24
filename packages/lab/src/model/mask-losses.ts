/**
 * Further losses of the mask, off by default (`train.lossWeights`): Lovász hinge, boundary, distillation.
 *
 * B batch, S image side, P = S^2 pixels.
 */
import { type Mask, squaredDistances } from '@reclmis/core';
import { cat, Tensor } from '@reclmis/torch';

/**
 * The Lovász hinge (Berman et al., CVPR 2018): the convex extension of the Jaccard loss over hinge errors, per image, then the mean
 * over images. An empty mask asks only that nothing is marked.
 * @param logits [B,1,S,S]. @param masks [B,1,S,S], 0 or 1. @returns a scalar of at least 0
 */
export function lovaszLoss(logits: Tensor, masks: Tensor): Tensor {
  const truth = masks.flatten(1); // [B,P]
  const signs = truth.mul(2).sub(1);
  const errors = logits.flatten(1).mul(signs).rsub(1); // [B,P]
  const [sorted, order] = errors.sort(1, true); // [B,P] each
  const weights = jaccardSteps(truth.gather(1, order).detach()); // [B,P]
  return sorted.relu().mul(weights).sum([1]).mean();
}

/** What each further wrong pixel adds to the Jaccard loss. @param truth sorted by error, [B,P]. @returns [B,P] */
function jaccardSteps(truth: Tensor): Tensor {
  const [, P] = truth.shape2();
  const positive = truth.sum([1], true); // [B,1]
  const found = positive.sub(truth.cumsum(1)); // [B,P]
  const union = positive.add(truth.rsub(1).cumsum(1)); // [B,P], at least 1
  const loss = found.div(union).rsub(1);
  if (P === 1) return loss;
  return cat([loss.narrow(1, 0, 1), loss.narrow(1, 1, P - 1).sub(loss.narrow(1, 0, P - 1))], 1);
}

/**
 * The boundary loss (Kervadec et al., MIDL 2019): the mean over pixels of the probability times the signed distance to the true boundary. Here
 * distances are in image sides, not pixels, so that a weight means the same at any size. Below 0 where the mask is right: it completes other terms.
 * @param probability [B,1,S,S]. @param masks [B,1,S,S], 0 or 1. @returns a scalar
 */
export function boundaryLoss(probability: Tensor, masks: Tensor): Tensor {
  const [B, , height, width] = masks.shape4();
  const pixels = masks.toFloat32Array();
  const area = height * width;
  const distances = new Float32Array(pixels.length);
  for (let b = 0; b < B; b++) {
    const data = Uint8Array.from(pixels.subarray(b * area, (b + 1) * area));
    distances.set(signedDistances({ width, height, data }), b * area);
  }
  const { dtype, device } = probability;
  const phi = Tensor.fromFloat32(distances, [B, 1, height, width], { device }).to({ dtype });
  return probability.mul(phi).mean();
}

/**
 * In image sides: from background pixels to the nearest of the foreground, above 0; in the foreground 0 at its rim and below 0 inside. All 0 for
 * a mask without a boundary, empty or full.
 */
function signedDistances(mask: Mask): Float32Array {
  const { width, height, data } = mask;
  const outside = squaredDistances(mask);
  const inside = squaredDistances({ width, height, data: data.map((value) => (value === 0 ? 1 : 0)) });
  const side = Math.max(width, height);
  return Float32Array.from(data, (value, p) => {
    const squared = (value === 0 ? outside[p] : inside[p]) ?? Infinity;
    if (squared === Infinity) return 0;
    return (value === 0 ? Math.sqrt(squared) : 1 - Math.sqrt(squared)) / side;
  });
}

/**
 * The Kullback-Leibler divergence of the student's probability from the teacher's, mean over pixels, both softened by a temperature T and times T^2, which
 * keeps the gradient's size (Hinton et al. 2015).
 * @param logits the student's, [B,1,S,S]. @param teacher probabilities, [B,1,S,S], without a gradient. @returns a scalar of at least 0
 */
export function distilLoss(logits: Tensor, teacher: Tensor, temperature: number): Tensor {
  const p = teacher.clamp(CERTAIN, 1 - CERTAIN);
  const soft = temperature === 1 ? p : p.div(p.rsub(1)).log().div(temperature).sigmoid();
  const entropy = soft
    .mul(soft.log())
    .add(soft.rsub(1).mul(soft.rsub(1).log()))
    .mean(); // below 0
  const cross = logits.div(temperature).binaryCrossEntropyWithLogits(soft);
  return cross.add(entropy).mul(temperature ** 2);
}

/** Float32 still tells 1 - 1e-6 from 1. */
const CERTAIN = 1e-6;
