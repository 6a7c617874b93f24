/** Fills the templates of a vocabulary (`sentences.ts`) with what was read. */
import { numberWord } from '../note-count.js';
import type { Place, Side, Zone } from '../note.js';
import type { FreeNote, ReadPlace, ReadStatement } from './free-note.js';
import {
  type Field,
  fill,
  FINDING_FIELDS,
  mentions,
  NOTE_FIELDS,
  parseTemplate,
  PLACE_FIELDS,
  type PlaceWord,
  type Sentences,
  type Template,
  type Values,
} from './sentences.js';
import type { Vocabulary } from './vocabulary-shape.js';

const SIDES = ['left', 'right'] as const satisfies readonly Side[];
const THIRDS = ['upper', 'middle', 'lower'] as const;

/** One sentence for the whole note; null if a field that it needs was not read. */
export function noteSentence(
  free: FreeNote,
  sentences: Sentences,
  note: string,
  { canonical, languages }: Pick<Vocabulary, 'canonical' | 'languages'>,
): string | null {
  if (free.statements.length === 0 && free.places.length === 0) return null;
  const order = Object.values(languages).flatMap((language) => Object.keys(language.findings));
  const named = [...new Set(order)].filter((name) => free.statements.some(({ finding }) => finding === name));
  const places = placesIn(free.places, sentences);
  const { laterality, count, extent } = free;
  const least = extent?.value === 'multifocal' ? 2 : 1; // "several polyps"
  return filledIn(
    parsed(note, NOTE_FIELDS),
    sentences,
    count?.value ?? null,
    Math.max(least, places.length),
    {
      finding: canonical.finding ?? listed(named, sentences),
      laterality:
        laterality === null ? '' : wordFor(laterality === 'bilateral' ? laterality : 'unilateral', sentences),
      places: listed(places, sentences),
    },
  );
}

/**
 * A sentence for each finding, in the order of the templates, so that the same findings give the same text;
 * null if one has no template that says where it is.
 */
export function findingSentences({ statements }: FreeNote, sentences: Sentences): string | null {
  const templates = Object.entries(sentences.findings).map(([name, list]) => ({
    name,
    list: (typeof list === 'string' ? [list] : list).map((text) => parsed(text, FINDING_FIELDS)),
  }));
  if (statements.some(({ finding }) => !Object.hasOwn(sentences.findings, finding))) return null;
  const placesMatter = templates.some(({ list }) => list.some(namesPlace));
  const written: string[] = [];
  for (const { name, list } of templates) {
    for (const placed of [true, false]) {
      // "rare elsewhere" is of a place that has no name
      const vague = !placed && list.some(namesPlace);
      const said = statements.filter(
        ({ finding, places, elsewhere }) =>
          finding === name && places.length > 0 === placed && !(vague && elsewhere),
      );
      if (said.length === 0) continue;
      const usable = list.filter((template) => !placesMatter || namesPlace(template) === placed);
      const texts = usable.map((template) => findingSentence(template, name, said, sentences));
      const text = texts.find((one) => one !== null) ?? null;
      if (text === null) return null;
      written.push(text);
    }
  }
  return written.length === 0 ? null : [...new Set(written)].join(' ');
}

const namesPlace = (template: Template): boolean => mentions(template, 'place', 'places');

/** With `{place}` a sentence for each place. */
function findingSentence(
  template: Template,
  finding: string,
  said: readonly ReadStatement[],
  sentences: Sentences,
): string | null {
  const places = placesIn(
    said.flatMap((one) => one.places),
    sentences,
  );
  const count = said.reduce((sum, one) => sum + (one.count ?? 0), 0) || null;
  if (!mentions(template, 'place'))
    return filledIn(template, sentences, count, places.length, {
      finding,
      places: listed(places, sentences),
    });
  const own = places.length === 1 ? count : null; // of which place a number is, is not known
  const texts = places.map((place) => filledIn(template, sentences, own, 1, { finding, place }));
  return texts.includes(null) || texts.length === 0 ? null : texts.join(' ');
}

function filledIn(
  template: Template,
  sentences: Sentences,
  count: number | null,
  places: number,
  values: Values,
): string | null {
  const number = count === null ? '' : String(count);
  const word = count === null ? '' : (ownWord(number, sentences) ?? numberWord(count));
  return fill(template, { ...values, count: word, number }, (count ?? places) <= 1);
}

/** Places by side: left, right, without a side. @param listsOf the zones of each place of a side */
export function bySide(
  places: readonly ReadPlace[],
  listsOf: (own: readonly ReadPlace[]) => (readonly Zone[])[],
): Place[] {
  return [...SIDES, null].flatMap((side) => {
    const own = places.filter((place) => place.side === side);
    return own.length === 0 ? [] : listsOf(own).map((zones) => ({ side, zones }));
  });
}

/** In order, each once; `all` if they were said as one place. */
export function zonesOf(own: readonly ReadPlace[]): readonly Zone[] {
  if (own.some(({ zones }) => zones.length === THIRDS.length)) return ['all'];
  return THIRDS.filter((third) => own.some(({ zones }) => zones.includes(third)));
}

/** The places of findings as the vocabulary words them. */
function placesIn(places: readonly ReadPlace[], sentences: Sentences): string[] {
  const template = parsed(sentences.place, PLACE_FIELDS);
  const merged = mentions(template, 'zones');
  const found = bySide(places, (own) => {
    const zones = zonesOf(own);
    const heights = merged || zones.length === 0 ? [zones] : zones.map((zone) => [zone]);
    const alsoBare = zones.length > 0 && own.some((place) => place.zones.length === 0);
    return alsoBare ? [[], ...heights] : heights;
  });
  return found.flatMap(({ side, zones }) => {
    const height = zones.map((zone) => wordFor(zone, sentences)).join(' ');
    const values = { side: side === null ? '' : wordFor(side, sentences), zone: height, zones: height };
    return fill(template, values, true) ?? [];
  });
}

function wordFor(word: PlaceWord, sentences: Sentences): string {
  return ownWord(word, sentences) ?? word;
}

function ownWord(key: string, { words }: Sentences): string | undefined {
  return Object.hasOwn(words, key) ? words[key] : undefined;
}

function listed(items: readonly string[], { list: [comma, and] }: Sentences): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(comma)}${and}${last}`;
}

const MOST_KEPT = 200;
const PARSED = new Map<string, Template>();

/** Templates are sound: the vocabulary was checked. */
function parsed(text: string, fields: readonly Field[]): Template {
  const key = `${fields.join()} ${text}`;
  let template = PARSED.get(key);
  if (template === undefined) {
    if (PARSED.size >= MOST_KEPT) PARSED.clear();
    PARSED.set(key, (template = parseTemplate(text, fields)));
  }
  return template;
}
