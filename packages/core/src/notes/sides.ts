/**
 * Whose left and right a note means. A radiologist's "left" is the patient's, on the image's right; other
 * data sets (QaTa-COV19) mean the image's own. A model has learnt its training notes' convention; other notes
 * are mirrored for it.
 */
import { mirrorNote, namesSide } from './note-mirror.js';
import { quotedWords } from './quoted-words.js';
import type { Warning } from '../warnings.js';
import type { Sides } from './zone-map.js';

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

/**
 * A note with the sides that a model has learnt.
 * @param learnt of the training notes. @param given of the note; default: the same. @param other the note with
 * left and right swapped, if it is known; default: by its words
 */
export function inSidesOf(note: string, learnt: StatedSides, given?: Sides, other?: string): SidedNote {
  const sides = given ?? learnt;
  if (learnt === 'unknown')
    return { text: note, sides, mirrored: false, warnings: unknownSides(note, given) };
  if (given === undefined || given === learnt) return { text: note, sides, mirrored: false, warnings: [] };
  const text = other ?? mirrorNote(note);
  const warnings = other === undefined ? unmirroredWords(note, given, learnt) : [];
  return { text, sides, mirrored: text !== note, warnings };
}

/** The convention to name places by if the reader's own is unknown. */
export function sidesToTell(sides: StatedSides): Sides {
  return sides === 'unknown' ? 'patient' : sides;
}

/** "the patient’s", "the image’s" or "unknown". */
export function whoseSides(sides: StatedSides): string {
  return sides === 'unknown' ? 'unknown' : sides === 'patient' ? 'the patient’s' : 'the image’s';
}

function unknownSides(note: string, given: Sides | undefined): Warning[] {
  const [word] = mayNameSide(note);
  if (!namesSide(note) && word === undefined) return [];
  const asked =
    given === undefined
      ? ''
      : `, so it is unclear whether a note that means ${whoseSides(given)} sides must be mirrored`;
  return [
    {
      code: 'SIDES_UNKNOWN',
      message: `the note names a side, and the model does not record whose left and right it learnt${asked}; the note is read as written`,
    },
  ];
}

function unmirroredWords(note: string, given: Sides, learnt: Sides): Warning[] {
  return leftAsWritten(mayNameSide(note), given, learnt);
}

/** SIDES_NOT_MIRRORED for words, if there are any. */
export function leftAsWritten(words: readonly string[], given: Sides, learnt: Sides): Warning[] {
  if (words.length === 0) return [];
  const named = quotedWords(words.map((word) => ({ word })));
  return [
    {
      code: 'SIDES_NOT_MIRRORED',
      message: `the note means ${whoseSides(given)} sides and the model learnt ${whoseSides(learnt)}, but ${named} ${words.length === 1 ? 'was' : 'were'} left as written`,
    },
  ];
}

/** Stems that `mirrorNote` does not know; `$` ends a whole word. */
const OTHER_WORDS = [
  [
    'l$',
    'r$',
    'lt$',
    'rt$',
    'lhs$',
    'rhs$',
    'lef$',
    'lft$',
    'rgt$',
    'od$',
    'os$',
    'sinister',
    'dexter',
    'dextra',
    'sinistra',
  ],
  ['links', 'linke$', 'linken$', 'linker$', 'linkes$', 'linkem$', 'rechts', 'rechte'], // German, Dutch
  ['gauche', 'droit$', 'droite', 'droits$'], // French
  ['izq', 'derech', 'dcha$', 'dcho$'], // Spanish
  ['sinistr', 'destr$', 'destro$', 'destra$', 'destri$', 'destre$'], // Italian
  ['esquerd', 'direit'], // Portuguese
  ['vänster', 'höger', 'venstre', 'høyre', 'højre'], // Swedish, Norwegian, Danish
  ['vasen', 'vasem', 'oikea', 'oikean', 'oikei'], // Finnish
  [
    'lewy',
    'lewa',
    'lewe',
    'lewo',
    'prawy',
    'prawa',
    'prawe',
    'prawo',
    'levý',
    'levá',
    'levé',
    'pravý',
    'pravá',
    'pravé',
    'vlevo',
    'vpravo',
  ], // Polish, Czech
  ['stâng', 'stang', 'drept', 'dreapt'], // Romanian
  ['sol$', 'sağ', 'kiri$', 'kanan$', 'trái', 'phải'], // Turkish, Indonesian, Vietnamese
  ['лев', 'прав', 'слева', 'справа', 'αριστερ', 'δεξι'], // Russian, Greek
  ['왼', '오른', 'يسار', 'يمين', 'أيسر', 'أيمن', 'اليسر', 'اليمن', 'बाए', 'बाएँ', 'दाए', 'दाएँ'], // Korean, Arabic, Hindi
].flat();
const WORD = /\p{L}[\p{L}\p{M}]*/gu;
/** Chinese and Japanese, without spaces. */
const SYLLABLES = /[左右]/gu;

/**
 * Words that may name a side but that `mirrorNote` does not swap: other languages, abbreviations, clock
 * positions. Each once, in order.
 */
export function mayNameSide(text: string): string[] {
  const found = [...text.normalize('NFC').matchAll(WORD)].flatMap(([word]) => {
    const lower = word.toLowerCase();
    const named = OTHER_WORDS.some((start) =>
      start.endsWith('$') ? lower === start.slice(0, -1) : lower.startsWith(start),
    );
    if (namesSide(word)) return [];
    // Without spaces a "word" may be the whole note: quote only the character.
    return named ? [word] : (word.match(SYLLABLES) ?? []);
  });
  if (/\bo[’']?clock\b/iu.test(text)) found.push('o’clock');
  return [...new Set(found)];
}
