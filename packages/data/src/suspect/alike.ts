/**
 * Finds nearly equal pictures, upright, mirrored or turned: thumbnails correlate by 0.985, and by 0.8 without
 * the smooth part.
 *
 * Thumbnails with mean 0 and length 1 are sqrt(2 - 2 r) apart, and any of their cosine coefficients at most
 * that: cells of that size in three coefficients leave few pairs to compare. Turning exchanges coefficients
 * or changes their signs.
 */
import { THUMB as S } from '../measure/thumbnail.js';
import { correlation } from './fit.js';
import { turnedFrom, TURNS } from './turns.js';
import type { Subject, Turn } from './types.js';

const ALIKE = 0.985;
const ALIKE_DETAIL = 0.8;
const REACH = Math.sqrt(2 - 2 * ALIKE);
const CELLS = S * S;
/** Cosines across and down, compared before all cells. */
const WAVES = 6;
/** A set of equal pictures would have millions. */
const MOST_PAIRS = 100_000;

/** `a` turned is `b`; null if both are upright. */
export interface Pair {
  readonly a: Subject;
  readonly b: Subject;
  readonly turn: Turn | null;
}

export const turnedPicture = (picture: Uint8Array, turn: Turn | null): Uint8Array =>
  turn === null ? picture : Uint8Array.from(turnedFrom(turn, S), (p) => picture[p] as number);

export function nearlyAlike(subjects: readonly Subject[]): Pair[] {
  const codes = subjects.map(({ measure }) => cosines(measure.picture));
  const order = byVariance(codes);
  const keyOf = (code: Float64Array): number[] =>
    order.slice(0, 3).map((k) => Math.floor((code[k] as number) / REACH));
  const cells = new Map<string, number[]>();
  const pairs: Pair[] = [];
  for (const [i, upright] of codes.entries()) {
    const b = subjects[i] as Subject;
    const paired = new Set<number>();
    for (const turn of [null, ...TURNS]) {
      // The later one must be turned back.
      const code = turnedCode(upright, turn === null ? null : (BACK[turn] ?? turn));
      const [x = 0, y = 0, z = 0] = keyOf(code);
      for (let n = 0; n < 27; n++) {
        const near = cells.get(
          `${x + (n % 3) - 1},${y + (Math.floor(n / 3) % 3) - 1},${z + Math.floor(n / 9) - 1}`,
        );
        for (const j of near ?? []) {
          if (paired.has(j) || !withinReach(code, codes[j] as Float64Array, order)) continue;
          const a = subjects[j] as Subject;
          if (!isAlike(turnedPicture(a.measure.picture, turn), b.measure.picture)) continue;
          paired.add(j);
          pairs.push({ a, b, turn });
          if (pairs.length >= MOST_PAIRS) return pairs;
        }
      }
    }
    const key = keyOf(upright).join(',');
    const own = cells.get(key);
    if (own) own.push(i);
    else cells.set(key, [i]);
  }
  return pairs;
}

const BACK: Readonly<Partial<Record<Turn, Turn>>> = {
  'quarter turn left': 'quarter turn right',
  'quarter turn right': 'quarter turn left',
};
/** Per turn: are across and down exchanged, do odd waves across and down change sign? */
const SYMMETRY: Readonly<Record<Turn, readonly [exchanged: boolean, across: boolean, down: boolean]>> = {
  mirror: [false, true, false],
  flip: [false, false, true],
  'half turn': [false, true, true],
  'quarter turn left': [true, false, true],
  'quarter turn right': [true, true, false],
  transpose: [true, false, false],
  anti: [true, true, true],
};

function turnedCode(code: Float64Array, turn: Turn | null): Float64Array {
  if (turn === null) return code;
  const [exchanged, across, down] = SYMMETRY[turn];
  const out = new Float64Array(code.length);
  for (let k = 0; k < WAVES; k++)
    for (let l = 0; l < WAVES; l++) {
      const odd = (across ? k : 0) + (down ? l : 0);
      const value = code[exchanged ? l * WAVES + k : k * WAVES + l] as number;
      out[k * WAVES + l] = odd % 2 === 1 ? -value : value;
    }
  return out;
}

function withinReach(a: Float64Array, b: Float64Array, order: readonly number[]): boolean {
  let left = REACH * REACH;
  for (const k of order) {
    left -= ((a[k] as number) - (b[k] as number)) ** 2;
    if (left < 0) return false;
  }
  return true;
}

function isAlike(a: Uint8Array, b: Uint8Array): boolean {
  return correlation(a, b) >= ALIKE && correlation(detail(a), detail(b)) >= ALIKE_DETAIL;
}

/** Minus the mean of the 5 x 5 cells around each. */
function detail(picture: Uint8Array): Float64Array {
  const out = new Float64Array(CELLS);
  for (let y = 0; y < S; y++) {
    for (let x = 0; x < S; x++) {
      let [sum, n] = [0, 0];
      for (let v = Math.max(0, y - 2); v <= Math.min(S - 1, y + 2); v++)
        for (let u = Math.max(0, x - 2); u <= Math.min(S - 1, x + 2); u++, n++)
          sum += picture[v * S + u] as number;
      out[y * S + x] = (picture[y * S + x] as number) - sum / n;
    }
  }
  return out;
}

const wave = Float64Array.from({ length: WAVES * S }, (_, i) => {
  const [k, x] = [Math.floor(i / S), i % S];
  return Math.sqrt((k === 0 ? 1 : 2) / S) * Math.cos((Math.PI * k * (x + 0.5)) / S);
});

/** [6 * 6], orthonormal, of a thumbnail with mean 0 and length 1. */
function cosines(picture: Uint8Array): Float64Array {
  const mean = picture.reduce((sum, level) => sum + level, 0) / CELLS;
  const length = Math.sqrt(picture.reduce((sum, level) => sum + (level - mean) ** 2, 0)) || 1;
  const rows = new Float64Array(WAVES * S); // [waves across, S]
  for (let k = 0; k < WAVES; k++)
    for (let y = 0; y < S; y++)
      for (let x = 0; x < S; x++)
        rows[k * S + y] = (rows[k * S + y] as number) + (wave[k * S + x] as number) * (((picture[y * S + x] as number) - mean) / length); // prettier-ignore
  const out = new Float64Array(WAVES * WAVES);
  for (let k = 0; k < WAVES; k++)
    for (let l = 0; l < WAVES; l++)
      for (let y = 0; y < S; y++)
        out[k * WAVES + l] = (out[k * WAVES + l] as number) + (wave[l * S + y] as number) * (rows[k * S + y] as number); // prettier-ignore
  return out;
}

/** Those that separate most pairs first. */
function byVariance(codes: readonly Float64Array[]): number[] {
  const n = WAVES * WAVES;
  const spread = Array.from({ length: n }, (_, k) => {
    const mean = codes.reduce((sum, code) => sum + (code[k] as number), 0) / codes.length;
    return codes.reduce((sum, code) => sum + ((code[k] as number) - mean) ** 2, 0);
  });
  return Array.from({ length: n }, (_, k) => k).sort((a, b) => (spread[b] as number) - (spread[a] as number));
}
