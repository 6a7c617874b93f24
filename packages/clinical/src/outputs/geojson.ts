/**
 * Outlines of segments as GeoJSON (RFC 7946, but in pixels of the stored frame: x to the right, y downwards, pixel
 * edges at whole numbers, whatever turn a viewer applies).
 */
import { contours, type Mask } from '@reclmis/core';
import type { PixelSize } from '../types.js';

export interface OutlinedMask {
  /** From 1, as DICOM numbers frames. */
  readonly frame: number;
  readonly segment: string;
  /** Its value in label maps. */
  readonly value: number;
  readonly mask: Mask;
  /** Null: no areas in square millimetres. */
  readonly pixel: PixelSize | null;
}

/**
 * A feature per component, with `frame`, `segment`, `value`, `component` (from 1, the largest), `area` in pixels and,
 * if the pixel size is known, `areaMm2` and `at` (`patient` or `detector`). Yielded by feature, as outlines are long.
 */
export function* outlinesGeoJson(masks: Iterable<OutlinedMask>): Generator<string> {
  yield '{"type":"FeatureCollection","features":[';
  let first = true;
  for (const { frame, segment, value, mask, pixel } of masks) {
    for (const { component, area, polygons } of contours(mask)) {
      const properties = {
        frame,
        segment,
        value,
        component: component + 1,
        area,
        ...(pixel && { areaMm2: Number((area * pixel.width * pixel.height).toPrecision(9)), at: pixel.at }),
      };
      const [only, ...others] = polygons;
      const geometry =
        others.length === 0
          ? { type: 'Polygon', coordinates: only }
          : { type: 'MultiPolygon', coordinates: polygons };
      yield `${first ? '' : ','}\n${JSON.stringify({ type: 'Feature', properties, geometry })}`;
      first = false;
    }
  }
  yield '\n]}\n';
}
