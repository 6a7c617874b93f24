/** Rules that nearly all training masks keep; core's `maskWarnings` tests predicted masks by them. */
import {
  insideNamedZones,
  LEAST_IMAGES,
  LEAST_INSIDE,
  type MaskRules,
  maskAreas,
  meaningOf,
  quantileOfSorted,
  type StatedSides,
  type Vocabulary,
} from '@reclmis/core';
import { readCaseMask, type Case } from '@reclmis/data';

const SUSPECTED = 0.02;
/** A smaller share makes no rule. */
const LEAST_RULE = 0.05;

export interface MaskFit {
  /** Null if no zone is named or the mask is empty. */
  readonly inside: number | null;
  /** Null if the note counts none. */
  readonly counted: boolean | null;
}

/** @param vocabulary the note's, as for `meaningOf`. @throws what reading the mask throws */
export async function fitOf(
  one: Case,
  sides: StatedSides,
  vocabulary: Vocabulary | null = null,
): Promise<MaskFit> {
  const { mask } = await readCaseMask(one);
  const said = meaningOf(one.note, vocabulary);
  return {
    inside: insideNamedZones(mask, said, sides)?.inside ?? null,
    counted: said.count === null ? null : maskAreas(mask) === said.count,
  };
}

/** @param sides whose sides the notes mean */
export function rulesOf(fits: readonly MaskFit[], sides: StatedSides): MaskRules {
  const inside = fits.flatMap((fit) => (fit.inside === null ? [] : [fit.inside])).sort((a, b) => a - b);
  const counted = fits.flatMap((fit) => (fit.counted === null ? [] : [fit.counted]));
  const wrong = counted.filter((right) => !right).length;
  const areas = counted.length < LEAST_IMAGES || wrong <= SUSPECTED * counted.length;
  if (inside.length < LEAST_IMAGES) return { inside: LEAST_INSIDE, areas, sides };
  const least = Math.min(LEAST_INSIDE, quantileOfSorted(Float64Array.from(inside), SUSPECTED));
  return { inside: least < LEAST_RULE ? null : Number(least.toPrecision(3)), areas, sides };
}
