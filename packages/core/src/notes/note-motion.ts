/**
 * What becomes of a note whose image is mirrored, flipped or turned, in any words that the reader knows. A note
 * that LViT's grammar covers is changed word by word; of others, what is read must change as it should.
 */
import { exchangedNote } from './note-exchange.js';
import { flipNoteVertically, mirrorNote, namesPlace } from './note-mirror.js';
import { type ParsedNote, parseNote, type Zone } from './note.js';
import { chest, type ReadPlace, readNote, type Vocabulary } from './reader/index.js';
import { mayNameSide } from './side-words.js';

const WORD = /[\p{L}\p{M}]+/gu;

/**
 * The note of the mirror image; null if the note names a side in words that cannot be exchanged.
 * @param vocabulary in whose words the note may be; default: `chest`
 */
export function mirroredNote(note: string, vocabulary: Vocabulary = chest()): string | null {
  if (isPlain(parseNote(note))) return mirrorNote(note);
  const { text, left } = exchangedNote(note, vocabulary);
  return left.length > 0 ? null : text;
}

/**
 * The note of the image upside down, left and right kept; null if the note names a height in words that cannot be
 * exchanged.
 * @param vocabulary as for `mirroredNote`
 */
export function flippedNote(note: string, vocabulary: Vocabulary = chest()): string | null {
  const text = flipNoteVertically(note);
  if (isPlain(parseNote(note))) return text;
  const read = readNote(note, vocabulary);
  if (!read.complete) return wordsOf(note).some((word) => staysAtAHeight(word, vocabulary)) ? null : text;
  const found = readNote(text, vocabulary);
  const kept = (['places', 'absent'] as const).every(
    (part) => heightsIn(read[part].map(upsideDown)) === heightsIn(found[part]),
  );
  return kept ? text : null;
}

/**
 * Whether turning the image by a quarter, or upside down, may make the note untrue: it names a single side or a
 * height.
 * @param vocabulary as for `mirroredNote`
 */
export function namesAnyPlace(note: string, vocabulary: Vocabulary = chest()): boolean {
  if (namesPlace(note)) return true;
  if (isPlain(parseNote(note))) return false;
  if (mayNameSide(note).length > 0 || readsPlace(note, vocabulary)) return true;
  // Doubts about the whole leave no places to read.
  return !readNote(note, vocabulary).complete && wordsOf(note).some((word) => readsPlace(word, vocabulary));
}

/** Whether a note names a side: a single one, or both in turn ("left lung and right lung"). */
export function namesAnySide(note: string, vocabulary: Vocabulary = chest()): boolean {
  return mirroredNote(note, vocabulary) !== note;
}

/** LViT's grammar covers all of it. */
function isPlain({ remainder, places, nuclei }: ParsedNote): boolean {
  return remainder.length === 0 && places.length + nuclei.length > 0;
}

function readsPlace(text: string, vocabulary: Vocabulary): boolean {
  const { places, absent } = readNote(text, vocabulary);
  return [places, absent].some((list) => new Set(list.map(({ side }) => side)).size === 1 && list[0]?.side !== null || list.some(({ zones }) => zones.some((zone) => zone !== 'all'))); // prettier-ignore
}

function staysAtAHeight(word: string, vocabulary: Vocabulary): boolean {
  const zones = new Set(readNote(word, vocabulary).places.flatMap(({ zones: own }) => own));
  return zones.has('upper') !== zones.has('lower') && flipNoteVertically(word) === word;
}

function upsideDown({ zones, ...place }: ReadPlace): ReadPlace {
  const other: Partial<Record<Zone, Zone>> = { upper: 'lower', lower: 'upper' };
  return { ...place, zones: zones.map((zone) => other[zone] ?? zone) };
}

function heightsIn(places: readonly ReadPlace[]): string {
  const names = places.map(({ side, zones }) => `${side ?? ''} ${[...zones].sort().join(' ')}`);
  return names.sort().join();
}

const wordsOf = (note: string): readonly string[] => note.match(WORD) ?? [];
