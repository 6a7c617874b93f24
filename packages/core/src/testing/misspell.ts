/** Typing errors for tests and measurements: swapped, doubled, left out, and the neighbouring key of an English keyboard. */
import type { Random } from '../random.js';

const ROWS = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'];
const SHORTEST = 3;

/** The keys left and right of a letter. */
function neighbours(letter: string): string[] {
  const row = ROWS.find((keys) => keys.includes(letter));
  const at = row?.indexOf(letter) ?? 0;
  return [row?.[at - 1], row?.[at + 1]].filter((key) => key !== undefined);
}

/** A word's misspellings by one slip, each once. */
export function slipsOf(word: string): string[] {
  const found = new Set<string>();
  for (let i = 0; i < word.length; i++) {
    const [before, letter, after] = [word.slice(0, i), word.charAt(i), word.slice(i + 1)];
    found.add(before + after);
    found.add(before + letter + letter + after);
    if (after !== '') found.add(before + after.charAt(0) + letter + after.slice(1));
    for (const key of neighbours(letter)) found.add(before + key + after);
  }
  found.delete(word);
  return [...found];
}

/** A note with slips in so many of its words (all: in each) of three letters or more; none becomes a word in `known`. */
export function misspelt(
  note: string,
  count: number | 'all',
  random: Random,
  known: ReadonlySet<string>,
): string {
  const words = [...note.matchAll(/[a-z]+/giu)].filter(([word]) => word.length >= SHORTEST);
  const order = random.permutation(words.length);
  const chosen = new Set(count === 'all' ? order : order.slice(0, count));
  let [text, end] = ['', 0];
  words.forEach((match, at) => {
    const [word] = match;
    const slips = chosen.has(at) ? slipsOf(word.toLowerCase()).filter((slip) => !known.has(slip)) : [];
    text += note.slice(end, match.index) + (slips[random.int(Math.max(1, slips.length))] ?? word);
    end = match.index + word.length;
  });
  return text + note.slice(end);
}
