/** How well the reader of free notes reads the annotated sentences in packages/core/src/notes/reader/fixtures. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type FreeNote, type ReadPlace, readNote } from '@reclmis/core';

export const LANGUAGES = ['en', 'de', 'es', 'fr', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

/**
 * By five authors; the second, third, fifth and sixth are of authors who wrote after the reader, without knowing it.
 * The fourth is by the reader's author, written before each round of improvements: it guards against regressions and
 * estimates nothing.
 */
export const SETS = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'] as const;
const HEIGHTS = ['upper', 'middle', 'lower'];

export type AnnotatedSet = (typeof SETS)[number];

export interface Annotated {
  readonly text: string;
  readonly places: readonly string[];
  readonly absent: readonly string[];
  readonly count: number | null;
  readonly extent: string | null;
  readonly uncertain: boolean;
  /** Contradicts itself or leaves a place open. */
  readonly nonsense: boolean;
}

export interface Scored {
  readonly language: Language;
  readonly expected: Annotated;
  readonly read: Annotated;
  readonly note: FreeNote;
  /** Everything as annotated; for nonsense: warned, and no place. */
  readonly right: boolean;
  /** A place on a side that the annotation does not have. */
  readonly wrongSide: boolean;
}

export function annotated(language: Language, set: AnnotatedSet): Annotated[] {
  const file = set === 'first' ? `notes.${language}.jsonl` : `${set}.jsonl`;
  const url = new URL(`../../packages/core/src/notes/reader/fixtures/${file}`, import.meta.url);
  const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n').filter(Boolean);
  const plain = { absent: [], count: null, extent: null, uncertain: false, nonsense: false };
  return lines
    .map((line) => ({ ...plain, lang: language, ...(JSON.parse(line) as Annotated & { lang?: Language }) }))
    .map((one) => ({ ...one, places: wholeSides(one.places) }))
    .filter(({ lang }) => lang === language);
}

export function scored(language: Language, set: AnnotatedSet): Scored[] {
  return annotated(language, set).map((expected) => {
    const note = readNote(expected.text);
    const read: Annotated = {
      text: expected.text,
      places: placeNames(note.places),
      absent: placeNames(note.absent),
      count: note.count?.value ?? null,
      extent: extentOf(note, set),
      uncertain: note.uncertain !== null,
      nonsense: note.warnings.some(({ code }) => code === 'NOTE_AMBIGUOUS' || code === 'NOTE_CONTRADICTS'),
    };
    const right = expected.nonsense
      ? read.nonsense && read.places.length === 0 && !note.complete
      : note.complete && FIELDS.every((field) => valueOf(read, field) === valueOf(expected, field));
    const sides = sidesOf(expected.places);
    const wrongSide = sidesOf(read.places).some((side) => !sides.includes(side));
    return { language, expected, read, note, right, wrongSide };
  });
}

/** Extents that the annotations of a set do not have. */
const UNSAID: Readonly<Partial<Record<AnnotatedSet, readonly string[]>>> = {
  third: ['focal'],
  fourth: ['focal'],
  fifth: ['focal', 'diffuse'],
  sixth: ['focal', 'diffuse'],
};

function extentOf({ extent }: FreeNote, set: AnnotatedSet): string | null {
  return extent === null || UNSAID[set]?.includes(extent.value) ? null : extent.value;
}

/** All three heights of a side as the side. */
function wholeSides(places: readonly string[]): readonly string[] {
  const whole = ['left', 'right'].filter((side) =>
    HEIGHTS.every((zone) => places.includes(`${zone} ${side}`)),
  );
  return [...places.filter((place) => !whole.some((side) => place.endsWith(side))), ...whole];
}

/** As annotated: all three heights of a side are that side. */
export function placeNames(places: readonly ReadPlace[]): string[] {
  const sides = [...new Set(places.map(({ side }) => side))];
  return sides.flatMap((side) => {
    const zones = [...new Set(places.filter((one) => one.side === side).flatMap((one) => one.zones))];
    if (zones.length === 0 || zones.length === 3) return [side ?? ''];
    return zones.map((zone) => (side === null ? zone : `${zone} ${side}`));
  });
}

const FIELDS = ['places', 'absent', 'count', 'extent', 'uncertain'] as const;
type Field = (typeof FIELDS)[number];

function valueOf(note: Annotated, field: Field | 'laterality'): string {
  if (field === 'laterality') return [...new Set(sidesOf(note.places))].sort().join(', ') || 'none';
  const value = note[field];
  return Array.isArray(value)
    ? [...new Set(value as string[])].sort().join(', ') || 'none'
    : String(value ?? 'none');
}

function sidesOf(places: readonly string[]): string[] {
  return places.flatMap((place) => /left|right/.exec(place)?.[0] ?? []);
}

const SINGLE = HEIGHTS.flatMap((zone) => [`${zone} left`, `${zone} right`, zone]);
const PLACES = [...SINGLE, 'left', 'right'];

/** Counts of expected against read, as Markdown: tables for each language. */
export function confusionTables(all: readonly Scored[]): string {
  return LANGUAGES.map((one) => {
    const list = all.filter(({ language }) => language === one);
    return [`## ${one}`, ...itemTables(list)].join('\n\n');
  }).join('\n\n');
}

/** A summary, then a table for each item of a reading: sides, places, what is free, number, extent, doubt. */
export function itemTables(list: readonly Scored[]): string[] {
  const sound = list.filter(({ expected }) => !expected.nonsense);
  const nonsense = list.filter(({ expected }) => expected.nonsense);
  return [
    `${list.filter(({ right }) => right).length} of ${list.length} read completely and correctly; ${list.filter(({ wrongSide }) => wrongSide).length} with a wrong side; ${nonsense.filter(({ right }) => right).length} of ${nonsense.length} contradictory or ambiguous ones warned without a place; ${sound.filter(({ read }) => read.nonsense).length} of ${sound.length} others warned.`,
    valueTable(sound, 'laterality'),
    ...(['places', 'absent'] as const).map((field) => placeTable(sound, field)),
    ...(['count', 'extent', 'uncertain'] as const).map((field) => valueTable(sound, field)),
  ];
}

/** Each place by itself: expected and read, expected only, read only. */
function placeTable(list: readonly Scored[], field: 'places' | 'absent'): string {
  const rows = PLACES.flatMap((place) => {
    const count = (expected: boolean, read: boolean): number =>
      list.filter(
        (one) => one.expected[field].includes(place) === expected && one.read[field].includes(place) === read,
      ).length;
    const [both, missed, added] = [count(true, true), count(true, false), count(false, true)];
    return both + missed + added === 0 ? [] : [`| ${place} | ${both} | ${missed} | ${added} |`];
  });
  return [`| ${field} | both | expected only | read only |`, '| --- | --- | --- | --- |', ...rows].join('\n');
}

function valueTable(list: readonly Scored[], field: 'laterality' | 'count' | 'extent' | 'uncertain'): string {
  const values = [
    ...new Set(list.flatMap(({ expected, read }) => [valueOf(expected, field), valueOf(read, field)])),
  ].sort();
  const row = (expected: string): string => {
    const cells = values.map(
      (read) =>
        list.filter((one) => valueOf(one.expected, field) === expected && valueOf(one.read, field) === read)
          .length,
    );
    return `| ${expected} | ${cells.join(' | ')} |`;
  };
  return [
    `| ${field}: expected, read | ${values.join(' | ')} |`,
    `| --- |${' --- |'.repeat(values.length)}`,
    ...values.map(row),
  ].join('\n');
}
