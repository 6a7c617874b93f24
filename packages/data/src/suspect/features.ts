/**
 * Features at each place of a thumbnail: brightness at three scales, texture, the same at the mirrored place,
 * and the place.
 *
 * S 32, the thumbnail's side; K features: odd ones (their sign changes with an inverted image), even ones,
 * places.
 */
import { THUMB as S } from '../measure/thumbnail.js';

const ODD = 16;
const EVEN = 7;
const WAVES = 6;
const PLACES = WAVES * WAVES;
export const FEATURES = ODD + EVEN + PLACES;
export const FIRST_EVEN = ODD;
export const FIRST_PLACE = ODD + EVEN;
const CELLS = S * S;

/** In levels: do not amplify the noise of nearly uniform images. */
const FLOOR = 8;

const coordinate = Float64Array.from({ length: S }, (_, i) => ((i + 0.5) / S) * 2 - 1);
const places = Float64Array.from({ length: PLACES * CELLS }, (_, i) => {
  const [wave, cell] = [Math.floor(i / CELLS), i % CELLS];
  const along = (n: number, at: number): number => Math.cos(Math.PI * n * ((at + 0.5) / S));
  return along(Math.floor(wave / WAVES), cell % S) * along(wave % WAVES, Math.floor(cell / S));
});

/** [K, S * S] of a grey thumbnail, in `out`. */
export function featuresOf(picture: Uint8Array, out = new Float64Array(FEATURES * CELLS)): Float64Array {
  let [sum, squares] = [0, 0];
  for (const level of picture) {
    sum += level;
    squares += level * level;
  }
  const mean = sum / CELLS;
  const scale = 1 / (Math.sqrt(Math.max(0, squares / CELLS - mean * mean)) + FLOOR);
  const v = Float64Array.from(picture, (level) => (level - mean) * scale);
  const near = boxMean(v, 1);
  const wide = boxMean(v, 3);
  const far = boxMean(v, 6);
  const nearSquares = boxMean(
    v.map((value) => value * value),
    1,
  );
  for (let y = 0, p = 0; y < S; y++) {
    const b = coordinate[y] as number;
    for (let x = 0; x < S; x++, p++) {
      const a = coordinate[x] as number;
      const [at, n, w, f] = [v[p] as number, near[p] as number, wide[p] as number, far[p] as number];
      const texture = Math.sqrt(Math.max(0, (nearSquares[p] as number) - n * n));
      const twin = p - x + (S - 1 - x);
      out[p] = at;
      out[CELLS + p] = n;
      out[2 * CELLS + p] = w;
      out[3 * CELLS + p] = f;
      out[4 * CELLS + p] = w * texture;
      out[5 * CELLS + p] = n * a;
      out[6 * CELLS + p] = n * b;
      out[7 * CELLS + p] = n * a * a;
      out[8 * CELLS + p] = n * b * b;
      out[9 * CELLS + p] = n * a * b;
      out[10 * CELLS + p] = w * a;
      out[11 * CELLS + p] = w * b;
      out[12 * CELLS + p] = w * a * a;
      out[13 * CELLS + p] = w * b * b;
      out[14 * CELLS + p] = near[twin] as number;
      out[15 * CELLS + p] = wide[twin] as number;
      out[16 * CELLS + p] = at * at;
      out[17 * CELLS + p] = n * n;
      out[18 * CELLS + p] = w * w;
      out[19 * CELLS + p] = texture;
      out[20 * CELLS + p] = at * w;
      out[21 * CELLS + p] = n * f;
      out[22 * CELLS + p] = Math.abs(n);
    }
  }
  out.set(places, FIRST_PLACE * CELLS);
  return out;
}

/** Boxes of 2 r + 1 cells; the border's cells repeat. */
function boxMean(values: Float64Array, r: number): Float64Array {
  const across = new Float64Array(CELLS);
  const out = new Float64Array(CELLS);
  const clamp = (i: number): number => Math.min(S - 1, Math.max(0, i));
  const along = (from: Float64Array, to: Float64Array, line: number, step: number): void => {
    let sum = 0;
    for (let i = -r; i <= r; i++) sum += from[line + step * clamp(i)] as number;
    for (let i = 0; i < S; i++) {
      to[line + step * i] = sum / (2 * r + 1);
      sum += (from[line + step * clamp(i + r + 1)] as number) - (from[line + step * clamp(i - r)] as number);
    }
  };
  for (let y = 0; y < S; y++) along(values, across, y * S, 1);
  for (let x = 0; x < S; x++) along(across, out, x, S);
  return out;
}
