/**
 * Suggests the known word behind a slip: by restricted Damerau-Levenshtein distance, a missing space
 * ("leftlung") or an added one ("pul monary"). Never the opposite: "lll" is not "rll", "hyperdense" not
 * "hypodense" (`opposites.ts`).
 */
import { editDistance } from '../text/edit-distance.js';
import { negates, opposed } from './opposites.js';

/** The distance takes quadratic time. */
const LONGEST = 40;
const LEAST_PART = 3;
/** A clause is a word, or a word has few letters: one of them may be the side. */
const NO_ALPHABET = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u;
const SHORT_PARTS = new Set(['of', 'in', 'no', 'is', 'at', 'to']);
const NUMBERS = 'zero one two three four five six seven eight nine ten'.split(' ');

/** Lower-case words that a model knows. */
export interface KnownWords {
  has(word: string): boolean;
  readonly words: Iterable<string>;
  /** The known words that the model reads for one that it does not know; absent: none. */
  readonly read?: (word: string) => readonly string[] | null;
}

/**
 * The known word or words that a lower-case word may stand for; null if none is near, or two opposites are
 * equally near.
 */
export function nearestWord(word: string, known: KnownWords): string | null {
  const digits = /^\d{1,2}$/.test(word) ? NUMBERS[Number(word)] : undefined;
  if (digits !== undefined) return known.has(digits) ? digits : null;
  if (word.length > LONGEST) return null;
  const parts = partsOf(word, known);
  if (parts !== null && !negates(parts, word)) return parts.join(' ');
  const limit = limitOf(word.length);
  if (limit === 0 || NO_ALPHABET.test(word)) return null;
  let best: string[] = [];
  let least = limit;
  for (const one of known.words) {
    if (Math.abs(one.length - word.length) > least) continue;
    const steps = editDistance(word, one, least);
    if (steps > least || (steps > 1 && !beginsAlike(word, one))) continue;
    if (steps < least) best = [];
    least = steps;
    best.push(one);
  }
  best = best.filter((one) => !opposed(word, one));
  const [first, ...others] = best.sort((a, b) => likeness(word, b) - likeness(word, a) || (a < b ? -1 : 1));
  if (first === undefined || others.some((one) => opposed(first, one))) return null;
  return first;
}

function limitOf(length: number): number {
  return length < 3 ? 0 : length < 6 ? 1 : length < 10 ? 2 : 3;
}

/** Two slips rarely hit the first letter too. */
export function beginsAlike(a: string, b: string): boolean {
  return a[0] === b[0] || (a[0] === b[1] && a[1] === b[0]);
}

function likeness(word: string, one: string): number {
  let begin = 0;
  while (begin < word.length && word[begin] === one[begin]) begin++;
  const letters = (text: string): string => [...text].sort().join('');
  return (
    (word[0] === one[0] ? 1000 : 0) +
    (letters(word) === letters(one) ? 500 : 0) +
    (word.length === one.length ? 100 : 0) +
    begin
  );
}

function partsOf(word: string, known: KnownWords): string[] | null {
  const best: (string[] | null)[] = [[]]; // of the first n letters
  for (let end = 1; end <= word.length; end++) {
    let found: string[] | null = null;
    for (let start = 0; start < end; start++) {
      const head = best[start];
      const part = word.slice(start, end);
      const usable = part.length >= LEAST_PART || SHORT_PARTS.has(part);
      if (!head || !usable || !known.has(part)) continue;
      if (found === null || head.length + 1 < found.length) found = [...head, part];
    }
    best.push(found);
  }
  const parts = best[word.length] ?? null;
  return parts !== null && parts.length > 1 ? parts : null;
}
