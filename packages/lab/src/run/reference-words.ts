/**
 * Which words of the training notes a run may remember, so that none is a patient's name: a run's `reference.json` goes into exported manifests.
 *
 * - Words of the grammar of notes, and general ones of reports.
 * - Words that the notes of at least `LEAST_PATIENTS` patients have, where the names of the images tell patients.
 * - Where they tell none, an image is no patient: one patient's surname may be in any number of notes. There a word must be in a tenth of all notes and in
 *   nearly every stretch of the images in the order of their names, which one patient's images are not.
 */
import { isNoteWord, isReportWord, wordsOf } from '@reclmis/core';
import { grouping } from '../data/groups.js';
import type { Case } from '../data/types.js';

/** Patients whose notes a word must be in. */
const LEAST_PATIENTS = 5;
/** Longest word that is kept. */
const LONGEST_WORD = 64;
/** Where nothing tells patients: notes, and share of them, that a word must be in. */
const LEAST_NOTES = 20;
const LEAST_SHARE = 0.1;
/** Stretches of the images in the order of their names, and in how many a word must be. */
const STRETCHES = 10;
const LEAST_STRETCHES = 8;

/** Where a word occurs. */
interface Seen {
  readonly patients: Set<string>;
  /** Notes of images whose names tell no patient. */
  notes: number;
  readonly stretches: Set<number>;
}

/** The words of notes that may be kept, in order of code points. @param group see `grouping`. */
export function wordsToKeep(cases: readonly Pick<Case, 'id' | 'note'>[], group?: string): string[] {
  const { groupOf, fits } = grouping(group);
  const seen = new Map<string, Seen>();
  const sorted = [...cases].sort((a, b) => (a.id < b.id ? -1 : 1));
  const untold = sorted.filter(({ id }) => !fits(id));
  let passed = 0; // of the untold
  for (const { id, note } of sorted) {
    const told = fits(id);
    const stretch = Math.floor((passed * STRETCHES) / Math.max(1, untold.length));
    if (!told) passed++;
    for (const word of new Set(wordsOf(note))) {
      const one = seen.get(word) ?? { patients: new Set(), notes: 0, stretches: new Set() };
      seen.set(word, one);
      if (told) {
        if (one.patients.size < LEAST_PATIENTS) one.patients.add(groupOf(id));
      } else {
        one.notes++;
        one.stretches.add(stretch);
      }
    }
  }
  const frequent = Math.max(LEAST_NOTES, LEAST_SHARE * untold.length);
  const named = ({ patients, notes, stretches }: Seen): boolean =>
    patients.size < LEAST_PATIENTS && (notes < frequent || stretches.size < LEAST_STRETCHES);
  return [...seen]
    .filter(
      ([word, one]) => word.length <= LONGEST_WORD && (isNoteWord(word) || isReportWord(word) || !named(one)),
    )
    .map(([word]) => word)
    .sort((a, b) => (a < b ? -1 : 1));
}
