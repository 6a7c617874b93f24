/**
 * Whose left and right a note means. A radiologist's "left" is the patient's, on the image's right; other
 * data sets (QaTa-COV19) mean the image's own. A model has learnt its training notes' convention; other notes
 * are mirrored for it.
 */
import { exchangedNote } from './note-exchange.js';
import { isCovered } from './note-grammar.js';
import { parseNote } from './note.js';
import { quotedWords } from './quoted-words.js';
import { chest, sameWords, type Vocabulary } from './reader/index.js';
import type { Warning } from '../warnings.js';
import { mirrorZones, namedZones, type Sides } from './zone-map.js';

/** `unknown` if neither stated nor inferable. */
export type StatedSides = Sides | 'unknown';

export const CONVENTIONS = ['patient', 'image'] as const satisfies readonly Sides[];
export const STATED_SIDES = [...CONVENTIONS, 'unknown'] as const satisfies readonly StatedSides[];

export interface SidedNote {
  readonly text: string;
  /** As stated, else as in the model's own notes. */
  readonly sides: StatedSides;
  /** Left and right were swapped for the model. */
  readonly mirrored: boolean;
  /** SIDES_UNKNOWN, SIDES_NOT_MIRRORED. */
  readonly warnings: readonly Warning[];
}

/** What is known of a note beyond its words. */
export interface SidedBy {
  /** In whose words the note may be; default: `chest`. */
  readonly vocabulary?: Vocabulary;
  /** The note with left and right swapped, complete; default: as `exchangedNote` swaps them. */
  readonly other?: string | undefined;
}

/**
 * A note with the sides that a model has learnt.
 * @param learnt of the training notes. @param given of the note; default: the same
 */
export function inSidesOf(note: string, learnt: StatedSides, given?: Sides, by: SidedBy = {}): SidedNote {
  const sides = given ?? learnt;
  const vocabulary = by.vocabulary ?? chest();
  if (learnt === 'unknown') {
    const warnings = namesASide(note, vocabulary) ? [sidesUnknown(given)] : [];
    return { text: note, sides, mirrored: false, warnings };
  }
  if (given === undefined || given === learnt) return { text: note, sides, mirrored: false, warnings: [] };
  const { text, left } =
    by.other === undefined ? exchangedNote(note, vocabulary) : { text: by.other, left: [] };
  return { text, sides, mirrored: text !== note, warnings: leftAsWritten(left, given, learnt) };
}

/** Whether the mirror image would need another note: "both lungs" is true of it too. */
export function namesASide(note: string, vocabulary: Vocabulary): boolean {
  const parsed = parseNote(note);
  const zones = namedZones(parsed);
  if (zones !== null && isCovered(parsed) && zones === mirrorZones(zones)) return false;
  const { text, left } = exchangedNote(note, vocabulary);
  return left.length > 0 || !sameWords(text, note);
}

/** The convention to name places by if the reader's own is unknown. */
export function sidesToTell(sides: StatedSides): Sides {
  return sides === 'unknown' ? 'patient' : sides;
}

/** "the patient’s", "the image’s" or "unknown". */
export function whoseSides(sides: StatedSides): string {
  return sides === 'unknown' ? 'unknown' : sides === 'patient' ? 'the patient’s' : 'the image’s';
}

/** @param given whose sides the note means, if stated */
function sidesUnknown(given: Sides | undefined): Warning {
  const asked =
    given === undefined
      ? ''
      : `, so it is unclear whether a note that means ${whoseSides(given)} sides must be mirrored`;
  return {
    code: 'SIDES_UNKNOWN',
    message: `the note names a side, and the model does not record whose left and right it learnt${asked}; the note is read as written`,
  };
}

function leftAsWritten(words: readonly string[], given: Sides, learnt: Sides): Warning[] {
  if (words.length === 0) return [];
  const named = quotedWords(words.map((word) => ({ word })));
  return [
    {
      code: 'SIDES_NOT_MIRRORED',
      message: `the note means ${whoseSides(given)} sides and the model learnt ${whoseSides(learnt)}, but ${named} ${words.length === 1 ? 'was' : 'were'} left as written`,
    },
  ];
}
