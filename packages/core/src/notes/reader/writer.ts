/** Writes what was read in a model's own sentences: LViT's by `formatNote`, others by the vocabulary's templates. */
import { formatNote, type ParsedNote } from '../note.js';
import { chest } from './chest.js';
import type { FreeNote } from './free-note.js';
import { LVIT_SENTENCES } from './sentences.js';
import { bySide, findingSentences, noteSentence, zonesOf } from './template-writer.js';
import type { Vocabulary } from './vocabulary-shape.js';

/**
 * The note for a model that learnt LViT's sentence; null if it was not read completely, names no place of a
 * finding, names places with a side and without one, or the vocabulary has other sentences. Nothing is added
 * that was not said: a number only if it was stated.
 */
export function canonicalNote(free: FreeNote, { canonical }: Vocabulary = chest()): ParsedNote | null {
  const { finding, paired, sentences } = canonical;
  if (finding === null || sentences !== LVIT_SENTENCES) return null;
  if (!free.complete || free.places.length === 0 || (paired && isHalfSided(free))) return null;
  const { laterality } = free;
  return {
    laterality: laterality === null ? null : laterality === 'bilateral' ? 'bilateral' : 'unilateral',
    finding,
    count: free.count?.value ?? null,
    places: bySide(free.places, (own) => [zonesOf(own)]),
    nuclei: [],
    remainder: [],
  };
}

/** The text for a model; null if its sentences cannot say what was read, or the vocabulary has none. */
export function canonicalText(free: FreeNote, vocabulary: Vocabulary = chest()): string | null {
  const { sentences, paired } = vocabulary.canonical;
  if (sentences === LVIT_SENTENCES) {
    const note = canonicalNote(free, vocabulary);
    return note === null ? null : formatNote(note);
  }
  if (sentences === null || !free.complete || (paired && isHalfSided(free))) return null;
  return sentences.note === null
    ? findingSentences(free, sentences)
    : noteSentence(free, sentences, sentences.note, vocabulary);
}

/** "Lower zone and left apex": whether the side holds for both is open. */
function isHalfSided({ places }: FreeNote): boolean {
  return new Set(places.map(({ side }) => side === null)).size > 1;
}
