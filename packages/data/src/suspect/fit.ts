/**
 * Judges how well masks fit by the data set itself: least squares from each place's features (`features.ts`)
 * to the mask.
 *
 * N cases, S 32, K features.
 */
import { THUMB as S } from '../measure/thumbnail.js';
import { FEATURES as K, featuresOf, FIRST_EVEN, FIRST_PLACE } from './features.js';
import type { Subject } from './types.js';

const CELLS = S * S;
/** 400 are 409,600 places for 59 numbers. */
const FITTED = 400;
/** For features with mean square 1. */
const RIDGE = 1e-3;

/** [S * S], 0 to 1; null: the case's own mask counts. */
export type Target = (at: number) => Float64Array | null;

export interface Fits {
  /** At most `FITTED`, evenly spread. */
  readonly chosen: readonly number[];
  /** [K] per target. */
  readonly maps: readonly Float64Array[];
  /** Per target and chosen case; NaN without target. */
  readonly errors: readonly Float64Array[];
  /** With the expectation; likewise. */
  readonly correlations: readonly Float64Array[];
}

/**
 * A map for each target; the first is the cases' own masks. With G = F'F and h = F'y of a case, the error of
 * map w is y'y - 2 w'h + w'Gw.
 */
export function fitTargets(subjects: readonly Subject[], targets: readonly Target[]): Fits {
  const step = Math.max(1, subjects.length / FITTED);
  const chosen = Array.from({ length: Math.min(subjects.length, FITTED) }, (_, i) => Math.floor(i * step));
  const features = new Float64Array(K * CELLS);
  const total = new Float64Array(K * K);
  const sums = targets.map(() => new Float64Array(K));
  const own = targets[0] as Target;
  const cases = chosen.map((at) => {
    featuresOf((subjects[at] as Subject).measure.picture, features);
    const products = Float32Array.from(productsOf(features));
    for (let i = 0; i < total.length; i++) total[i] = (total[i] as number) + (products[i] as number);
    const moments = targets.map((target, t) => {
      const values = target(at) ?? own(at) ?? new Float64Array(CELLS);
      const moment = momentsWith(features, values);
      const sum = sums[t] as Float64Array;
      for (let k = 0; k < K; k++) sum[k] = (sum[k] as number) + (moment[k] as number);
      return { moment, square: target(at) === null ? NaN : dot(values, values) };
    });
    return { products, moments };
  });
  for (let k = 0; k < K; k++) total[k * K + k] = (total[k * K + k] as number) + RIDGE * CELLS * chosen.length;
  const factor = cholesky(total);
  const maps = sums.map((sum) => solve(factor, sum));
  const errors = maps.map((map, t) =>
    Float64Array.from(cases, ({ products, moments }) => {
      const { moment, square } = moments[t] as { moment: Float64Array; square: number };
      return (square - 2 * dot(map, moment) + quadratic(products, map)) / CELLS;
    }),
  );
  const correlations = maps.map((map, t) =>
    Float64Array.from(cases, ({ products, moments }) => {
      const { moment, square } = moments[t] as { moment: Float64Array; square: number };
      // The first place feature is 1: moments with it are sums.
      const [sumY, sumP] = [moment[FIRST_PLACE] as number, withConstant(products, map)];
      const spreadY = square - sumY ** 2 / CELLS;
      const spreadP = quadratic(products, map) - sumP ** 2 / CELLS;
      if (Number.isNaN(square) || spreadY <= 0 || spreadP <= 0) return NaN;
      return (dot(map, moment) - (sumY * sumP) / CELLS) / Math.sqrt(spreadY * spreadP);
    }),
  );
  return { chosen, maps, errors, correlations };
}

/** Equal for every image. */
let placeProducts: Float64Array | undefined;

/** [K, K], lower triangle: F'F of one image. */
function productsOf(features: Float64Array): Float64Array {
  const out = new Float64Array(K * K);
  const product = (a: number, b: number): number => {
    let sum = 0;
    for (let p = 0, i = a * CELLS, j = b * CELLS; p < CELLS; p++, i++, j++)
      sum += (features[i] as number) * (features[j] as number);
    return sum;
  };
  for (let a = 0; a < K; a++)
    for (let b = 0; b <= Math.min(a, FIRST_PLACE - 1); b++) out[a * K + b] = product(a, b);
  if (placeProducts === undefined) {
    placeProducts = new Float64Array(K * K);
    for (let a = FIRST_PLACE; a < K; a++)
      for (let b = FIRST_PLACE; b <= a; b++) placeProducts[a * K + b] = product(a, b);
  }
  for (let a = FIRST_PLACE; a < K; a++)
    for (let b = FIRST_PLACE; b <= a; b++) out[a * K + b] = placeProducts[a * K + b] as number;
  return out;
}

function momentsWith(features: Float64Array, values: Float64Array): Float64Array {
  const out = new Float64Array(K);
  for (let k = 0, i = 0; k < K; k++) {
    let sum = 0;
    for (let p = 0; p < CELLS; p++, i++) sum += (features[i] as number) * (values[p] as number);
    out[k] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function withConstant(products: Float32Array, w: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < K; k++) {
    const [a, b] = [Math.max(k, FIRST_PLACE), Math.min(k, FIRST_PLACE)];
    sum += (products[a * K + b] as number) * (w[k] as number);
  }
  return sum;
}

/** w'Gw of a lower triangle. */
function quadratic(products: Float32Array, w: Float64Array): number {
  let sum = 0;
  for (let a = 0; a < K; a++) {
    for (let b = 0; b < a; b++)
      sum += 2 * (products[a * K + b] as number) * (w[a] as number) * (w[b] as number);
    sum += (products[a * K + a] as number) * (w[a] as number) ** 2;
  }
  return sum;
}

/** [S * S]. */
export interface Expectation {
  readonly upright: Float64Array;
  readonly inverted: Float64Array;
}

export function expectation(map: Float64Array): (picture: Uint8Array) => Expectation {
  const features = new Float64Array(K * CELLS);
  const places = new Float64Array(CELLS);
  let first = true;
  return (picture) => {
    featuresOf(picture, features);
    if (first) addWeighted(places, features, map, FIRST_PLACE, K);
    first = false;
    const odd = addWeighted(new Float64Array(CELLS), features, map, 0, FIRST_EVEN);
    const even = addWeighted(places.slice(), features, map, FIRST_EVEN, FIRST_PLACE);
    return {
      upright: even.map((value, p) => value + (odd[p] as number)),
      inverted: even.map((value, p) => value - (odd[p] as number)),
    };
  };
}

function addWeighted(
  sum: Float64Array,
  features: Float64Array,
  map: Float64Array,
  from: number,
  to: number,
): Float64Array {
  for (let k = from; k < to; k++) {
    const weight = map[k] as number;
    for (let p = 0, i = k * CELLS; p < CELLS; p++, i++)
      sum[p] = (sum[p] as number) + weight * (features[i] as number);
  }
  return sum;
}

/** Pearson's correlation; 0 if either is constant. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  let [sa, sb, aa, bb, ab] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    sa += x;
    sb += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const spread = (aa - (sa * sa) / n) * (bb - (sb * sb) / n);
  return spread <= 1e-9 ? 0 : (ab - (sa * sb) / n) / Math.sqrt(spread);
}

function cholesky(matrix: Float64Array): Float64Array {
  const L = new Float64Array(K * K);
  for (let i = 0; i < K; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * K + j] as number;
      for (let k = 0; k < j; k++) sum -= (L[i * K + k] as number) * (L[j * K + k] as number);
      L[i * K + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / (L[j * K + j] as number);
    }
  }
  return L;
}

function solve(L: Float64Array, right: Float64Array): Float64Array {
  const x = Float64Array.from(right);
  for (let i = 0; i < K; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] as number) - (L[i * K + k] as number) * (x[k] as number);
    x[i] = (x[i] as number) / (L[i * K + i] as number);
  }
  for (let i = K - 1; i >= 0; i--) {
    for (let k = i + 1; k < K; k++) x[i] = (x[i] as number) - (L[k * K + i] as number) * (x[k] as number);
    x[i] = (x[i] as number) / (L[i * K + i] as number);
  }
  return x;
}
