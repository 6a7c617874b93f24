/**
 * Notes for mirrored and turned images: swaps words for sides or heights in any text. "left-sided",
 * "leftlung", abbreviated lobes (RUL, LLL) and slips that the grammar knows ("rigth") change, "bright" does
 * not. Lower case, Capitalised and UPPER CASE are kept.
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

/** Swaps left and right. Its own inverse, except for slips. */
export function mirrorNote(text: string): string {
  return exchange(text, SIDES, { L: 'R', R: 'L' }, 0);
}

/** Swaps upper and lower. Its own inverse, except for slips. */
export function flipNoteVertically(text: string): string {
  return exchange(text, HEIGHTS, { U: 'L', L: 'U' }, 1);
}

/** Whether mirroring the image would make a text untrue. */
export function namesSide(text: string): boolean {
  return names(text, (word) => SIDES.has(word));
}

/** Whether turning the image would make a text untrue. */
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
