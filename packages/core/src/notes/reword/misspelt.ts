/**
 * Typing errors: letters swapped, dropped, doubled, or struck next to the right key. An error makes
 * no other word of a note, and nothing that is as near to another ("theee" to "three" and "these").
 */
import { opposed } from '../opposites.js';
import { NOTE_WORDS } from '../note-words.js';
import { REPORT_WORDS } from '../report-words.js';
import { Random } from '../../random.js';
import { editDistance } from '../../text/edit-distance.js';
import { WORDING_SETS, type WordingSet } from './wording.js';

/** Shorter words ("and", "all") have too many neighbours. */
const LEAST_LETTERS = 4;
const MOST_ERRORS = 3;
/** Draws until a word has an admissible error; a word that has none stays. */
const TRIES = 20;
const MEANINGFUL = [...NOTE_WORDS, ...REPORT_WORDS];
const WORD = /\p{L}+/gu;

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];
const SLIPS: readonly ((word: string, at: number, random: Random) => string)[] = [
  (word, at) => word.slice(0, at - 1) + word.charAt(at) + word.charAt(at - 1) + word.slice(at + 1), // swapped
  (word, at) => word.slice(0, at) + word.slice(at + 1), // dropped
  (word, at) => word.slice(0, at) + word.charAt(at) + word.slice(at), // doubled
  (word, at, random) => word.slice(0, at) + neighbour(word.charAt(at), random) + word.slice(at + 1),
];

/** One to three words misspelt; null if no word can be. */
export function misspelt(text: string, set: WordingSet, random: Random): string | null {
  const words = [...text.matchAll(WORD)].filter(([word]) => word.length >= LEAST_LETTERS);
  const errors = 1 + random.int(MOST_ERRORS);
  const slips = random
    .shuffle(words)
    .slice(0, errors)
    .flatMap((match) => {
      const typed = slipOf(match[0], set, random);
      return typed === null ? [] : [{ start: match.index, end: match.index + match[0].length, typed }];
    })
    .sort((a, b) => b.start - a.start); // from the end, so that earlier positions hold
  if (slips.length === 0) return null;
  return slips.reduce((all, { start, end, typed }) => all.slice(0, start) + typed + all.slice(end), text);
}

/** The first letter stays: few errors hit it, and it tells most. */
function slipOf(word: string, set: WordingSet, random: Random): string | null {
  for (let i = 0; i < TRIES; i++) {
    const from = 1 + random.int(word.length - 1);
    const slip = random.pick(SLIPS);
    const typed = slip(word, slip === SLIPS[0] ? Math.max(2, from) : from, random);
    if (typed !== word && setOf(typed) === set && isHarmless(typed.toLowerCase(), word.toLowerCase()))
      return typed;
  }
  return null;
}

/** Every misspelt form belongs to one set, whatever note it is in. */
function setOf(typed: string): WordingSet {
  return Random.from('reword', 'typed', typed.toLowerCase()).pick(WORDING_SETS);
}

function isHarmless(typed: string, word: string): boolean {
  if (opposed(typed, word) || editDistance(typed, word, 2) !== 1) return false;
  const near = MEANINGFUL.filter(
    (other) => Math.abs(other.length - typed.length) <= 1 && editDistance(typed, other, 1) <= 1,
  );
  return near.every((other) => other !== typed && (other.startsWith(word) || word.startsWith(other)));
}

function neighbour(letter: string, random: Random): string {
  const row = ROWS.find((one) => one.includes(letter.toLowerCase()));
  if (row === undefined) return letter;
  const at = row.indexOf(letter.toLowerCase());
  return random.pick([row.charAt(at - 1), row.charAt(at + 1)].filter((one) => one !== ''));
}
