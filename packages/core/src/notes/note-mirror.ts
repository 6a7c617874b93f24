/**
 * Notes for mirrored and turned images: swaps the words for sides (or heights) in any text and leaves everything else
 * unchanged. Augmentation uses it so that a mirrored image keeps a true note.
 *
 * Word by word: "left-sided" and "leftlung" change, "bright", "copyright" and "slower" do not. Lower case, Capitalised
 * and UPPER CASE are kept; other casings become lower case. Abbreviated lobes (RUL, LLL) change too, as do slips that
 * the grammar knows ("rigth" becomes "left").
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

/** The note for the mirrored image: left and right swapped. Its own inverse, except for slips. */
export function mirrorNote(text: string): string {
  return exchange(text, SIDES, { L: 'R', R: 'L' }, 0);
}

/** The note for the image upside down: upper and lower swapped. Its own inverse, except for slips. */
export function flipNoteVertically(text: string): string {
  return exchange(text, HEIGHTS, { U: 'L', L: 'U' }, 1);
}

/** Whether a text names a side, so mirroring the image would make it untrue. */
export function namesSide(text: string): boolean {
  return names(text, (word) => SIDES.has(word));
}

/** Whether a text names a side or a height, so turning the image would make it untrue. */
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

/** Swaps words by `opposites`, and letter `position` of abbreviated lobes by `letters`. */
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
