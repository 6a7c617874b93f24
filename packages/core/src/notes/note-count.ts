/** Numbers in LViT's notes, such as "two infected areas". */
import { clausesOf, inCaseOf, type Word } from './note-words.js';

const NUMBERS = [
  'zero one two three four five six seven eight nine ten',
  'eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty',
]
  .join(' ')
  .split(' ');
const AREA = new Set(['area', 'areas', 'region', 'regions', 'lesion', 'lesions']);
const AFFECTED = new Set(['infected', 'affected']);

export const LARGEST_NUMBER_WORD = NUMBERS.length - 1;

/** Reads "two infected areas" or "3 regions"; `words` is how many it takes. */
export function countAt(words: readonly Word[], at: number): { count: number; words: number } | null {
  const count = numberOf(words[at]?.known ?? '');
  if (count === null) return null;
  const noun = AFFECTED.has(words[at + 1]?.known ?? '') ? 2 : 1;
  return AREA.has(words[at + noun]?.known ?? '') ? { count, words: noun + 1 } : null;
}

/** Writes a number as the notes do: `two`; digits above twenty. */
export function numberWord(value: number): string {
  return NUMBERS[value] ?? String(value);
}

/**
 * Adds one area to number and noun (one fewer would not fit all places: "bilateral, one infected area"). A
 * note without a number stays as it is.
 */
export function recountNote(text: string): string {
  for (const clause of clausesOf(text).flat()) {
    for (let i = 0; i < clause.words.length; i++) {
      const found = countAt(clause.words, i);
      if (found === null) continue;
      const number = clause.words[i] as Word;
      const noun = clause.words[i + found.words - 1] as Word;
      const [digits, thing] = [text.slice(number.start, number.end), text.slice(noun.start, noun.end)];
      const more = /^[0-9]/.test(digits) ? String(found.count + 1) : numberWord(found.count + 1);
      const things = found.count + 1 === 1 ? noun.known.replace(/s$/, '') : noun.known.replace(/s?$/, 's');
      return (
        text.slice(0, number.start) +
        inCaseOf(digits, more) +
        text.slice(number.end, noun.start) +
        inCaseOf(thing, things) +
        text.slice(noun.end)
      );
    }
  }
  return text;
}

function numberOf(word: string): number | null {
  if (/^[0-9]{1,6}$/.test(word)) return Number(word);
  const value = NUMBERS.indexOf(word);
  return value >= 0 ? value : word === 'single' ? 1 : null;
}
