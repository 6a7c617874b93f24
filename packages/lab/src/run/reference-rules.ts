/** How training masks go with their notes, and the rules that nearly all of them keep: what a predicted mask is held against (core's `maskWarnings`). */
import {
  insideNamedZones,
  LEAST_IMAGES,
  LEAST_INSIDE,
  type MaskRules,
  maskAreas,
  parseNote,
  quantileOfSorted,
  type StatedSides,
} from '@reclmis/core';
import { readMask } from '@reclmis/files';
import type { Case } from '../data/types.js';

/** Share of the training masks that a rule may suspect. */
const SUSPECTED = 0.02;
/** A rule that asks for less than this share says nothing. */
const LEAST_RULE = 0.05;

/** How a training mask goes with its note. */
export interface MaskFit {
  /** Share inside the named zones; null where none is named, or the mask is empty. */
  readonly inside: number | null;
  /** Whether the mask has as many areas as the note counts; null where it counts none. */
  readonly counted: boolean | null;
}

/** Reads a case's mask and holds it against its note. @throws what reading throws */
export async function fitOf({ maskPath, note }: Case, sides: StatedSides): Promise<MaskFit> {
  const mask = await readMask(maskPath);
  const said = parseNote(note);
  return {
    inside: insideNamedZones(mask, said, sides)?.inside ?? null,
    counted: said.count === null ? null : maskAreas(mask) === said.count,
  };
}

/** Rules that hold of nearly all training masks, whose notes mean these sides. */
export function rulesOf(fits: readonly MaskFit[], sides: StatedSides): MaskRules {
  const inside = fits.flatMap((fit) => (fit.inside === null ? [] : [fit.inside])).sort((a, b) => a - b);
  const counted = fits.flatMap((fit) => (fit.counted === null ? [] : [fit.counted]));
  const wrong = counted.filter((right) => !right).length;
  const areas = counted.length < LEAST_IMAGES || wrong <= SUSPECTED * counted.length;
  if (inside.length < LEAST_IMAGES) return { inside: LEAST_INSIDE, areas, sides };
  const least = Math.min(LEAST_INSIDE, quantileOfSorted(Float64Array.from(inside), SUSPECTED));
  return { inside: least < LEAST_RULE ? null : Number(least.toPrecision(3)), areas, sides };
}
