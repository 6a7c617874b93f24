/**
 * The closed catalogue of warnings: what may be wrong with a result, or with a data set, although nothing failed.
 *
 * An error ends the work, a warning goes with its result: `{ code, message, ... }` in the runtime's results, the server's answers, the journal and
 * `statistics.json`, and in what `data check` finds. A message may quote single words of a note; it never holds a whole note.
 * `docs/reference/warnings.md` is generated from this file (`scripts/errors-doc.mjs`), and `tests/errors.test.ts` binds code, type and page together.
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
    remedy: 'Find out with `reclmis data check` on the training data, and state it with `reclmis sides`.',
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

  // Data sets: masks
  MASKS_INVERTED: {
    about: 'data',
    meaning:
      'Masks cover nearly everything, or all but an area inside, as masks do whose values are exchanged.',
    remedy: 'Exchange foreground and background in these masks: 0 is background.',
  },
  MASKS_ALL_EMPTY: {
    about: 'data',
    meaning: 'Every mask of a split is empty.',
    remedy: 'Export the masks again; foreground is what is not 0.',
  },
  MASKS_WITH_LABELS: {
    about: 'data',
    meaning:
      'Masks hold areas of more than one label, of which a model learns one foreground, and of labels above 31 the upper half alone; or they are black with the noise of a JPEG, which reads like labels.',
    remedy: 'Look at them; write masks of 0 and 255 in which only the labels that you want are 255.',
  },
  MASKS_BETWEEN: {
    about: 'data',
    meaning: 'Masks hold values between background and foreground, as resizing and JPEG leave them.',
    remedy: 'Write masks of 0 and 255 as PNG, cut where you mean them to be.',
  },
  ORIENTATION_TAGS_DIFFER: {
    about: 'data',
    meaning:
      'An orientation tag is on the image or on the mask alone, so that one is turned and the other is not.',
    remedy:
      'Look at the pair; write the image upright and without a tag if the mask was painted on its stored pixels.',
  },

  // Data sets: images
  IMAGES_BLANK: {
    about: 'data',
    meaning: 'Images are black, of one value, or have next to no contrast.',
    remedy: 'Export these images again, or leave the cases out.',
  },
  IMAGES_DARK: {
    about: 'data',
    meaning: 'Images use only the darkest part of their range, as 12 bits stored in 16 do.',
    remedy: 'Scale the values to the whole range and export the images again.',
  },
  IMAGES_INVERTED: {
    about: 'data',
    meaning: 'Images look light where the others are dark, and dark where they are light.',
    remedy:
      'Look at them; invert those whose photometric interpretation was not heeded (DICOM’s MONOCHROME1).',
  },
  IMAGES_MIXED: {
    about: 'data',
    meaning: 'A few images are coloured among grey ones, or grey among coloured ones.',
    remedy: 'Look at them; leave out what is no image of the kind.',
  },
  IMAGES_SIZES_DIFFER: {
    about: 'data',
    meaning: 'A few images are several times as large or small as the rest, or of another shape.',
    remedy: 'Replace thumbnails and crops by the images themselves.',
  },

  // Data sets: images with their masks
  PAIRS_TURNED: {
    about: 'data',
    meaning: 'Masks fit their images markedly better when they are mirrored, flipped or turned.',
    remedy: 'Look at the pairs with --report; turn these masks, and look for what turned them.',
  },
  PAIRS_SHIFTED: {
    about: 'data',
    meaning: 'Images, masks or notes fit those of the neighbouring cases better than their own.',
    remedy: 'Compare the order in which images, masks and notes were numbered.',
  },
  PAIRS_DISPLACED: {
    about: 'data',
    meaning: 'The edges of most masks lie some pixels beside those of their images, always the same way.',
    remedy:
      'Look at the pairs with --report; look for a crop or a margin that was applied to one of them alone.',
  },

  // Data sets: notes
  NOTES_ARE_NAMES: {
    about: 'data',
    meaning: 'Notes are names of files or numbers, with nothing else that tells cases apart.',
    remedy: 'Fill the column Description with the notes.',
  },
  NOTES_OF_ONE_WORD: {
    about: 'data',
    meaning: 'Notes have one word or none, though their masks are not empty.',
    remedy: 'Write what the mask shows and where.',
  },
  NOTES_CUT_OFF: {
    about: 'data',
    meaning: 'Notes end in the middle, as after a cut at a comma or at the width of a column.',
    remedy: 'Export the notes again, with quotes around texts that hold commas.',
  },
  NOTES_SAY_NOTHING: {
    about: 'data',
    meaning:
      'Notes hold nothing that can be read: they are placeholders, in another language, or name no number, place or finding where the others do.',
    remedy: 'Write these notes in English, as the others of the set are.',
  },
  NOTES_TOO_LONG: {
    about: 'data',
    meaning: 'Notes have more words than any model reads.',
    remedy: 'Shorten them to what the mask shows.',
  },
  NOTES_ALL_EQUAL: {
    about: 'data',
    meaning: 'All notes are the same, so that they tell a model nothing.',
    remedy: 'Check which column was read; if there is one note alone, train without notes.',
  },

  // Data sets: notes with their masks
  MASKS_LACK_AREAS: {
    about: 'data',
    meaning: 'Masks are empty, though their notes name areas.',
    remedy: 'Look for the masks that belong to these notes.',
  },
  NOTES_DENY_AREAS: {
    about: 'data',
    meaning: 'Notes say that there is nothing, though their masks are not empty.',
    remedy: 'Look at mask and note, and correct the one that is wrong.',
  },
  NOTES_COUNT_DIFFERS: {
    about: 'data',
    meaning:
      'Notes state another number of areas than the mask has, in a set in which the numbers usually agree.',
    remedy: 'Look at mask and note, and correct the one that is wrong.',
  },
  NOTES_PLACE_DIFFERS: {
    about: 'data',
    meaning: 'Notes name a side or height at which the mask is not, in a set in which they usually agree.',
    remedy: 'Look at mask and note, and correct the one that is wrong.',
  },
  NOTES_UNRELATED: {
    about: 'data',
    meaning: 'Notes that state numbers and places fit their own masks no better than any other.',
    remedy: 'Check by which key notes were joined to masks.',
  },

  // Data sets: splits
  DUPLICATES_ACROSS_SPLITS: {
    about: 'data',
    meaning:
      'The same picture, pixel by pixel or nearly, upright or turned, is in two splits, so that scores are too good.',
    remedy: 'Keep each picture in one split.',
  },
  DUPLICATES_DIFFER: {
    about: 'data',
    meaning: 'The same picture, upright or turned, occurs with masks or notes that contradict each other.',
    remedy: 'Keep the right one.',
  },
  PATIENTS_ACROSS_SPLITS: {
    about: 'data',
    meaning: 'Pictures of one patient are in two splits, so that scores are too good.',
    remedy: 'Split by patient.',
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
  /** The first words that it is about; only NOTE_WORDS_UNKNOWN and NOTE_CUT have them. */
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
