/**
 * Notes for mirrored images, and whether all their words for sides were exchanged: by `mirrorNote`, checked by
 * what the reader finds in both notes, or in a vocabulary's own sentences.
 */
import { mirrorNote } from './note-mirror.js';
import {
  canonicalText,
  type FreeNote,
  LVIT_SENTENCES,
  otherSides,
  type ReadPlace,
  readNote,
  sameWords,
  type Vocabulary,
} from './reader/index.js';
import { mayNameSide } from './side-words.js';

const WORD = /[\p{L}\p{M}]+/gu;

export interface ExchangedNote {
  /** With left and right exchanged, as far as they are known. */
  readonly text: string;
  /** Words that name a side, or may, and were left as written; each once. */
  readonly left: readonly string[];
}

/** @param vocabulary in whose words the note may be */
export function exchangedNote(note: string, vocabulary: Vocabulary): ExchangedNote {
  const read = readNote(note, vocabulary);
  const own = inSentences(note, read, vocabulary);
  if (own !== null) return { text: own, left: [] };
  const text = mirrorNote(note);
  const left = [...mayNameSide(note), ...unmoved(note, text, read, vocabulary)];
  return { text, left: [...new Set(left)] };
}

/** The vocabulary's sentence for the other side; null for a note in other words, and for LViT's. */
function inSentences(note: string, read: FreeNote, vocabulary: Vocabulary): string | null {
  if (vocabulary.canonical.sentences === LVIT_SENTENCES) return null;
  const text = canonicalText(read, vocabulary);
  return text !== null && sameWords(text, note) ? canonicalText(otherSides(read), vocabulary) : null;
}

/** Words of places that are read in the mirrored note as they were. */
function unmoved(note: string, mirrored: string, read: FreeNote, vocabulary: Vocabulary): string[] {
  const stays = (word: string): boolean => mirrorNote(word) === word && namesOneSide(word, vocabulary);
  if (!read.complete) return (note.match(WORD) ?? []).filter(stays);
  const meant = otherSides(read);
  const found = readNote(mirrored, vocabulary);
  if (names(found.places) === names(meant.places) && names(found.absent) === names(meant.absent)) return [];
  const sided = [...read.places, ...read.absent].filter(({ side }) => side !== null);
  const words = sided.flatMap(({ spans }) => spans.map(({ start, end }) => note.slice(start, end)));
  const same = words.filter(stays);
  return same.length > 0 ? same : words;
}

function namesOneSide(word: string, vocabulary: Vocabulary): boolean {
  return new Set(readNote(word, vocabulary).places.flatMap(({ side }) => side ?? [])).size === 1;
}

function names(places: readonly ReadPlace[]): string {
  return places
    .map(({ side, zones }) => `${side ?? ''} ${[...zones].sort().join(' ')}`)
    .sort()
    .join();
}
