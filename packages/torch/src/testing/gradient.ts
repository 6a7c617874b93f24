/** Gradient checks for tests: autograd against central differences in float64. */
import { noGrad, scope } from '../scope.js';
import { Tensor } from '../tensor.js';

/**
 * Half the step of a central difference. Truncation (h^2 / 6 times the third derivative) and rounding (1e-16
 * |loss| / h) are both about 1e-11: 1e-7 is safe for losses and derivatives of 1 to 10.
 */
const H = 1e-5;

export const GRADIENT_TOLERANCE = 1e-7;

/** Deterministic float64 values over (-1, 1) without ties; `phase` varies them. */
export function spread(shape: readonly number[], phase = 0): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return Tensor.fromFloat64(
    Float64Array.from(
      { length: count },
      (_, i) => Math.sin(1.7 * i + 0.3 + phase) * (0.5 + (0.5 * i) / count),
    ),
    shape,
  );
}

/** Sum of `output`'s elements, weighted differently, so no gradient hides in a symmetry. */
function weighted(output: Tensor): Tensor {
  return output.mul(spread(output.shape, 5)).sum();
}

/**
 * Largest |autograd - central difference| / max(1, |central difference|) over the elements of `leaves`.
 * @param run computes a float64 output of any shape from the leaves, repeatably.
 * @param leaves float64 tensors that require a gradient, by name.
 */
export function gradientError(
  run: () => Tensor,
  leaves: ReadonlyMap<string, Tensor>,
): { worst: number; at: string } {
  const value = (): number => noGrad(() => scope(() => weighted(run()).item()));
  for (const leaf of leaves.values()) leaf.clearGrad();
  scope(() => weighted(run()).backward());
  const result = { worst: 0, at: 'nowhere' };
  for (const [name, leaf] of leaves) {
    const gradient = scope(() => leaf.grad?.toFloat64Array());
    if (!gradient) return { worst: Infinity, at: `${name}, which has no gradient` };
    const values = leaf.toFloat64Array();
    const set = (i: number, to: number): void => {
      values[i] = to;
      noGrad(() => scope(() => void leaf.copy_(Tensor.fromFloat64(values, leaf.shape))));
    };
    for (let i = 0; i < values.length; i++) {
      const before = values[i] ?? NaN;
      set(i, before + H);
      const above = value();
      set(i, before - H);
      const below = value();
      set(i, before);
      const numeric = (above - below) / (2 * H);
      const error = Math.abs((gradient[i] ?? NaN) - numeric) / Math.max(1, Math.abs(numeric));
      if (!(error <= result.worst)) {
        result.worst = error;
        result.at = `${name}[${i}]: autograd ${gradient[i]}, central difference ${numeric}`;
      }
    }
  }
  return result;
}
