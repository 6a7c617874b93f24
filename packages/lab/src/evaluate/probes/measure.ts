/**
 * What one case shows under one note, and the figures of many cases with their intervals. Definitions with formulas: docs/reference/probes.md.
 *
 * Zones are kept in the patient's convention; of a data set whose notes mean the image's sides the named ones are exchanged (`inConvention`),
 * which comes to the same as exchanging the map.
 */
import {
  bootstrap,
  flip,
  groupSums,
  type Interval,
  type Mask,
  mirror,
  mirrorZones,
  movedShare,
  noteConsistency,
  score,
  type Sides,
  type ZoneSet,
} from '@reclmis/core';
import type { NoteVariant } from '../evaluate.js';

/** What is measured of a mask under a note; null where it is not applicable. */
export interface NoteMeasures {
  readonly dice: number | null;
  /** Dice less that under the right note. */
  readonly change: number | null;
  /** The same over the cases whose note the probe changes. */
  readonly changeWhereChanged: number | null;
  /** Share of the mask in the zones that the given note names, and share of these that it reaches. */
  readonly inside: number | null;
  readonly reached: number | null;
  /** Share of the mask that moved into the newly named zones (swapped notes only). */
  readonly moved: number | null;
  /** Dice between this mask and the right note's (swapped notes only). 1: the note makes no difference. */
  readonly same: number | null;
  /** Dice between this mask and the right note's, mirrored or flipped alike (mirrored and flipped notes only). */
  readonly expected: number | null;
}

export const MEASURES = [
  'dice',
  'change',
  'changeWhereChanged',
  'inside',
  'reached',
  'moved',
  'same',
  'expected',
] as const satisfies readonly (keyof NoteMeasures)[];

/** A case's mask under a note. */
export interface Given {
  readonly mask: Mask;
  /** The zones that the note names, by its own words; null where it names none. */
  readonly named: ZoneSet | null;
  readonly changed: boolean;
}

/** The zones of a note whose left and right are those of a convention, in the patient's. */
export function inConvention(named: ZoneSet | null, sides: Sides): ZoneSet | null {
  return named === null || sides === 'patient' ? named : mirrorZones(named);
}

/**
 * Measures a mask under a note against the truth and the right note's mask.
 * @param map zones of every pixel in the patient's convention
 */
export function measureNote(
  variant: NoteVariant,
  given: Given,
  right: Given,
  truth: Mask,
  map: Uint8Array,
  sides: Sides,
): NoteMeasures {
  const { mask, changed } = given;
  const named = inConvention(given.named, sides);
  const namedRight = inConvention(right.named, sides);
  const { dice } = score(mask, truth);
  const change = variant === 'right' ? null : dice - score(right.mask, truth).dice;
  const consistency = named === null ? null : noteConsistency(mask, map, named);
  const exchanged = changed && variant !== 'empty';
  const turned =
    variant === 'mirrored' ? mirror(right.mask) : variant === 'flipped' ? flip(right.mask) : null;
  return {
    dice,
    change,
    changeWhereChanged: changed ? change : null,
    inside: consistency?.inside ?? null,
    reached: consistency?.reached ?? null,
    moved:
      exchanged && named !== null && namedRight !== null
        ? movedShare({ mask: right.mask, named: namedRight }, { mask, named }, map)
        : null,
    same: changed ? score(mask, right.mask).dice : null,
    expected: exchanged && turned !== null ? score(mask, turned).dice : null,
  };
}

/** A figure over cases. */
export interface ProbeFigure extends Interval {
  /** Over how many cases. */
  readonly cases: number;
}

/** Means over the cases to which each measure applies; null where it applies to none. */
export type NoteFigures = Readonly<Record<keyof NoteMeasures, ProbeFigure | null>>;

/**
 * Means with their 95 % intervals, clustered by patient.
 * @param rows of each series (a variant, or the truth) the measures of each case, in the order of `groups`
 */
export function figuresOf(
  rows: readonly (readonly NoteMeasures[])[],
  groups: readonly string[],
  options: { readonly seed?: number; readonly resamples?: number } = {},
): NoteFigures[] {
  const width = rows.length * MEASURES.length;
  // Of each case: the values of all series, 0 where one is not applicable, then 1 or 0 for whether it is.
  const table = groups.map((_, i) => {
    const row = new Float64Array(2 * width);
    rows.forEach((series, s) => {
      MEASURES.forEach((name, m) => {
        const value = series[i]?.[name] ?? null;
        if (value === null) return;
        row[s * MEASURES.length + m] = value;
        row[width + s * MEASURES.length + m] = 1;
      });
    });
    return row;
  });
  const data = groupSums(table, groups);
  const means = (sums: Float64Array): number[] =>
    Array.from({ length: width }, (_, k) => (sums[k] ?? 0) / (sums[width + k] ?? 0)); // 0 / 0 is NaN: not defined
  const intervals = bootstrap(data, means, options);
  return rows.map((_, s) => {
    const figure = (name: keyof NoteMeasures): ProbeFigure | null => {
      const k = s * MEASURES.length + MEASURES.indexOf(name);
      const cases = table.reduce((sum, row) => sum + (row[width + k] ?? 0), 0);
      const interval = intervals[k];
      return cases === 0 || interval === undefined ? null : { ...interval, cases };
    };
    return {
      dice: figure('dice'),
      change: figure('change'),
      changeWhereChanged: figure('changeWhereChanged'),
      inside: figure('inside'),
      reached: figure('reached'),
      moved: figure('moved'),
      same: figure('same'),
      expected: figure('expected'),
    };
  });
}
