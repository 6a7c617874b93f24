/**
 * Parts of the images, by what the case's own note says in any words (core's `meaningOf`), whatever note was given, and
 * by lesion size.
 * Classes of zones may overlap.
 */
import {
  type BootstrapOptions,
  chest,
  meaningOf,
  namedZones,
  quantile,
  type Vocabulary,
  zoneNames,
} from '@reclmis/core';
import type { CaseMeasure } from './measure.js';
import { type Figure, figuresOf } from './summary.js';

export interface Stratum {
  /** `laterality`, `infected areas`, ... */
  readonly kind: string;
  readonly name: string;
  readonly images: number;
  readonly patients: number;
  readonly figures: readonly Figure[];
}

const UNSAID = 'not said';
/** Larger numbers of areas are one class. */
const MANY = 4;
/** Fewest images with a lesion for quarters. */
const FEWEST = 8;

/**
 * A note's classes, by kind.
 * @param vocabulary the note's; default: core's `chest`. Notes of others name no zones of lungs
 */
export function noteClasses(
  note: string,
  vocabulary: Vocabulary | null = null,
): Record<string, readonly string[]> {
  const said = meaningOf(note, vocabulary);
  const { laterality, count, nuclei } = said;
  const ofLungs = vocabulary === null || vocabulary.name === chest().name;
  const zones = ofLungs ? namedZones(said) : null;
  const manners = nuclei.flatMap((one) => (one.kind === 'distribution' ? [one.manner] : []));
  const levels = nuclei.flatMap((one) => (one.kind === 'density' ? [one.level] : []));
  const some = (names: readonly string[]): readonly string[] =>
    names.length === 0 ? [UNSAID] : [...new Set(names)];
  return {
    laterality: [laterality ?? UNSAID],
    'infected areas': [count === null ? UNSAID : count >= MANY ? `${MANY} or more` : String(count)],
    'zone named': some(zones === null ? [] : zoneNames(zones)),
    'distribution of nuclei': some(manners),
    'density of nuclei': some(levels),
  };
}

/**
 * Parts with figures, without kinds that no note mentions.
 * @param notes each case's own, read by `vocabulary` as for `noteClasses`. @param size side in pixels of the square in
 * which areas were counted
 */
export function strataOf(
  rows: readonly CaseMeasure[],
  notes: ReadonlyMap<string, string>,
  size: number,
  {
    vocabulary = null,
    ...options
  }: BootstrapOptions & { readonly vocabulary?: Vocabulary | null | undefined } = {},
): Stratum[] {
  const kinds = new Map<string, Map<string, CaseMeasure[]>>();
  const put = (kind: string, name: string, row: CaseMeasure): void => {
    const classes = kinds.get(kind) ?? new Map<string, CaseMeasure[]>();
    kinds.set(kind, classes);
    const members = classes.get(name);
    if (members === undefined) classes.set(name, [row]);
    else members.push(row);
  };
  for (const row of rows) {
    for (const [kind, names] of Object.entries(noteClasses(notes.get(row.id) ?? '', vocabulary)))
      for (const name of names) put(kind, name, row);
  }
  for (const [kind, classes] of kinds) if (classes.size === 1 && classes.has(UNSAID)) kinds.delete(kind);
  const sizeOf = sizeClasses(rows, size);
  if (sizeOf !== null) for (const row of rows) put('lesion size', sizeOf(row), row);
  return [...kinds].flatMap(([kind, classes]) =>
    [...classes]
      .sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1))
      .map(([name, members]) => ({
        kind,
        name,
        images: members.length,
        patients: new Set(members.map(({ group }) => group)).size,
        figures: figuresOf(members, options),
      })),
  );
}

/** Quarters by true area, plus images without lesion; null if too few. Borders go to the smaller class. */
function sizeClasses(rows: readonly CaseMeasure[], size: number): ((row: CaseMeasure) => string) | null {
  const shares = rows.filter(({ truth }) => truth > 0).map(({ truth }) => truth / size ** 2);
  if (shares.length < FEWEST) return null;
  const borders = [0.25, 0.5, 0.75].map((share) => quantile(shares, share));
  const text = borders.map((share) => `${(100 * share).toPrecision(3)} %`);
  const names = [
    `1st quarter: to ${text[0]} of the image`,
    `2nd quarter: to ${text[1]}`,
    `3rd quarter: to ${text[2]}`,
    `4th quarter: above ${text[2]}`,
  ];
  return ({ truth }) => {
    if (truth === 0) return 'none';
    const above = borders.filter((border) => truth / size ** 2 > border).length;
    return names[above] ?? UNSAID;
  };
}

function order(name: string): number {
  return name === UNSAID ? 1 : 0;
}
