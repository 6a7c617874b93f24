/**
 * The closed catalogue of warnings: what may be wrong with a result, or with a data set, although nothing failed.
 *
 * An error ends the work, a warning goes with its result: `{ code, message, ... }` in the runtime's results, the server's answers, the journal and
 * `statistics.json`, and in what `data check` finds. A message may quote single words of a note; it never holds a whole note.
 * `docs/warnings.md` is generated from this file (`scripts/errors-doc.mjs`), and `tests/errors.test.ts` binds code, type and page together.
 *
 * To add a code: append an entry to its group, then run `npm run generate`.
 */

/** What the catalogue knows about one code. */
export interface WarningEntry {
  /** Where the warning appears: with a predicted mask, or about a data set. */
  readonly about: 'prediction' | 'data';
  /** What the code means, one sentence. */
  readonly meaning: string;
  /** What to do about it, one sentence. */
  readonly remedy: string;
}

const CATALOGUE = {
  // Predictions: the note
  NOTE_WORDS_UNKNOWN: {
    about: 'prediction',
    meaning: 'The note holds words that the model has never seen; they say nothing to it.',
    remedy: 'Use the words of the training notes; the message suggests the nearest ones.',
  },
  NOTE_CUT: {
    about: 'prediction',
    meaning: 'The note is longer than the model reads, so its last words have no effect.',
    remedy: 'Shorten the note, or put what matters first.',
  },
  NOTE_WITHOUT_WORDS: {
    about: 'prediction',
    meaning: 'The note holds no word that the model reads.',
    remedy: 'Write what to segment and where, for instance "upper left lung".',
  },
  SIDES_UNKNOWN: {
    about: 'prediction',
    meaning:
      'The note names left or right, and nothing says whether the model learnt the patient’s sides or the image’s.',
    remedy: 'Find out with `reclmis data check` on the training data, and state it with --sides.',
  },
  SIDES_NOT_MIRRORED: {
    about: 'prediction',
    meaning:
      'The note’s sides are not those that the model learnt, and it holds words for left or right that were not exchanged.',
    remedy: 'Write "left" and "right", or state the sides in the model’s own convention.',
  },

  // Predictions: the mask
  MASK_EMPTY: {
    about: 'prediction',
    meaning: 'The mask is empty: the model found nothing that fits the note.',
    remedy: 'Look at the image; do not take an empty mask for the absence of a finding.',
  },
  MASK_COVERS_ALL: {
    about: 'prediction',
    meaning: 'The mask covers nearly the whole image.',
    remedy: 'Look at the image and the note; the model most likely failed.',
  },
  MASK_OUTSIDE_ZONES: {
    about: 'prediction',
    meaning: 'Most of the mask lies outside the zones that the note names.',
    remedy: 'Check whose left and right the note means, and look at the mask before you use it.',
  },
  AREAS_DIFFER: {
    about: 'prediction',
    meaning: 'The mask has more or fewer areas than the note counts.',
    remedy: 'Look at the mask before you use it; areas may have merged or been missed.',
  },

  // Predictions: the image
  IMAGE_UNUSUAL: {
    about: 'prediction',
    meaning: 'The image is unlike the images that the model was trained on.',
    remedy: 'Check that it is of the same kind, upright and not inverted; expect a wrong mask otherwise.',
  },
  // Data: left and right
  SIDES_UNCLEAR: {
    about: 'data',
    meaning:
      'Notes that name one side fit neither the patient’s sides nor the image’s: they are mixed, or wrong.',
    remedy: 'Look at cases of either kind, and correct notes or masks before you train.',
  },
  SIDES_DIFFER: {
    about: 'data',
    meaning: 'The masks say that the notes mean other sides than is stated.',
    remedy: 'Correct note.sides or --sides, or the notes.',
  },
} as const satisfies Record<string, WarningEntry>;

/** Every code of the catalogue. */
export type WarningCode = keyof typeof CATALOGUE;

/** The closed catalogue: what each code means, and what to do about it. */
export const WARNINGS: Readonly<Record<WarningCode, WarningEntry>> = CATALOGUE;

/** A word of a note that a warning is about. */
export interface WarningWord {
  readonly word: string;
  /** The known word, or words, that it may have been meant as; absent where none is near. */
  readonly nearest?: string;
}

/** One warning, as JSON holds it. */
export interface Warning {
  readonly code: WarningCode;
  /** One line: what was seen, with its figures. */
  readonly message: string;
  /** Of NOTE_WORDS_UNKNOWN and NOTE_CUT: the first words that it is about. */
  readonly words?: readonly WarningWord[];
}

/** The codes of warnings, each once, in the order of the catalogue: what headers, tables and summaries show. */
export function warningCodes(warnings: Iterable<Warning>): WarningCode[] {
  const found = new Set([...warnings].map(({ code }) => code));
  return (Object.keys(CATALOGUE) as WarningCode[]).filter((code) => found.has(code));
}

/** Whether a string is a code of the catalogue. */
export function isWarningCode(text: string): text is WarningCode {
  return Object.hasOwn(CATALOGUE, text);
}
