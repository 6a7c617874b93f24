/** Writes what was read in the model's own grammar: LViT's sentence by `formatNote`. */
import type { ParsedNote, Place, Side } from '../note.js';
import type { FreeNote } from './free-note.js';
import { chest } from './chest.js';
import type { Vocabulary } from './vocabulary.js';

const SIDES = ['left', 'right'] as const satisfies readonly Side[];
const THIRDS = ['upper', 'middle', 'lower'] as const;

/**
 * The note for a model; null if it was not read completely, names no place of a finding, names places with a
 * side and without one, or the vocabulary has no word for findings. Nothing is added that was not said: a number only if it was stated.
 */
export function canonicalNote(free: FreeNote, vocabulary: Vocabulary = chest()): ParsedNote | null {
  const { finding } = vocabulary.canonical;
  if (!free.complete || free.places.length === 0 || finding === null) return null;
  // "Lower zone and left apex": whether the side holds for both is open.
  if (new Set(free.places.map(({ side }) => side === null)).size > 1) return null;
  const places: Place[] = [];
  for (const side of [...SIDES, null]) {
    const own = free.places.filter((place) => place.side === side);
    if (own.length === 0) continue;
    const zones = THIRDS.filter((third) => own.some((place) => place.zones.includes(third)));
    const whole = own.some((place) => place.zones.length === THIRDS.length); // said as one place
    places.push({ side, zones: whole ? ['all'] : zones });
  }
  const { laterality } = free;
  return {
    laterality: laterality === null ? null : laterality === 'bilateral' ? 'bilateral' : 'unilateral',
    finding,
    count: free.count?.value ?? null,
    places,
    nuclei: [],
    remainder: [],
  };
}
