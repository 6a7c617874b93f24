/**
 * What a model reads for a word that it has never seen: the known word of which it is plainly a slip, else nothing.
 *
 * Stricter than a suggestion (`nearest-word.ts`), since nobody is asked: an ordinary word is no slip ("there" is not
 * "three"), and a place is read only where mirroring a note finds it too, or an exchanged "left" would stay where it
 * was. A word that is read otherwise than before is another encoder for models that exist; `slips.test.ts` pins the
 * readings.
 */
import { editDistance } from '../text/edit-distance.js';
import { beginsAlike, type KnownWords, nearestWord } from './nearest-word.js';
import { flipNoteVertically, mirrorNote } from './note-mirror.js';
import { ORDINARY_WORDS } from './ordinary-words.js';

/** In shorter words two slips lead to too many others: "mildly" is not "middle". */
const LONG = 9;
/** Such words have so many neighbours that at least the first letter must agree. */
const SHORT = 3;

/**
 * @param word in lower case, not known. @returns one known word, or those that a missing space joins; null if the
 * word may mean something else.
 */
export function readSlip(word: string, known: KnownWords): readonly string[] | null {
  if (ORDINARY_WORDS.has(word) || /\d/u.test(word)) return null; // "3 cm" is no count
  const parts = nearestWord(word, known)?.split(' ') ?? null;
  const [first, ...others] = parts ?? [];
  if (parts === null || first === undefined || !movesAlike(word, parts.join(''))) return null;
  if (others.length > 0) return parts; // a missing space
  if (Math.min(word.length, first.length) < SHORT) return null;
  if (first.length === SHORT && !beginsAlike(word, first)) return null;
  return editDistance(word, first) === 1 || word.length >= LONG ? parts : null;
}

/** Whether a mirrored or turned note has the other place where the word's reading has. */
function movesAlike(word: string, read: string): boolean {
  return [mirrorNote, flipNoteVertically].every((exchange) => {
    const other = exchange(read);
    return other === read ? exchange(word) === word : exchange(word) === other;
  });
}
