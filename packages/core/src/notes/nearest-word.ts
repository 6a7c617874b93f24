/**
 * The known word that an unknown one may be a slip of: by Damerau and Levenshtein's distance in its restricted form (letters exchanged, left out, added,
 * or two neighbours swapped, each once), within a limit by the word's length; a word without its blanks ("leftlung"); two halves of one ("pul monary").
 *
 * A suggestion is a question to a person. It never leads to the opposite of what was written: "lll" is not "rll", "unilateral" not "bilateral",
 * "irregularly" not "regularly", "hyperdense" not "hypodense" (`opposites.ts`).
 */
import { editDistance } from '../text/edit-distance.js';
import { negates, opposed } from './opposites.js';

/** Longer words are of no known kind, and the distance takes their square. */
const LONGEST = 40;
/** Least letters of a part of a word without its blanks, but for these. */
const LEAST_PART = 3;
const SHORT_PARTS = new Set(['of', 'in', 'no', 'is', 'at', 'to']);
/** Digits and the words that notes write for them. */
const NUMBERS = 'zero one two three four five six seven eight nine ten'.split(' ');

/** Words that a model knows, lower-case. */
export interface KnownWords {
  has(word: string): boolean;
  readonly words: Iterable<string>;
}

/**
 * The known word or words that an unknown, lower-case word may have been meant as; null where none is near, or where two that are equally near are
 * opposites of each other.
 */
export function nearestWord(word: string, known: KnownWords): string | null {
  const digits = /^\d{1,2}$/.test(word) ? NUMBERS[Number(word)] : undefined;
  if (digits !== undefined) return known.has(digits) ? digits : null;
  if (word.length > LONGEST) return null;
  const parts = partsOf(word, known);
  if (parts !== null && !negates(parts, word)) return parts.join(' ');
  const limit = limitOf(word.length);
  if (limit === 0) return null;
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

/** How far a slip may go: short words are near to each other without being meant. */
function limitOf(length: number): number {
  return length < 3 ? 0 : length < 6 ? 1 : length < 10 ? 2 : 3;
}

/** Two slips or more hardly ever touch the first letter too. */
function beginsAlike(a: string, b: string): boolean {
  return a[0] === b[0] || (a[0] === b[1] && a[1] === b[0]);
}

/** Chooses among equally near words: first the one with the same beginning, then the same letters, then the same length. */
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

/** The fewest known words that a word consists of, at least two; null where it does not. */
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
