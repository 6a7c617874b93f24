/** Lists of phrases as users write them, and the names of places. */
import type { Side, Zone } from '../note.js';

/** Most forms of one phrase. */
export const MOST_FORMS = 64;

export interface PlainPlace {
  readonly side: Side | null;
  readonly zones: readonly Zone[];
}

/** A list as the phrases that were written, each with its forms; null for one with too many. */
export function phrasesOf(list: string | readonly string[]): { phrase: string; forms: string[] | null }[] {
  const written = typeof list === 'string' ? [list] : list;
  return written
    .flatMap((line) => line.split(','))
    .map((phrase) => phrase.trim())
    .filter((phrase) => phrase !== '')
    .map((phrase) => ({ phrase, forms: expand(phrase) }));
}

/** The phrases of a list, one form each. */
export function formsOf(list: string | readonly string[]): string[] {
  return phrasesOf(list).flatMap(({ forms }) => (forms ?? []).filter((form) => form !== ''));
}

/** `re(d/al)` as `red` and `real`; an empty alternative is allowed. Null for more than `MOST_FORMS`. */
function expand(phrase: string): string[] | null {
  if (!phrase.includes('(')) return [phrase];
  let forms = [''];
  for (const [part] of phrase.matchAll(/\([^()]*\)|[^(]+|\(/gu)) {
    const choices = part.startsWith('(') && part.length > 1 ? part.slice(1, -1).split('/') : [part];
    if (forms.length * choices.length > MOST_FORMS) return null;
    forms = forms.flatMap((form) => choices.map((choice) => form + choice));
  }
  return forms.map((form) => form.trim());
}

/** Reads `lower left + lower right`; null if it is no place. */
export function placesOf(name: string): PlainPlace[] | null {
  const places: PlainPlace[] = [];
  for (const part of name.split('+')) {
    let side: Side | null = null;
    const zones: Zone[] = [];
    for (const word of part.trim().split(/\s+/u)) {
      if (word === 'left' || word === 'right') side = word;
      else if (word === 'upper' || word === 'middle' || word === 'lower') zones.push(word);
      else return null;
    }
    places.push({ side, zones });
  }
  return places;
}
