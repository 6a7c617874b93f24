/** How much of a mask, as it is or turned, lies in the zones that its note names. */
import {
  imageFrame,
  inferSides,
  mirrorZones,
  namedZones,
  meaningOf,
  tallySides,
  zoneMap,
} from '@reclmis/core';
import { THUMB as S } from '../measure/thumbnail.js';
import type { Subject } from './types.js';

/** Per cell, by the image's sides. */
export const ZONES_OF_IMAGE = zoneMap(imageFrame(S, S), 'image');
/** Below this share in named zones, notes mean something else. */
const KEPT = 0.6;
const LEAST_NAMING = 10;

/** Null if a note names none, or notes do not fit masks. */
export function zonesNamed(subjects: readonly Subject[], masks: readonly Float64Array[]): (number | null)[] {
  const { sides } = inferSides(tallySides(subjects.map(({ measure }) => measure.sides)));
  const named = subjects.map(({ note }) => {
    const zones = namedZones(meaningOf(note));
    if (zones === null || sides === 'image') return zones;
    const mirrored = mirrorZones(zones);
    return sides === 'patient' || mirrored === zones ? mirrored : null;
  });
  const shares = named.flatMap((zones, i) => zones === null ? [] : [shareIn(masks[i] as Float64Array, zones)]); // prettier-ignore
  const kept = shares.reduce((a, b) => a + b, 0) / shares.length;
  return shares.length < LEAST_NAMING || kept < KEPT ? named.map(() => null) : named;
}

/** Share of a mask, [S * S], in some zones. */
export function shareIn(mask: Float64Array, zones: number): number {
  let [inside, total] = [0, 0];
  for (let p = 0; p < mask.length; p++) {
    total += mask[p] as number;
    if (((ZONES_OF_IMAGE[p] as number) & zones) !== 0) inside += mask[p] as number;
  }
  return total === 0 ? 0 : inside / total;
}
