/** Small regularised linear models on standardised features: ridge and logistic regression. */
import { ReclmisError } from '../errors.js';

/** `intercept` plus the sum of weights[k] (x[k] - mean[k]) / deviation[k]. */
export interface LinearModel {
  readonly mean: readonly number[];
  /** Positive. */
  readonly deviation: readonly number[];
  readonly weights: readonly number[];
  readonly intercept: number;
}

/** Narrower features count as constant. */
const LEAST_DEVIATION = 1e-6;
const STEPS = 50;
const CONVERGED = 1e-9;

export function linearValue(
  { mean, deviation, weights, intercept }: LinearModel,
  x: readonly number[],
): number {
  return weights.reduce((sum, w, k) => sum + (w * (x[k]! - mean[k]!)) / deviation[k]!, intercept);
}

export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/**
 * Ridge regression (Hoerl and Kennard 1970): least squares plus `penalty` times the squared weights; the
 * intercept is free.
 * @param rows n of equal length. @param y n targets. @param penalty positive
 */
export function fitRidge(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  penalty: number,
): LinearModel {
  const { mean, deviation, z } = standardised(rows);
  const intercept = y.reduce((sum, value) => sum + value, 0) / y.length;
  const d = mean.length;
  const [a, b] = [zeros(d, d), new Float64Array(d)];
  z.forEach((row, i) => {
    for (let j = 0; j < d; j++) {
      b[j] = b[j]! + row[j]! * (y[i]! - intercept);
      for (let k = 0; k < d; k++) a[j]![k] = a[j]![k]! + row[j]! * row[k]!;
    }
  });
  for (let j = 0; j < d; j++) a[j]![j] = a[j]![j]! + penalty;
  return { mean, deviation, weights: solve(a, b), intercept };
}

/** Logistic regression by Newton's method, with the same penalty on the weights. @param y 0 or 1 */
export function fitLogistic(
  rows: readonly (readonly number[])[],
  y: readonly number[],
  penalty: number,
): LinearModel {
  const { mean, deviation, z } = standardised(rows);
  const d = mean.length;
  let beta = new Float64Array(d + 1); // the intercept last
  for (let step = 0; step < STEPS; step++) {
    const [a, b] = [zeros(d + 1, d + 1), new Float64Array(d + 1)];
    z.forEach((row, i) => {
      const x = [...row, 1];
      const p = sigmoid(x.reduce((sum, value, k) => sum + value * beta[k]!, 0));
      for (let j = 0; j <= d; j++) {
        b[j] = b[j]! + x[j]! * (y[i]! - p);
        for (let k = 0; k <= d; k++) a[j]![k] = a[j]![k]! + x[j]! * x[k]! * p * (1 - p);
      }
    });
    for (let j = 0; j < d; j++) {
      a[j]![j] = a[j]![j]! + penalty;
      b[j] = b[j]! - penalty * beta[j]!;
    }
    const change = solve(a, b);
    beta = beta.map((value, k) => value + change[k]!);
    if (Math.max(...change.map(Math.abs)) < CONVERGED) break;
  }
  return { mean, deviation, weights: [...beta.subarray(0, d)], intercept: beta[d]! };
}

function standardised(rows: readonly (readonly number[])[]): {
  mean: number[];
  deviation: number[];
  z: number[][];
} {
  const d = rows[0]?.length ?? 0;
  const columns = Array.from({ length: d }, (_, k) => rows.map((row) => row[k]!));
  const mean = columns.map((column) => column.reduce((sum, x) => sum + x, 0) / rows.length);
  const deviation = columns.map((column, k) => {
    const variance = column.reduce((sum, x) => sum + (x - mean[k]!) ** 2, 0) / rows.length;
    return variance < LEAST_DEVIATION ** 2 ? 1 : Math.sqrt(variance);
  });
  const z = rows.map((row) => row.map((x, k) => (x - mean[k]!) / deviation[k]!));
  return { mean, deviation, z };
}

const zeros = (rows: number, columns: number): Float64Array[] =>
  Array.from({ length: rows }, () => new Float64Array(columns));

/** Gaussian elimination with pivoting; overwrites both. @throws INTERNAL if the matrix is singular */
function solve(a: Float64Array[], b: Float64Array): number[] {
  const n = b.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i]![k]!) > Math.abs(a[pivot]![k]!)) pivot = i;
    [a[k], a[pivot]] = [a[pivot]!, a[k]!];
    [b[k], b[pivot]] = [b[pivot]!, b[k]!];
    const top = a[k]!;
    if (top[k] === 0) throw new ReclmisError('INTERNAL', 'solve: the matrix is singular');
    for (let i = k + 1; i < n; i++) {
      const row = a[i]!;
      const factor = row[k]! / top[k]!;
      for (let j = k; j < n; j++) row[j] = row[j]! - factor * top[j]!;
      b[i] = b[i]! - factor * b[k]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    let sum = b[k]!;
    for (let j = k + 1; j < n; j++) sum -= a[k]![j]! * x[j]!;
    x[k] = sum / a[k]![k]!;
  }
  return x;
}
