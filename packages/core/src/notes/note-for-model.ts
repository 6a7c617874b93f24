/**
 * A note as a model has learnt to read it: free text in the grammar of the training notes, and left and right
 * in their convention.
 */
import { ReclmisError } from '../errors.js';
import type { Warning } from '../warnings.js';
import { wordsOf } from '../text/words.js';
import { formatNote, type ParsedNote } from './note.js';
import { inGrammar, isWordedAs, type NoteGrammar, type NoteStyle } from './note-grammar.js';
import {
  canonicalNote,
  canonicalText,
  chest,
  type FreeNote,
  LVIT_SENTENCES,
  nuclei,
  otherSides,
  readNote,
  sameWords,
  type Vocabulary,
} from './reader/index.js';
import { exchangedNote } from './note-exchange.js';
import { inSidesOf, type StatedSides } from './sides.js';
import type { Sides } from './zone-map.js';

/** What a model's training notes were like. */
export interface NoteHabits {
  readonly sides: StatedSides;
  readonly grammar: NoteGrammar;
  /** With the grammar `vocabulary`. */
  readonly vocabulary?: Vocabulary | undefined;
}

/** As a user states them, who gives a vocabulary. */
export function readBy({ sides }: NoteHabits, vocabulary: Vocabulary): NoteHabits {
  return { sides, grammar: 'vocabulary', vocabulary };
}

export const UNKNOWN_HABITS: NoteHabits = { sides: 'unknown', grammar: 'unknown' };

/** What a caller says about notes. */
export interface AskedNote {
  /** Whose left and right they mean; default: as the model has learnt. */
  readonly sides?: Sides | undefined;
  /** Default: `free` if the training notes follow a known grammar, else `as-is`. */
  readonly style?: NoteStyle | undefined;
}

export interface NoteForModel {
  /** What the model is given. */
  readonly text: string;
  /** The same before left and right were swapped: what warnings and zones are about. */
  readonly worded: string;
  /** As stated, else as in the model's own notes. */
  readonly sides: StatedSides;
  /** Left and right were swapped for the model. */
  readonly mirrored: boolean;
  /** `free` if the note was reworded. */
  readonly style: NoteStyle;
  /** How free text was read; null if it was not read: as-is, or in the grammar already. */
  readonly read: FreeNote | null;
  /** NOTE_AS_WRITTEN, the reader's, SIDES_UNKNOWN, SIDES_NOT_MIRRORED. */
  readonly warnings: readonly Warning[];
}

/** @throws OPTION_INVALID for style `free` if the training notes were in another grammar */
export function noteForModel(note: string, habits: NoteHabits, asked: AskedNote = {}): NoteForModel {
  const own = reworded(note, habits, styleFor(habits, asked.style));
  const { worded, style, read, warnings } = own;
  const sided = inSidesOf(worded, habits.sides, asked.sides, {
    vocabulary: vocabularyFor(habits),
    other: own.mirrored,
  });
  return { ...sided, worded, style, read, warnings: [...warnings, ...sided.warnings] };
}

/**
 * What a model is given for the mirror image of a note's image: the note with left and right exchanged, or null if it
 * names a side in words that cannot be.
 */
export function noteForMirror(text: string, habits: NoteHabits): string | null {
  const { text: other, left } = exchangedNote(text, vocabularyFor(habits));
  return left.length > 0 ? null : other;
}

/** The style that applies: as asked, else by the grammar. @throws OPTION_INVALID as `noteForModel` */
export function styleFor({ grammar }: Pick<NoteHabits, 'grammar'>, asked?: NoteStyle): NoteStyle {
  if (asked === 'free' && grammar === 'other') {
    throw new ReclmisError(
      'OPTION_INVALID',
      'note style free: expected a model whose training notes follow a grammar that is known, this one’s do not',
      {
        remedy:
          'Use the style as-is, and write notes like those that the model was trained on, or give a vocabulary with their sentences.',
      },
    );
  }
  return asked ?? (grammar === 'other' || grammar === 'unknown' ? 'as-is' : 'free');
}

/** The words in which a model's notes are read; LViT's if its grammar is not known. */
export function vocabularyFor({ grammar, vocabulary }: NoteHabits): Vocabulary {
  if (grammar === 'nuclei') return nuclei();
  return grammar === 'vocabulary' && vocabulary !== undefined ? vocabulary : chest();
}

interface Reworded extends Pick<NoteForModel, 'worded' | 'style' | 'read' | 'warnings'> {
  /** With left and right swapped, where that is not a matter of words. */
  readonly mirrored?: string | undefined;
}

function reworded(note: string, habits: NoteHabits, style: NoteStyle): Reworded {
  const asWritten: Reworded = { worded: note, style: 'as-is', read: null, warnings: [] };
  if (style === 'as-is' || wordsOf(note).length === 0) return asWritten;
  const vocabulary = vocabularyFor(habits);
  if (vocabulary.canonical.sentences !== LVIT_SENTENCES) return bySentences(note, vocabulary);
  const parsed = inGrammar(note);
  if (parsed !== null && isWordedAs(parsed, note)) return asWritten;
  const read = readNote(note, vocabulary);
  const canonical = canonicalNote(read, vocabulary);
  const agreed = canonical && parsed ? agreeing(canonical, parsed) : canonical;
  if (agreed) return { worded: formatNote(agreed), style: 'free', read, warnings: read.warnings };
  return parsed !== null ? asWritten : { ...asWritten, read, warnings: unworded(read) };
}

/** By a vocabulary whose sentences are templates. */
function bySentences(note: string, vocabulary: Vocabulary): Reworded {
  const read = readNote(note, vocabulary);
  const text = canonicalText(read, vocabulary);
  if (text === null) return { worded: note, style: 'as-is', read, warnings: unworded(read) };
  const mirrored = canonicalText(otherSides(read), vocabulary) ?? undefined;
  if (sameWords(text, note)) return { worded: note, style: 'as-is', read: null, warnings: [], mirrored };
  return { worded: text, style: 'free', read, warnings: read.warnings, mirrored };
}

function unworded(read: FreeNote): Warning[] {
  const message = `${whyNot(read)}; the model gets it as written`;
  return [{ code: 'NOTE_AS_WRITTEN', message }, ...read.warnings];
}

/** Two readings of a note: the grammar's own is the exact one; null if they name different sides. */
function agreeing(canonical: ParsedNote, parsed: ParsedNote): ParsedNote | null {
  const sidesIn = ({ places }: ParsedNote): string =>
    [...new Set(places.map(({ side }) => side))].sort().join();
  if (sidesIn(canonical) !== sidesIn(parsed)) return null;
  return { ...canonical, places: parsed.places, count: parsed.count ?? canonical.count };
}

function whyNot({ complete, findings, absent, places }: FreeNote): string {
  if (!complete) return 'the note is not in the words that the model learnt and was not fully understood';
  if (findings.length === 0 && absent.length > 0)
    return 'the note says that nothing is there, for which the model has learnt no words';
  if (places.length > 0 && new Set(places.map(({ side }) => side === null)).size > 1)
    return 'the note is not in the words that the model learnt and names a side for some of its places only';
  if (places.length > 0) return 'the model has learnt no sentence for what the note says';
  return 'the note is not in the words that the model learnt and names no place of a finding';
}
