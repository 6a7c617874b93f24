/**
 * Measures a case under one note, and averages many. Formulas: docs/reference/probes.md.
 *
 * Zones are in the patient's convention; if notes mean the image's sides, the named zones are exchanged
 * (`inConvention`).
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
import type { NoteVariant } from '../note-variants.js';

/** A mask's measures; null if not applicable. */
export interface NoteMeasures {
  readonly dice: number | null;
  /** Dice minus that under the right note. */
  readonly change: number | null;
  /** Over the cases whose note the probe changes. */
  readonly changeWhereChanged: number | null;
  /** Share of the mask in the named zones, and share of those reached. */
  readonly inside: number | null;
  readonly reached: number | null;
  /** Share that moved into the newly named zones (swapped notes). */
  readonly moved: number | null;
  /**
   * With the right note's mask. 1: the note makes no difference. Of the same finding in other words this is the
   * invariance, which should be 1.
   */
  readonly same: number | null;
  /** With the right note's mask, mirrored or flipped alike. */
  readonly expected: number | null;
  /** 1 for a mask without a pixel. */
  readonly empty: number | null;
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
  'empty',
] as const satisfies readonly (keyof NoteMeasures)[];

export interface Given {
  readonly mask: Mask;
  /** Null if the note names none. */
  readonly named: ZoneSet | null;
  readonly changed: boolean;
}

/** Converts zones to the patient's convention. */
export function inConvention(named: ZoneSet | null, sides: Sides): ZoneSet | null {
  return named === null || sides === 'patient' ? named : mirrorZones(named);
}

/** @param map each pixel's zone, in the patient's convention */
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
    variant === 'mirrored' || variant === 'exchanged'
      ? mirror(right.mask)
      : variant === 'flipped'
        ? flip(right.mask)
        : null;
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
    empty: mask.data.every((value) => value === 0) ? 1 : 0,
  };
}

export interface ProbeFigure extends Interval {
  readonly cases: number;
}

/** Means over the cases to which a measure applies, or null. */
export type NoteFigures = Readonly<Record<keyof NoteMeasures, ProbeFigure | null>>;

/**
 * Means with 95 % intervals, by patients.
 * @param rows each case's measures in the order of `groups`, per series (a variant, or the truth)
 */
export function figuresOf(
  rows: readonly (readonly NoteMeasures[])[],
  groups: readonly string[],
  options: { readonly seed?: number; readonly resamples?: number } = {},
): NoteFigures[] {
  const width = rows.length * MEASURES.length;
  // Per case: the values of all series, then 1 or 0 for whether they apply.
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
      empty: figure('empty'),
    };
  });
}
