/**
 * Warns about doubtful masks: empty, covering everything, outside the zones that the note names, or with a different
 * number of areas from the note's. One implementation for the runtime, the server, `predict`, `evaluate` and `explain`.
 *
 * Zones are those of `zone-map.ts`, a division of the image itself. If it is unknown whose left and right the note
 * means, the better of both readings counts, which still checks heights and whether a mask is on one side or both. Areas
 * are counted as in `deriveNote`, without specks. docs/measurements/warnings.md says how often true masks are suspected.
 */
import { components } from '../masks/components.js';
import { shareInside } from './consistency.js';
import { MIN_AREA } from './derive-note.js';
import type { ParsedNote } from './note.js';
import type { Mask } from '../images/raster.js';
import type { StatedSides } from './sides.js';
import type { Warning } from '../warnings.js';
import { imageFrame, mirrorZones, namedZones, type Sides, zoneMap, zoneNames } from './zone-map.js';

/** Share of the image from which a mask covers everything. */
export const COVERS_ALL = 0.9;
/** Share of a mask below which it lies outside the named zones, unless the training masks suggest less. */
export const LEAST_INSIDE = 0.35;
/** Tolerance above and below a named zone, as a share of the height: zone borders are coarse. */
const TOLERANCE = 0.1;
/** Larger masks are examined at this many pixels per side: zones and areas need no more, and a warning must be cheap. */
const LOOKED_AT = 512;

/** Facts about a model's training masks, so that warnings do not suspect what is usual. */
export interface MaskRules {
  /** Least share of a mask inside its note's zones; null if notes and masks of these data do not agree that way. */
  readonly inside: number | null;
  /** Whether the notes state the number of areas. */
  readonly areas: boolean;
  /** Whose left and right the notes were taken to mean in that measurement; absent in older versions. */
  readonly sides?: StatedSides | undefined;
}

/** Rules if nothing is known of the training masks. */
export const USUAL_RULES: MaskRules = { inside: LEAST_INSIDE, areas: true };

/** Rules for notes of these sides: the share inside was measured only with its own sides. */
export function rulesUnder(rules: MaskRules, sides: StatedSides): MaskRules {
  return rules.sides === undefined || rules.sides === sides ? rules : { ...rules, inside: null };
}

export interface MaskContext {
  /** The parsed note; null if the model reads none. */
  readonly note: ParsedNote | null;
  /** Whose left and right the note means, or `unknown`. */
  readonly sides: Sides | 'unknown';
  readonly rules?: MaskRules;
}

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
        message: `the mask is empty${note ? '; nothing was found that matches the note' : ''}`,
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
      message: `the note states ${counted(note.count)}, the mask has ${areas}`,
    });
  }
  return warnings;
}

/** Areas of a mask as notes count them: without specks. */
export function maskAreas(mask: Mask): number {
  const small = lookedAt(mask);
  return components(small).filter(({ area }) => area >= MIN_AREA * small.data.length).length;
}

/** Share of the mask in the zones that its note names, by the better reading if the sides are unknown; null if there is nothing to measure. */
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

/** Zones of every pixel: its own, and those that begin within the tolerance above or below. */
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

/** Whether the note expects an empty mask: "No pulmonary infection". */
function deniesFinding({ finding, places, count }: ParsedNote): boolean {
  return count === 0 || (finding !== null && /^no\b/.test(finding) && places.length === 0);
}

/** Subsamples the mask by rows and columns: areas and zones are far larger than the step. */
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
