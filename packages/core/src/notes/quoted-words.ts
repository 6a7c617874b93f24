/** Quotes words of a note in warnings, few and short: a message may be kept where the note must not be. */
import type { WarningWord } from '../warnings.js';

export const LISTED = 5;
const LONGEST_WORD = 32;
/** Characters that are still a single word there. */
const WORD_WITHOUT_BLANKS = 2;
/** Scripts without spaces: an apparent word may be the whole note, names included. */
const WITHOUT_BLANKS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** A word as quoted; for a clause without spaces, its first character. */
export function shortened(word: string): string {
  const signs = [...word];
  const clause = WITHOUT_BLANKS.test(word);
  if (signs.length <= (clause ? WORD_WITHOUT_BLANKS : LONGEST_WORD)) return word;
  return `${signs.slice(0, clause ? 1 : LONGEST_WORD).join('')}…`;
}

export const listedWords = (words: readonly WarningWord[]): WarningWord[] =>
  words.slice(0, LISTED).map((one) => ({ ...one, word: shortened(one.word) }));

/** `"middel" (middle?), "lugn" (read as lung), "foo" and 2 more`. */
export function quotedWords(words: readonly WarningWord[]): string {
  const shown = listedWords(words).map(({ word, nearest, read }) => {
    if (nearest === undefined) return `"${word}"`;
    return `"${word}" (${read ? `read as ${nearest}` : `${nearest}?`})`;
  });
  return `${shown.join(', ')}${words.length > LISTED ? ` and ${words.length - LISTED} more` : ''}`;
}
