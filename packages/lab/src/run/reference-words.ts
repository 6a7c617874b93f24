/**
 * Chooses the words of training notes that a run may remember: exports contain its `reference.json`, so no patient's
 * name may be among them.
 *
 * - Words of the note grammar, and general ones of reports.
 * - Words in the notes of at least `LEAST_PATIENTS` patients, if image names tell patients.
 * - Otherwise, words in a tenth of all notes and in nearly every stretch of the images sorted by name.
 */
import { isNoteWord, isReportWord, wordsOf } from '@reclmis/core';
import { grouping, type Case } from '@reclmis/data';

const LEAST_PATIENTS = 5;
const LONGEST_WORD = 64;
/** If nothing tells patients. */
const LEAST_NOTES = 20;
const LEAST_SHARE = 0.1;
/** Stretches of images sorted by name, and how many must have the word. */
const STRETCHES = 10;
const LEAST_STRETCHES = 8;

interface Seen {
  readonly patients: Set<string>;
  /** Notes of images whose names tell no patient. */
  notes: number;
  readonly stretches: Set<number>;
}

/** In code point order. @param group see `grouping` @param texts all of whose words are kept */
export function wordsToKeep(
  cases: readonly Pick<Case, 'id' | 'imageId' | 'patient' | 'note'>[],
  group?: string,
  texts: readonly string[] = [],
): string[] {
  const { groupOf, fits } = grouping(group);
  const seen = new Map<string, Seen>();
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  const untold = sorted.filter((one) => !fits(one));
  let passed = 0;
  for (const named of sorted) {
    const told = fits(named);
    const stretch = Math.floor((passed * STRETCHES) / Math.max(1, untold.length));
    if (!told) passed++;
    for (const word of new Set(wordsOf(named.note))) {
      const one = seen.get(word) ?? { patients: new Set(), notes: 0, stretches: new Set() };
      seen.set(word, one);
      if (told) {
        if (one.patients.size < LEAST_PATIENTS) one.patients.add(groupOf(named));
      } else {
        one.notes++;
        one.stretches.add(stretch);
      }
    }
  }
  const frequent = Math.max(LEAST_NOTES, LEAST_SHARE * untold.length);
  const named = ({ patients, notes, stretches }: Seen): boolean =>
    patients.size < LEAST_PATIENTS && (notes < frequent || stretches.size < LEAST_STRETCHES);
  const kept = [...seen]
    .filter(
      ([word, one]) => word.length <= LONGEST_WORD && (isNoteWord(word) || isReportWord(word) || !named(one)),
    )
    .map(([word]) => word);
  return [
    ...new Set([
      ...kept,
      ...texts.flatMap((text) => wordsOf(text)).filter(({ length }) => length <= LONGEST_WORD),
    ]),
  ].sort((a, b) => (a < b ? -1 : 1));
}
