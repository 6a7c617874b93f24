/**
 * How much of a Grad-CAM lies in the zones of the chest that the note names: a check of the explanation, and of the model, by the words of the
 * note. Zones are a split of the image itself (core's `zone-map.ts`), which knows nothing of where the lungs are.
 */
import {
  imageFrame,
  namedZones,
  parseNote,
  resizePlane,
  type Sides,
  zoneMap,
  zoneNames,
} from '@reclmis/core';
import type { GradCam } from './grad-cam.js';

/** A map's mass by zones. */
export interface CamZones {
  /** `upper left`, ... */
  readonly named: readonly string[];
  /** Share of the map's sum, upsampled to the image, inside the named zones, 0 to 1. */
  readonly inside: number;
  /** Share of the image's pixels there: what `inside` would be of a map that is the same everywhere. */
  readonly area: number;
}

/** @param image its size. @returns null where the note names no zone or all six, which is all of the image, and where the map is 0. */
export function camZones(
  { side, values }: GradCam,
  note: string,
  { width, height }: { readonly width: number; readonly height: number },
  sides: Sides,
): CamZones | null {
  const named = namedZones(parseNote(note));
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
