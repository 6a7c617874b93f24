/**
 * Pictures that occur twice: pixel by pixel, or nearly (another size, another compression, a shifted brightness). Across splits they make a test say
 * more than it should; within a split, equal notes with different masks contradict each other.
 *
 * Nearly: thumbnails correlate by at least 0.985, and by 0.8 once what is smooth is taken away. In QaTa-COV19 all 48 such pairs are the same film by eye;
 * the two most similar of 600 phantoms correlate by 0.973 (docs/guide/check-data.md).
 *
 * Thumbnails with mean 0 and length 1 lie as far apart as sqrt(2 - 2 r), and so do, at most, any of their cosine coefficients: cells of that size
 * in three coefficients leave few pairs to compare.
 */
import { namedZones, parseNote, wordsOf } from '@reclmis/core';
import { THUMB as S } from '../measure/thumbnail.js';
import { correlation } from './fit.js';
import { counted, type SuspectCase, type Subject, suspicion, type Suspicion } from './types.js';

const ALIKE = 0.985;
const ALIKE_DETAIL = 0.8;
const REACH = Math.sqrt(2 - 2 * ALIKE);
/** Overlap of two masks of one picture: they differ below the first, and are the same above the second. */
const DIFFERENT_MASKS = 0.6;
const SAME_MASKS = 0.95;
const CELLS = S * S;
/** Cosines across and down that are compared before all cells are. */
const WAVES = 6;
/** Pairs that are kept; a set of equal pictures would have millions. */
const MOST_PAIRS = 100_000;

export type Pair = readonly [Subject, Subject];

/** Pairs of the same picture. Of more than two of the same pixels, each with the first. */
export function duplicatePairs(subjects: readonly Subject[]): Pair[] {
  const exact = new Map<string, Subject[]>();
  for (const one of subjects) {
    const group = exact.get(one.measure.hash);
    if (group) group.push(one);
    else exact.set(one.measure.hash, [one]);
  }
  const pairs: Pair[] = [...exact.values()].flatMap(
    (group) =>
    group.slice(1).map((one): Pair => [group.find(({ split }) => split !== one.split) ?? (group[0] as Subject), one]), // prettier-ignore
  );
  const firsts = [...exact.values()].map(([first]) => first as Subject);
  return [...pairs, ...nearlyAlike(firsts.filter(({ measure }) => measure.grey8.sd > 2))];
}

export function duplicateSuspicions(subjects: readonly Subject[]): Suspicion[] {
  const found: Suspicion[] = [];
  const across: SuspectCase[] = [];
  const differ: SuspectCase[] = [];
  for (const [a, b] of duplicatePairs(subjects)) {
    const pair = { split: a.split, id: a.id, other: { split: b.split, id: b.id } };
    const same = a.measure.hash === b.measure.hash ? 'the same pixels' : null;
    if (a.split !== b.split) across.push({ ...pair, ...(same === null ? {} : { why: same }) });
    const why = contradiction(a, b);
    if (why !== null) differ.push({ ...pair, why });
  }
  if (across.length > 0)
    found.push(
      suspicion(
        'DUPLICATES_ACROSS_SPLITS',
        `${counted(across.length, 'picture is', 'pictures are')} in two splits`,
        across,
      ),
    );
  if (differ.length > 0)
    found.push(
      suspicion(
        'DUPLICATES_DIFFER',
        `${counted(differ.length, 'picture occurs', 'pictures occur')} twice with masks or notes that contradict each other`,
        differ,
      ),
    );
  return found;
}

/** Two notes on one picture may each have a mask of their own; one note with two masks, or two places of one mask, is a contradiction. */
function contradiction(a: Subject, b: Subject): string | null {
  const dice = diceOf(a.measure.shape, b.measure.shape);
  if (wordsOf(a.note).join(' ') === wordsOf(b.note).join(' '))
    return dice < DIFFERENT_MASKS ? 'one note, different masks' : null;
  const [one, other] = [namedZones(parseNote(a.note)), namedZones(parseNote(b.note))];
  const apart = one !== null && other !== null && (one & other) === 0;
  return apart && dice > SAME_MASKS ? 'one mask, notes of different places' : null;
}

/** Dice of two coverages; 1 of two empty ones. */
function diceOf(a: Uint8Array, b: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let p = 0; p < a.length; p++) {
    both += Math.min(a[p] as number, b[p] as number);
    sum += (a[p] as number) + (b[p] as number);
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}

function nearlyAlike(subjects: readonly Subject[]): Pair[] {
  const codes = subjects.map(({ measure }) => cosines(measure.picture));
  const order = byVariance(codes);
  const keyOf = (code: Float64Array): number[] =>
    order.slice(0, 3).map((k) => Math.floor((code[k] as number) / REACH));
  const cells = new Map<string, number[]>();
  const pairs: Pair[] = [];
  for (const [i, code] of codes.entries()) {
    const [x = 0, y = 0, z = 0] = keyOf(code);
    for (let n = 0; n < 27; n++) {
      const near = cells.get(
        `${x + (n % 3) - 1},${y + (Math.floor(n / 3) % 3) - 1},${z + Math.floor(n / 9) - 1}`,
      );
      for (const j of near ?? []) {
        if (!withinReach(code, codes[j] as Float64Array, order)) continue;
        const [a, b] = [subjects[j] as Subject, subjects[i] as Subject];
        if (isAlike(a.measure.picture, b.measure.picture)) pairs.push([a, b]);
        if (pairs.length >= MOST_PAIRS) return pairs;
      }
    }
    const key = `${x},${y},${z}`;
    const own = cells.get(key);
    if (own) own.push(i);
    else cells.set(key, [i]);
  }
  return pairs;
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

/** A thumbnail less the mean of the 5 x 5 cells around each. */
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

/** [6 * 6] cosine coefficients of a thumbnail with mean 0 and length 1; orthonormal. */
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

/** The coefficients that differ most from picture to picture first: they part most pairs at once. */
function byVariance(codes: readonly Float64Array[]): number[] {
  const n = WAVES * WAVES;
  const spread = Array.from({ length: n }, (_, k) => {
    const mean = codes.reduce((sum, code) => sum + (code[k] as number), 0) / codes.length;
    return codes.reduce((sum, code) => sum + ((code[k] as number) - mean) ** 2, 0);
  });
  return Array.from({ length: n }, (_, k) => k).sort((a, b) => (spread[b] as number) - (spread[a] as number));
}
