/** Gradient clipping by the joint norm, as PyTorch's `clip_grad_norm_`. */
import { ReclmisError } from '@reclmis/core';
import { foreachMul_, foreachNorm, stack } from '../generated/functions.js';
import { noGrad, scope } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** Keeps the division finite for zero gradients; PyTorch's value. */
const EPSILON = 1e-6;

/**
 * Scales all gradients by max / (norm + 1e-6) if their joint Euclidean norm exceeds `max`. Returns the norm
 * before; if it is not finite nothing is scaled: the caller must check.
 */
export function clipGradNorm(parameters: Iterable<Tensor>, max: number): number {
  if (!(max > 0)) throw new ReclmisError('CONFIG_INVALID', `clipGradNorm: max must be above 0, got ${max}`);
  return noGrad(() =>
    scope(() => {
      const gradients = [...parameters].flatMap((parameter) => parameter.grad ?? []);
      if (gradients.length === 0) return 0;
      const norms = stack(foreachNorm(gradients)).toFloat32Array(); // [parameters]
      const norm = Math.hypot(...norms);
      const factor = max / (norm + EPSILON);
      if (factor < 1 && Number.isFinite(norm)) foreachMul_(gradients, factor);
      return norm;
    }),
  );
}
