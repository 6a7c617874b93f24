/**
 * What makes a predicted mask doubtful: that it is empty, covers everything, lies outside the zones that its note names, or has another number of areas
 * than the note counts. One implementation for the runtime, the server, `predict`, `evaluate` and `explain`.
 *
 * Zones are those of `zone-map.ts`, a split of the image itself. Where it is not known whose left and right the note means, the mask is held against both
 * readings and the better one counts: then heights are tried, and whether a mask is on one side or on both. Areas are counted as `deriveNote` counts
 * them: without specks. docs/measurements/warnings.md has how often true masks are suspected.
 */
import { components } from '../masks/components.js';
import { shareInside } from './consistency.js';
import { MIN_AREA } from './derive-note.js';
import type { ParsedNote } from './note.js';
import type { Mask } from '../images/raster.js';
import type { StatedSides } from './sides.js';
import type { Warning } from '../warnings.js';
import { imageFrame, mirrorZones, namedZones, type Sides, zoneMap, zoneNames } from './zone-map.js';

/** Share of the image from which a mask is said to cover everything. */
export const COVERS_ALL = 0.9;
/** Share of a mask below which it is said to lie outside the named zones, where the training masks do not ask for less. */
export const LEAST_INSIDE = 0.35;
/** How far a mask may lie above or below a named zone and still count as inside, as a share of the height: the lines between zones are coarse. */
const TOLERANCE = 0.1;
/** Larger masks are looked at in this many pixels a side: zones and areas need no more, and a warning has to cost little. */
const LOOKED_AT = 512;

/** What holds of the masks that a model was trained with, so that a warning does not suspect what is usual. */
export interface MaskRules {
  /** Least share of a mask inside the zones of its note; null: notes and masks of these data do not go together so. */
  readonly inside: number | null;
  /** Whether the notes count the mask's areas. */
  readonly areas: boolean;
  /** Whose left and right the notes were taken to mean when this was measured; absent in what older versions wrote. */
  readonly sides?: StatedSides | undefined;
}

/** Rules where nothing is known of the training masks. */
export const USUAL_RULES: MaskRules = { inside: LEAST_INSIDE, areas: true };

/** The rules as they hold for notes of these sides: how much of a mask is inside was measured by its own sides alone. */
export function rulesUnder(rules: MaskRules, sides: StatedSides): MaskRules {
  return rules.sides === undefined || rules.sides === sides ? rules : { ...rules, inside: null };
}

export interface MaskContext {
  /** What the note says; null where the model reads none. */
  readonly note: ParsedNote | null;
  /** Whose left and right the note means, `unknown` where nothing says so. */
  readonly sides: Sides | 'unknown';
  readonly rules?: MaskRules;
}

/** The warnings about a mask; none where there is nothing to say. */
export function maskWarnings(mask: Mask, { note, sides, rules = USUAL_RULES }: MaskContext): Warning[] {
  const small = lookedAt(mask);
  const found = components(small);
  const pixels = small.width * small.height;
  const covered = found.reduce((sum, { area }) => sum + area, 0) / pixels;
  if (found.length === 0) {
    if (note && deniesFinding(note)) return [];
    return [
      {
        code: 'MASK_EMPTY',
        message: `the mask is empty${note ? '; nothing was found that fits the note' : ''}`,
      },
    ];
  }
  if (covered >= COVERS_ALL)
    return [{ code: 'MASK_COVERS_ALL', message: `the mask covers ${percent(covered)} of the image` }];
  if (!note) return [];
  const warnings: Warning[] = [];
  const outside = outsideZones(small, note, sides, rules.inside);
  if (outside) warnings.push(outside);
  const areas = found.filter(({ area }) => area >= MIN_AREA * pixels).length;
  if (rules.areas && note.count !== null && areas !== note.count) {
    warnings.push({
      code: 'AREAS_DIFFER',
      message: `the note counts ${counted(note.count)}, the mask has ${areas}`,
    });
  }
  return warnings;
}

/** Areas of a mask as notes count them: without specks. */
export function maskAreas(mask: Mask): number {
  const small = lookedAt(mask);
  return components(small).filter(({ area }) => area >= MIN_AREA * small.data.length).length;
}

/** How much of a mask lies in the zones that its note names, by the better reading where the sides are unknown; null where there is nothing to measure. */
export function insideNamedZones(
  mask: Mask,
  note: ParsedNote,
  sides: Sides | 'unknown',
): { readonly inside: number; readonly zones: readonly string[] } | null {
  const named = namedZones(note);
  if (named === null) return null;
  const map = tolerantMap(mask, sides === 'unknown' ? 'patient' : sides);
  const inside = shareInside(mask, map, named);
  if (inside === null) return null;
  const other = sides === 'unknown' ? (shareInside(mask, map, mirrorZones(named)) ?? 0) : 0;
  return { inside: Math.max(inside, other), zones: zoneNames(named) };
}

/** The zones within reach of every pixel: its own, and those that begin within the tolerance above or below it. */
function tolerantMap({ width, height }: Mask, sides: Sides): Uint8Array {
  const own = zoneMap(imageFrame(width, height), sides);
  const reach = Math.round(TOLERANCE * height);
  const zones = new Uint8Array(own.length);
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - reach) * width;
    const below = Math.min(height - 1, y + reach) * width;
    for (let x = 0; x < width; x++) {
      zones[y * width + x] = own[above + x]! | own[y * width + x]! | own[below + x]!;
    }
  }
  return zones;
}

function outsideZones(
  mask: Mask,
  note: ParsedNote,
  sides: Sides | 'unknown',
  least: number | null,
): Warning | null {
  const found = least === null ? null : insideNamedZones(mask, note, sides);
  if (found === null || least === null || found.inside >= least) return null;
  const meant =
    sides === 'unknown'
      ? ', whether it means the patient’s left and right or the image’s'
      : `, by the ${sides}’s left and right`;
  return {
    code: 'MASK_OUTSIDE_ZONES',
    message: `${percent(1 - found.inside)} of the mask lies outside the zones that the note names (${found.zones.join(', ')})${meant}`,
  };
}

/** "No pulmonary infection": a note that asks for an empty mask. */
function deniesFinding({ finding, places, count }: ParsedNote): boolean {
  return count === 0 || (finding !== null && /^no\b/.test(finding) && places.length === 0);
}

/** The mask thinned to every second, third, ... row and column: areas and zones are far larger than what is left out. */
function lookedAt(mask: Mask): Mask {
  const step = Math.ceil(Math.max(mask.width, mask.height) / LOOKED_AT);
  if (step === 1) return mask;
  const [width, height] = [Math.ceil(mask.width / step), Math.ceil(mask.height / step)];
  const data = new Uint8Array(width * height);
  let any = false;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = y * step * mask.width; x < width; x++, from += step, to++) {
      data[to] = mask.data[from]!;
      any ||= data[to] !== 0;
    }
  }
  return any ? { width, height, data } : mask; // a mask of specks is not empty
}

const percent = (share: number): string =>
  `${(100 * share).toFixed(share > 0.999 || share < 0.01 ? 1 : 0)} %`;
const counted = (count: number): string => `${count} ${count === 1 ? 'area' : 'areas'}`;
