/**
 * Notes for mirrored and turned images: exchanges the words for sides (or for heights) in any text and leaves everything
 * else as it stands. Used by the augmentation, so that a mirrored image keeps a true note.
 *
 * Word by word: "left-sided" and "leftlung" change, "bright", "copyright" and "slower" do not. Lower case, Capitalised and
 * UPPER CASE are kept; words in any other casing come out in lower case. Abbreviated lobes (RUL, LLL) change as well, and what
 * the grammar takes for a slip ("rigth" becomes "left", which is then spelt right).
 */
import { inCaseOf, splitGlued, withoutSlip } from './note-words.js';

const SIDES = pairs([
  ['left', 'right'],
  ['lefts', 'rights'],
  ['leftmost', 'rightmost'],
  ['leftward', 'rightward'],
  ['leftwards', 'rightwards'],
  ['leftsided', 'rightsided'],
  ['lefthand', 'righthand'],
]);
const HEIGHTS = pairs([
  ['upper', 'lower'],
  ['uppermost', 'lowermost'],
  ['top', 'bottom'],
  ['superior', 'inferior'],
  ['apical', 'basal'],
  ['apex', 'base'],
  ['apices', 'bases'],
]);
const OTHER_PLACES = new Set(['middle', 'mid', 'midzone', 'midzones']);
const LOBE = /^[LR][UML]L$/u;
const WORD = /\p{L}+/gu;

/** The note of the mirrored image: left and right exchanged, everything else as it stands. Its own inverse, but for slips. */
export function mirrorNote(text: string): string {
  return exchange(text, SIDES, { L: 'R', R: 'L' }, 0);
}

/** The note of the image upside down: upper and lower exchanged, everything else as it stands. Its own inverse, but for slips. */
export function flipNoteVertically(text: string): string {
  return exchange(text, HEIGHTS, { U: 'L', L: 'U' }, 1);
}

/** Whether a text names a side, so that mirroring the image would make it untrue. */
export function namesSide(text: string): boolean {
  return names(text, (word) => SIDES.has(word));
}

/** Whether a text names a side or a height, so that turning the image would make it untrue. */
export function namesPlace(text: string): boolean {
  return names(text, (word) => SIDES.has(word) || HEIGHTS.has(word) || OTHER_PLACES.has(word));
}

function names(text: string, isNamed: (word: string) => boolean): boolean {
  for (const [word] of text.matchAll(WORD)) {
    const lower = word.toLowerCase();
    if (LOBE.test(word) || isNamed(lower) || partsOf(lower).some(isNamed)) return true;
  }
  return false;
}

/** Exchanges words by `opposites`, and letter `position` of abbreviated lobes by `letters`. */
function exchange(
  text: string,
  opposites: ReadonlyMap<string, string>,
  letters: Readonly<Record<string, string>>,
  position: number,
): string {
  return text.replace(WORD, (word) => {
    if (LOBE.test(word)) {
      const letter = word.charAt(position);
      return word.slice(0, position) + (letters[letter] ?? letter) + word.slice(position + 1);
    }
    const lower = word.toLowerCase();
    const parts = opposites.has(lower) ? [lower] : partsOf(lower);
    const exchanged = parts.map((part) => opposites.get(part) ?? part);
    return exchanged.every((part, i) => part === parts[i]) ? word : inCaseOf(word, exchanged.join(''));
  });
}

/** The words of the grammar that a lower-case word stands for, as `parseNote` reads it; else itself. */
function partsOf(lower: string): readonly string[] {
  return splitGlued(lower) ?? [withoutSlip(lower)];
}

function pairs(list: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  return new Map(
    list.flatMap(([a, b]): [string, string][] => [
      [a, b],
      [b, a],
    ]),
  );
}
