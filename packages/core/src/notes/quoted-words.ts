/** How warnings quote words of a note: few and short, since a message may be kept where the note must not be. */
import type { WarningWord } from '../warnings.js';

/** Most words that a message quotes. */
export const LISTED = 5;
/** Most characters quoted per word. */
const LONGEST_WORD = 32;
/** Characters that still form a single word in a script without spaces. */
const WORD_WITHOUT_BLANKS = 2;
/** Scripts without spaces between words: what looks like one word may be the whole note, including names. */
const WITHOUT_BLANKS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** A word as quoted; for a clause without spaces, its first character. */
export function shortened(word: string): string {
  const signs = [...word];
  const clause = WITHOUT_BLANKS.test(word);
  if (signs.length <= (clause ? WORD_WITHOUT_BLANKS : LONGEST_WORD)) return word;
  return `${signs.slice(0, clause ? 1 : LONGEST_WORD).join('')}…`;
}

/** The first words, each shortened. */
export const listedWords = (words: readonly WarningWord[]): WarningWord[] =>
  words.slice(0, LISTED).map((one) => ({ ...one, word: shortened(one.word) }));

/** `"middel" (middle?), "foo" and 2 more`. */
export function quotedWords(words: readonly WarningWord[]): string {
  const shown = listedWords(words).map(({ word, nearest }) => `"${word}"${nearest ? ` (${nearest}?)` : ''}`);
  return `${shown.join(', ')}${words.length > LISTED ? ` and ${words.length - LISTED} more` : ''}`;
}
