/**
 * Warns about doubtful masks: empty, covering everything, outside the zones that the note names
 * (`zone-map.ts`), or with another number of areas. docs/measurements/warnings.md says how often true masks
 * are suspected.
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
/** Least share in the named zones, unless training masks suggest less. */
export const LEAST_INSIDE = 0.35;
/** Above and below a zone, as a share of the height: borders are coarse. */
const TOLERANCE = 0.1;
/** Pixels per side to which larger masks are subsampled: warnings stay cheap. */
const LOOKED_AT = 512;

export interface MaskRules {
  /** Least share of a mask in its note's zones; null if notes and masks do not agree that way. */
  readonly inside: number | null;
  readonly areas: boolean;
  /** Whose left and right that assumed; absent in older versions. */
  readonly sides?: StatedSides | undefined;
}

/** Rules for unknown training masks. */
export const USUAL_RULES: MaskRules = { inside: LEAST_INSIDE, areas: true };

/** `inside` is valid only for the sides it was measured with. */
export function rulesUnder(rules: MaskRules, sides: StatedSides): MaskRules {
  return rules.sides === undefined || rules.sides === sides ? rules : { ...rules, inside: null };
}

export interface MaskContext {
  /** Null if the model reads none. */
  readonly note: ParsedNote | null;
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

/** A mask's areas as notes count them, without specks. */
export function maskAreas(mask: Mask): number {
  const small = lookedAt(mask);
  return components(small).filter(({ area }) => area >= MIN_AREA * small.data.length).length;
}

/** A mask's share in its note's zones, by the better reading if sides are unknown; null if not measurable. */
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

function tolerantMap({ width, height }: Mask, sides: Sides): Uint8Array {
  const own = zoneMap(imageFrame(width, height), sides);
  const reach = Math.round(TOLERANCE * height);
  const zones = new Uint8Array(own.length);
  for (let y = 0; y < height; y++) {
    const above = Math.max(0, y - reach) * width;
    const below = Math.min(height - 1, y + reach) * width;
    const here = y * width;
    for (let x = 0; x < width; x++) zones[here + x] = own[above + x]! | own[here + x]! | own[below + x]!;
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

function deniesFinding({ finding, places, count }: ParsedNote): boolean {
  return count === 0 || (finding !== null && /^no\b/.test(finding) && places.length === 0);
}

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
  return any ? { width, height, data } : mask; // specks are not an empty mask
}

const percent = (share: number): string =>
  `${(100 * share).toFixed(share > 0.999 || share < 0.01 ? 1 : 0)} %`;
const counted = (count: number): string => `${count} ${count === 1 ? 'area' : 'areas'}`;
