/** The reader of free notes on rewordings of every note of LViT's grammar: what it reads against what the note says. */
import {
  formatNote,
  namedZones,
  parseNote,
  Random,
  readNote,
  REWORDING_LANGUAGES,
  type RewordOptions,
  REWORDINGS,
  rewordNote,
  WORDING_SETS,
  zoneBit,
  type FreeNote,
  type Place,
  type ZoneSet,
} from '@reclmis/core';

const THIRDS = ['upper', 'middle', 'lower'] as const;
const SUBSETS = [
  ['upper'],
  ['middle'],
  ['lower'],
  ['upper', 'middle'],
  ['middle', 'lower'],
  ['upper', 'lower'],
  ['upper', 'middle', 'lower'],
  ['all'],
] as const;
const MOST_AREAS = 6;

/** All that LViT's sentence can say of one or both lungs, with 1 to 6 areas. */
export function everyNote(): string[] {
  const notes: string[] = [];
  const sides = [null, ...SUBSETS];
  for (const left of sides) {
    for (const right of sides) {
      const places: Place[] = [];
      if (left !== null) places.push({ side: 'left', zones: left });
      if (right !== null) places.push({ side: 'right', zones: right });
      for (let count = Math.max(1, places.length); places.length > 0 && count <= MOST_AREAS; count++)
        notes.push(
          formatNote({
            laterality: places.length === 2 ? 'bilateral' : 'unilateral',
            finding: 'pulmonary infection',
            count,
            places,
            nuclei: [],
            remainder: [],
          }),
        );
    }
  }
  return notes;
}

/** Kinds, with each language of its own. */
export const WAYS: readonly RewordOptions[] = WORDING_SETS.flatMap((set) =>
  REWORDINGS.flatMap((kind): RewordOptions[] =>
    kind === 'translated'
      ? REWORDING_LANGUAGES.map((language) => ({ kind, set, language }))
      : [{ kind, set }],
  ),
);

export interface RewordingTally {
  readonly way: RewordOptions;
  readonly texts: number;
  /** Complete, with the note's places and count. */
  readonly right: number;
  /** Complete with another place or count, and those that name a side that the note does not. */
  readonly wrong: readonly string[];
  readonly wrongSide: readonly string[];
  /** Not understood, as the reader says itself. */
  readonly incomplete: readonly string[];
}

export function tallyOf(way: RewordOptions, notes: readonly string[], seeds: number): RewordingTally {
  const found = { wrong: [] as string[], wrongSide: [] as string[], incomplete: [] as string[] };
  let [texts, right] = [0, 0];
  for (const note of notes) {
    const parsed = parseNote(note);
    const named = namedZones(parsed) ?? 0;
    for (let seed = 0; seed < seeds; seed++) {
      const text = rewordNote(note, way, Random.from('round trip', note, seed));
      if (text === null) continue;
      texts++;
      const read = readNote(text);
      const zones = zonesOf(read);
      if (read.places.some(({ side }) => side !== null && !parsed.places.some((one) => one.side === side)))
        found.wrongSide.push(text);
      if (!read.complete) found.incomplete.push(text);
      else if (zones !== named || (read.count?.value ?? null) !== parsed.count) found.wrong.push(text);
      else right++;
    }
  }
  return { way, texts, right, ...found };
}

function zonesOf({ places }: FreeNote): ZoneSet {
  let set = 0;
  for (const { side, zones } of places)
    for (const one of side === null ? (['left', 'right'] as const) : [side])
      for (const zone of zones.length === 0 ? THIRDS : zones)
        for (const third of zone === 'all' ? THIRDS : [zone]) set |= zoneBit(one, third);
  return set;
}
