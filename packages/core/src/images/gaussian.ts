/**
 * A Gaussian in its principal axes (probabilistic PCA: Tipping and Bishop 1999), small enough to store: the
 * first axes have a variance each, all others share one. Distances are squared Mahalanobis distances.
 */

export interface Gaussian {
  readonly mean: readonly number[];
  /** Orthonormal, largest variance first. */
  readonly axes: readonly (readonly number[])[];
  readonly variances: readonly number[];
  readonly rest: number;
}

/** Stored significant digits. */
const DIGITS = 4;

/** @param points of equal length. @param axes at most. @param floor least variance; less is noise. */
export function fitGaussian(points: readonly (readonly number[])[], axes: number, floor: number): Gaussian {
  const D = points[0]?.length ?? 0;
  const mean = Array.from({ length: D }, (_, i) => points.reduce((sum, x) => sum + x[i]!, 0) / points.length);
  const covariance = Array.from({ length: D }, () => new Float64Array(D));
  for (const x of points) {
    for (let i = 0; i < D; i++) {
      const di = x[i]! - mean[i]!;
      const row = covariance[i]!;
      for (let j = i; j < D; j++)
        row[j] = row[j]! + (di * (x[j]! - mean[j]!)) / Math.max(1, points.length - 1);
    }
  }
  for (let i = 0; i < D; i++) for (let j = 0; j < i; j++) covariance[i]![j] = covariance[j]![i]!;
  const all = eigen(covariance);
  const kept = all.slice(0, axes);
  const left = all.slice(axes);
  const rest = left.reduce((sum, { value }) => sum + value, 0) / Math.max(1, left.length);
  return {
    mean: mean.map(short),
    axes: kept.map(({ vector }) => vector.map(short)),
    variances: kept.map(({ value }) => short(Math.max(value, floor))),
    rest: short(Math.max(rest, floor)),
  };
}

export function distanceFrom({ mean, axes, variances, rest }: Gaussian, point: readonly number[]): number {
  let length = 0;
  for (let i = 0; i < mean.length; i++) length += (point[i]! - mean[i]!) ** 2;
  let distance = 0;
  let along = 0;
  for (const [k, axis] of axes.entries()) {
    let c = 0;
    for (let i = 0; i < mean.length; i++) c += (point[i]! - mean[i]!) * axis[i]!;
    along += c * c;
    distance += (c * c) / variances[k]!;
  }
  return distance + Math.max(0, length - along) / rest;
}

/** Eigenvalues, largest first, and vectors by Jacobi rotations. Overwrites `a`. */
function eigen(a: Float64Array[]): { value: number; vector: number[] }[] {
  const D = a.length;
  const v = Array.from({ length: D }, (_, i) => Float64Array.from({ length: D }, (_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    let all = 0;
    for (let i = 0; i < D; i++)
      for (let j = 0; j < D; j++) {
        all += a[i]![j]! ** 2;
        if (i !== j) off += a[i]![j]! ** 2;
      }
    if (off <= 1e-20 * all) break;
    for (let p = 0; p < D; p++) for (let q = p + 1; q < D; q++) rotate(a, v, p, q);
  }
  return Array.from({ length: D }, (_, k) => ({ value: a[k]![k]!, vector: v.map((row) => row[k]!) })).sort(
    (x, y) => y.value - x.value,
  );
}

function rotate(a: Float64Array[], v: Float64Array[], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.hypot(1, theta));
  const c = 1 / Math.hypot(1, t);
  const s = t * c;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]![p]!, a[i]![q]!];
    a[i]![p] = c * x - s * y;
    a[i]![q] = s * x + c * y;
  }
  const [rowP, rowQ] = [a[p]!, a[q]!];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [rowP[i]!, rowQ[i]!];
    rowP[i] = c * x - s * y;
    rowQ[i] = s * x + c * y;
  }
  for (const row of v) {
    const [x, y] = [row[p]!, row[q]!];
    row[p] = c * x - s * y;
    row[q] = s * x + c * y;
  }
}

const short = (value: number): number => Number(value.toPrecision(DIGITS));
