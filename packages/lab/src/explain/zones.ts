/**
 * How much of a Grad-CAM lies in the chest zones that the note names: a check of explanation and model. Zones
 * split the image itself (core's `zone-map.ts`), not the lungs.
 */
import {
  imageFrame,
  namedZones,
  meaningOf,
  resizePlane,
  type Sides,
  type Vocabulary,
  zoneMap,
  zoneNames,
} from '@reclmis/core';
import type { GradCam } from './grad-cam.js';

export interface CamZones {
  /** `upper left`, ... */
  readonly named: readonly string[];
  /** Share of the map's sum, upsampled to the image, in the named zones, 0 to 1. */
  readonly inside: number;
  /** Their share of pixels: `inside` of a uniform map. */
  readonly area: number;
}

/** @param image its size. @param vocabulary the note's, as for `meaningOf`. @returns null if the note names no zone or all six, or the map is 0. */
export function camZones(
  { side, values }: GradCam,
  note: string,
  { width, height }: { readonly width: number; readonly height: number },
  sides: Sides,
  vocabulary: Vocabulary | null = null,
): CamZones | null {
  const named = namedZones(meaningOf(note, vocabulary));
  if (named === null) return null;
  const zones = zoneMap(imageFrame(width, height), sides);
  const plane = resizePlane(values, side, side, width, height);
  let [all, inside, area] = [0, 0, 0];
  plane.forEach((value, p) => {
    all += value;
    if ((zones[p]! & named) === 0) return;
    inside += value;
    area += 1;
  });
  return all === 0 || area === plane.length
    ? null
    : { named: zoneNames(named), inside: inside / all, area: area / plane.length };
}
