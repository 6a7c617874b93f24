/** GeoJSON of a mask's outlines, and the mask that such outlines enclose. */
import { outlinesGeoJson } from '@reclmis/clinical';
import { DESCRIBED_REGION, type Mask, ReclmisError } from '@reclmis/core';
import { pointsOf } from '../edit/action.js';
import { Recorder } from '../edit/patch.js';
import { scanPolygon } from '../edit/polygon.js';
import { geometryOf, storedMask, type Subject } from './subject.js';

export function outlinesOf(subject: Subject): string {
  const { pixel } = geometryOf(subject);
  const mask = storedMask(subject);
  return [...outlinesGeoJson([{ frame: 1, segment: DESCRIBED_REGION.label, value: 1, mask, pixel }])].join('');
}

interface Geometry {
  readonly type?: unknown;
  readonly coordinates?: unknown;
}

/** @throws ANNOTATION_INVALID for text that is no collection of polygons */
export function maskOfOutlines(text: string, width: number, height: number): Mask {
  const mask = { width, height, data: new Uint8Array(width * height) };
  const recorder = new Recorder(mask);
  for (const { type, coordinates } of geometriesOf(text)) {
    const polygons = type === 'MultiPolygon' ? coordinates : [coordinates];
    for (const polygon of polygons as number[][][][])
      scanPolygon(
        polygon.map((ring) => pointsOf(ring.slice(0, -1).flat())), // the first point is repeated
        height,
        (y, from, to) => recorder.set(y, from, to, 1),
      );
  }
  return mask;
}

function geometriesOf(text: string): Geometry[] {
  try {
    const { features } = JSON.parse(text) as { features: { geometry: Geometry }[] };
    return features.map(({ geometry }) => geometry);
  } catch (cause) {
    throw new ReclmisError('ANNOTATION_INVALID', 'expected GeoJSON with features', { cause });
  }
}
