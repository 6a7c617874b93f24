/**
 * The closed catalogue of warnings: what may be wrong with a result or data set although nothing failed. A
 * message may quote single words of a note, never the whole. `docs/reference/warnings.md` is generated from
 * it.
 *
 * To add a code: append an entry to its group, then run `npm run generate`.
 */

export interface WarningEntry {
  /** Comes with a predicted mask, or is about a data set. */
  readonly about: 'prediction' | 'data';
  /** What the code means, in one sentence. */
  readonly meaning: string;
  /** What to do about it, in one sentence. */
  readonly remedy: string;
}

const CATALOGUE = {
  // Predictions: the note
  NOTE_WORDS_UNKNOWN: {
    about: 'prediction',
    meaning:
      'The note contains words that the model has never seen: it ignores them, or reads a slip as the word that the message names.',
    remedy: 'Use the words of the training notes; the message suggests the nearest ones.',
  },
  NOTE_CUT: {
    about: 'prediction',
    meaning: 'The note is longer than the model can read, so its last words have no effect.',
    remedy: 'Shorten the note, or put what matters first.',
  },
  NOTE_WITHOUT_WORDS: {
    about: 'prediction',
    meaning: 'The note contains no word that the model reads.',
    remedy: 'Write what to segment and where, for example "upper left lung".',
  },
  NOTE_AMBIGUOUS: {
    about: 'prediction',
    meaning: 'The note leaves open which of two places it means, so neither is taken.',
    remedy: 'Name the place that you mean, for example "left lower lobe" instead of "left or right base".',
  },
  NOTE_CONTRADICTS: {
    about: 'prediction',
    meaning: 'The note says two things about a place or side that exclude each other, so neither is taken.',
    remedy: 'Correct the side or the height, or what is said to be clear.',
  },
  NOTE_WORDS_MENDED: {
    about: 'prediction',
    meaning: 'Words of the note were read as typing errors of similar words.',
    remedy: 'Compare the words in the message, and correct the note if another word was meant.',
  },
  NOTE_PARTLY_READ: {
    about: 'prediction',
    meaning:
      'The note contains words next to a finding or place that were not understood and may change its meaning.',
    remedy: 'Write the finding and its place in plain words, for example "opacity in the left lower lobe".',
  },
  NOTE_AS_WRITTEN: {
    about: 'prediction',
    meaning:
      'The note is free text that could not be put into the words that the model learnt, so the model got it as written.',
    remedy:
      'Name each finding with its place, for example "opacity in the left lower lobe", or write like the training notes; do not ask for a mask of nothing.',
  },
  SIDES_UNKNOWN: {
    about: 'prediction',
    meaning:
      'The note says left or right, but it is not recorded whether the model learnt the patient’s sides or the image’s.',
    remedy:
      'Find out by running `reclmis data check` on the training data, and record it with `reclmis sides`.',
  },
  SIDES_NOT_MIRRORED: {
    about: 'prediction',
    meaning:
      'The note uses the opposite sides from those that the model learnt, and some of its words for left or right could not be swapped.',
    remedy: 'Write "left" and "right", or state the sides as the model learnt them.',
  },

  // Predictions: the mask
  MASK_EMPTY: {
    about: 'prediction',
    meaning: 'The mask is empty: the model found nothing that matches the note.',
    remedy: 'Look at the image; do not take an empty mask for the absence of a finding.',
  },
  MASK_COVERS_ALL: {
    about: 'prediction',
    meaning: 'The mask covers nearly the whole image.',
    remedy: 'Look at the image and the note; the model has probably failed.',
  },
  MASK_OUTSIDE_ZONES: {
    about: 'prediction',
    meaning: 'Most of the mask lies outside the zones that the note names.',
    remedy: 'Check whose left and right the note means, and look at the mask before you use it.',
  },
  AREAS_DIFFER: {
    about: 'prediction',
    meaning: 'The mask has more or fewer areas than the note states.',
    remedy: 'Look at the mask before you use it; areas may have merged or been missed.',
  },

  // Predictions: the image
  IMAGE_UNUSUAL: {
    about: 'prediction',
    meaning: 'The image is unlike those that the model was trained on.',
    remedy: 'Check that it is of the same kind, upright and not inverted; otherwise expect a wrong mask.',
  },
  WINDOW_IGNORED: {
    about: 'prediction',
    meaning:
      'A grey level window was not applied: the DICOM file states a damaged or unknown one, or one was asked for and the image has colours.',
    remedy: 'Look at the image as rendered; choose a window if it is too dark, too light or flat.',
  },
  ORIENTATION_UNKNOWN: {
    about: 'prediction',
    meaning:
      'The DICOM file or NIfTI volume does not say how the patient lies in the image, so it is unknown whether left and right are exchanged.',
    remedy:
      'Compare the overlay with the image in a viewer, and correct Patient Orientation where the image was made.',
  },
  LATERALITY_DIFFERS: {
    about: 'prediction',
    meaning: 'The note names only the side that the DICOM file says it does not show.',
    remedy: 'Check whose left and right the note means, and whether it belongs to this image.',
  },

  // Data: left and right
  SIDES_UNCLEAR: {
    about: 'data',
    meaning:
      'Notes that name one side match neither the patient’s sides nor the image’s: they are mixed, or wrong.',
    remedy: 'Look at cases of both kinds, and correct the notes or masks before you train.',
  },
  SIDES_DIFFER: {
    about: 'data',
    meaning: 'The masks suggest that the notes use the opposite sides from those stated.',
    remedy: 'Correct note.sides or --sides, or the notes.',
  },

  // Data sets: masks
  MASKS_INVERTED: {
    about: 'data',
    meaning:
      'Masks cover nearly everything, or all but an inner area, as if foreground and background were swapped.',
    remedy: 'Swap foreground and background in these masks: 0 is background.',
  },
  MASKS_ALL_EMPTY: {
    about: 'data',
    meaning: 'Every mask of a split is empty.',
    remedy: 'Export the masks again; every non-zero pixel is foreground.',
  },
  MASKS_WITH_LABELS: {
    about: 'data',
    meaning:
      'Masks contain more than one label, which a model learns as a single foreground (of labels above 31, only the upper half); or they are black with JPEG noise that looks like labels.',
    remedy: 'Look at them; write masks of 0 and 255 in which only the labels that you want are 255.',
  },
  MASKS_BETWEEN: {
    about: 'data',
    meaning: 'Masks contain values between background and foreground, as left by resizing or JPEG.',
    remedy: 'Write masks as PNG with only 0 and 255, thresholded where you mean the border to be.',
  },
  ORIENTATION_TAGS_DIFFER: {
    about: 'data',
    meaning: 'Only the image or only the mask has an orientation tag, so one is turned and the other is not.',
    remedy:
      'Look at the pair; if the mask was painted on the stored pixels, write the image upright and without a tag.',
  },

  // Data sets: images
  IMAGES_BLANK: {
    about: 'data',
    meaning: 'Images are black, of a single value, or have almost no contrast.',
    remedy: 'Export these images again, or leave the cases out.',
  },
  IMAGES_DARK: {
    about: 'data',
    meaning: 'Images use only the darkest part of their range, as 12-bit values stored in 16 bits do.',
    remedy: 'Scale the values to the full range and export the images again.',
  },
  IMAGES_INVERTED: {
    about: 'data',
    meaning: 'Images look light where the others are dark, and vice versa.',
    remedy: 'Look at them; invert those whose photometric interpretation was ignored (DICOM’s MONOCHROME1).',
  },
  IMAGES_MIXED: {
    about: 'data',
    meaning: 'A few images are in colour among grey ones, or grey among colour ones.',
    remedy: 'Look at them; leave out those of another kind.',
  },
  IMAGES_SIZES_DIFFER: {
    about: 'data',
    meaning: 'A few images are several times larger or smaller than the rest, or have another aspect ratio.',
    remedy: 'Replace thumbnails and crops with the original images.',
  },

  // Data sets: images with their masks
  PAIRS_TURNED: {
    about: 'data',
    meaning: 'Masks fit their images markedly better when mirrored, flipped or turned.',
    remedy: 'Look at the pairs with --report; turn these masks, and find out what turned them.',
  },
  PAIRS_SHIFTED: {
    about: 'data',
    meaning: 'Images, masks or notes match the neighbouring cases better than their own.',
    remedy: 'Compare the order in which images, masks and notes were numbered.',
  },
  PAIRS_DISPLACED: {
    about: 'data',
    meaning:
      'The edges of most masks are offset by a few pixels from those of their images, always in the same direction.',
    remedy:
      'Look at the pairs with --report; look for a crop or margin that was applied to only one of them.',
  },

  // Data sets: notes
  NOTES_ARE_NAMES: {
    about: 'data',
    meaning: 'Notes are file names or numbers, with nothing else that distinguishes cases.',
    remedy: 'Put the notes in the column Description.',
  },
  NOTES_OF_ONE_WORD: {
    about: 'data',
    meaning: 'Notes have one word or none, although their masks are not empty.',
    remedy: 'Write what the mask shows and where.',
  },
  NOTES_CUT_OFF: {
    about: 'data',
    meaning: 'Notes end in mid-sentence, as if cut at a comma or at a column’s width.',
    remedy: 'Export the notes again, with quotes around texts that contain commas.',
  },
  NOTES_SAY_NOTHING: {
    about: 'data',
    meaning:
      'Notes say nothing that can be used: they are placeholders, in a language that most of the set is not in or that cannot be read, or name no number, place or finding where the others do.',
    remedy: 'Write these notes like the others in the set.',
  },
  NOTES_TOO_LONG: {
    about: 'data',
    meaning: 'Notes have more words than any model reads.',
    remedy: 'Shorten them to what the mask shows.',
  },
  NOTES_ALL_EQUAL: {
    about: 'data',
    meaning: 'All notes are the same, so a model learns nothing from them.',
    remedy: 'Check which column was read; if there really is only one note, train without notes.',
  },

  // Data sets: notes with their masks
  MASKS_LACK_AREAS: {
    about: 'data',
    meaning: 'Masks are empty, although their notes name areas.',
    remedy: 'Look for the masks that belong to these notes.',
  },
  NOTES_DENY_AREAS: {
    about: 'data',
    meaning: 'Notes say that nothing was found, although their masks are not empty.',
    remedy: 'Compare mask and note, and correct the one that is wrong.',
  },
  NOTES_COUNT_DIFFERS: {
    about: 'data',
    meaning:
      'Notes state a different number of areas from their masks, in a set in which the numbers usually agree.',
    remedy: 'Compare mask and note, and correct the one that is wrong.',
  },
  NOTES_PLACE_DIFFERS: {
    about: 'data',
    meaning: 'Notes name a side or height where the mask is not, in a set in which they usually agree.',
    remedy: 'Compare mask and note, and correct the one that is wrong.',
  },
  NOTES_UNRELATED: {
    about: 'data',
    meaning: 'Notes that state numbers and places match their own masks no better than any other.',
    remedy: 'Check the key by which notes were joined to masks.',
  },

  // Data sets: splits
  DUPLICATES_ACROSS_SPLITS: {
    about: 'data',
    meaning:
      'The same picture, exactly or nearly, upright or turned, is in two splits, which inflates scores.',
    remedy: 'Keep each picture in one split.',
  },
  DUPLICATES_DIFFER: {
    about: 'data',
    meaning: 'The same picture, upright or turned, occurs with masks or notes that contradict each other.',
    remedy: 'Keep the correct one.',
  },
  COCO_CROWDS: {
    about: 'data',
    meaning: 'COCO annotations of crowds are not used, and their pixels count as background.',
    remedy: 'Mark each thing by itself, or remove the images with crowds.',
  },
  COCO_EMPTY: {
    about: 'data',
    meaning: 'COCO annotations without an area, or with a box alone, are not used.',
    remedy: 'Draw their outlines, or delete them.',
  },
  IMAGES_WITHOUT_CASES: {
    about: 'data',
    meaning: 'Images have no annotation or no mask, so they are in no case.',
    remedy: 'Annotate them, or remove them.',
  },
  LABELS_IGNORED: {
    about: 'data',
    meaning: 'Masks may hold the label "ignore", whose pixels count as background.',
    remedy: 'Decide for each of these pixels, or leave the images out.',
  },
  PATIENTS_ACROSS_SPLITS: {
    about: 'data',
    meaning: 'Pictures of one patient are in two splits, which inflates scores.',
    remedy: 'Split by patient.',
  },
} as const satisfies Record<string, WarningEntry>;

export type WarningCode = keyof typeof CATALOGUE;

export const WARNINGS: Readonly<Record<WarningCode, WarningEntry>> = CATALOGUE;

export interface WarningWord {
  readonly word: string;
  /** Absent if no known word is similar. */
  readonly nearest?: string;
  /** The model reads the word as the nearest one; absent: it ignores the word. */
  readonly read?: true;
}

export interface Warning {
  readonly code: WarningCode;
  /** One line: what was seen, with figures. */
  readonly message: string;
  /** The first words; only for NOTE_WORDS_UNKNOWN, NOTE_CUT, NOTE_WORDS_MENDED and NOTE_PARTLY_READ. */
  readonly words?: readonly WarningWord[];
}

/** Each once, in the catalogue's order. */
export function warningCodes(warnings: Iterable<Warning>): WarningCode[] {
  const found = new Set([...warnings].map(({ code }) => code));
  return (Object.keys(CATALOGUE) as WarningCode[]).filter((code) => found.has(code));
}

export function isWarningCode(text: string): text is WarningCode {
  return Object.hasOwn(CATALOGUE, text);
}
