/**
 * Note consistency: how far a mask keeps to the zones that its note names (docs/reference/probes.md). Not in
 * the paper, but measures its complaint that earlier models ignore the note.
 */
import { ReclmisError } from '../errors.js';
import { checkMask, type Mask } from '../images/raster.js';
import { countZones, type ZoneSet } from './zone-map.js';

export interface Consistency {
  /** Share of the mask in the named zones, 0 to 1; null for an empty mask. */
  readonly inside: number | null;
  /** Share of the named zones with any of the mask, 0 to 1. */
  readonly reached: number;
}

/**
 * @param map each pixel's zones (`zoneMap`).
 * @param named not empty (`namedZones`). @throws MASK_SIZE_MISMATCH
 */
export function noteConsistency(mask: Mask, map: Uint8Array, named: ZoneSet): Consistency {
  const held = zonesOf(mask, map) & named;
  return { inside: shareInside(mask, map, named), reached: countZones(held) / countZones(named) };
}

/** Share of a mask in the given zones; null for an empty mask. @throws MASK_SIZE_MISMATCH */
export function shareInside(mask: Mask, map: Uint8Array, zones: ZoneSet): number | null {
  checkMap(mask, map);
  let total = 0;
  let inside = 0;
  for (let p = 0; p < map.length; p++) {
    if (mask.data[p] === 0) continue;
    total++;
    if ((map[p]! & zones) !== 0) inside++;
  }
  return total === 0 ? null : inside / total;
}

/** Zones with any of a mask. @throws MASK_SIZE_MISMATCH */
export function zonesOf(mask: Mask, map: Uint8Array): ZoneSet {
  checkMap(mask, map);
  let zones = 0;
  for (let p = 0; p < map.length; p++) if (mask.data[p] !== 0) zones |= map[p]!;
  return zones;
}

/**
 * How much of the mask followed a swapped note: the new mask's share in zones that only the new note names,
 * minus the old mask's. 1 is all, 0 none, below 0 away from it. Null if the notes name the same zones, or a
 * mask is empty.
 */
export function movedShare(
  before: { readonly mask: Mask; readonly named: ZoneSet },
  after: { readonly mask: Mask; readonly named: ZoneSet },
  map: Uint8Array,
): number | null {
  const gained = after.named & ~before.named;
  if (gained === 0) return null;
  const was = shareInside(before.mask, map, gained);
  const is = shareInside(after.mask, map, gained);
  return was === null || is === null ? null : is - was;
}

function checkMap(mask: Mask, map: Uint8Array): void {
  checkMask(mask, 'consistency');
  if (mask.data.length === map.length) return;
  throw new ReclmisError(
    'MASK_SIZE_MISMATCH',
    `consistency: the mask has ${mask.data.length} pixels, the map of zones ${map.length}`,
  );
}
