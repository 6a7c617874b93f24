import { type Mask, Random } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import type { FrameGeometry, PixelSize } from '../types.js';
import { diametersOf, type Point } from './diameters.js';
import { outlinesGeoJson } from './geojson.js';
import { measure } from './measure.js';
import { measuresCsv, measuresJson } from './measures-text.js';
import { countVolumeComponents } from './volume-components.js';

/** Rows separated by `/`: `#` is foreground. */
function drawnMask(rows: string): Mask {
  const lines = rows.split('/');
  return {
    width: lines[0]!.length,
    height: lines.length,
    data: Uint8Array.from([...lines.join('')].map((c) => (c === '#' ? 1 : 0))),
  };
}

const patient = { width: 0.5, height: 2, at: 'patient' } as const;
const flat = (pixel: PixelSize | null): FrameGeometry => ({ plane: null, directions: null, pixel });
const slice = (z: number, pixel: PixelSize = patient): FrameGeometry => ({
  plane: { position: [0, 0, z], right: [1, 0, 0], down: [0, 1, 0] },
  directions: null,
  pixel,
});

describe('diametersOf', () => {
  it('finds the longest line and the longest across it', () => {
    // A rhombus of diagonals 10 and 6.
    const rhombus: Point[] = [[0, 0], [5, 3], [10, 0], [5, -3]]; // prettier-ignore
    expect(diametersOf(rhombus)).toEqual({ longest: 10, perpendicular: 6 });
    // A parallelogram: the extent across the longest diagonal is larger than any line across.
    const slanted: Point[] = [[0, 0], [4, 0], [6, 2], [2, 2]]; // prettier-ignore
    const { longest, perpendicular } = diametersOf(slanted);
    expect(longest).toBeCloseTo(Math.hypot(6, 2), 12);
    // Through (4, 0), direction (-1, 3): it leaves at the side y = x, in (3, 3) cut by y = 2: (10/3, 2).
    expect(perpendicular).toBeCloseTo(Math.hypot(4 - 10 / 3, 2), 12);
  });

  it('agrees with trying all lines of a circle and of a triangle', () => {
    const circle = Array.from({ length: 360 }, (_, i): Point => [
      7 * Math.cos((i * Math.PI) / 180),
      7 * Math.sin((i * Math.PI) / 180),
    ]);
    expect(diametersOf(circle).longest).toBeCloseTo(14, 9);
    expect(diametersOf(circle).perpendicular).toBeCloseTo(14, 2); // 360 corners
    // A right triangle of 3, 4, 5: the height on 5 is 12 / 5.
    const triangle: Point[] = [[0, 0], [3, 0], [0, 4]]; // prettier-ignore
    expect(diametersOf(triangle).longest).toBe(5);
    expect(diametersOf(triangle).perpendicular).toBeCloseTo(2.4, 12);
  });
});

describe('measure', () => {
  it('measures area and diameters by pixels that are not square', () => {
    // 4 columns of 0.5 mm, 3 rows of 2 mm: 2 x 6 mm.
    const mask = drawnMask('......../.####.../.####.../.####.../.......#');
    const { segments, remarks, slices } = measure([flat(patient)], [{ name: 'lesion', value: 1, masks: [mask] }]); // prettier-ignore
    expect(remarks).toEqual([]);
    expect(slices).toBeNull();
    const [only] = segments;
    expect(only).toMatchObject({ empty: false, segmented: 1, volumeMl: null, volumeComponents: null });
    const [frame] = only!.frames;
    expect(frame).toMatchObject({ frame: 1, pixels: 13, components: 2, areaMm2: 13 });
    expect(frame!.longestMm).toBeCloseTo(Math.hypot(2, 6), 8); // nine digits are kept
    // Across the diagonal of a rectangle, through a corner: w * d / h.
    expect(frame!.perpendicularMm).toBeCloseTo((2 * Math.hypot(2, 6)) / 6, 8);
  });

  it('says that sizes are at the detector, and gives none without a pixel size', () => {
    const mask = drawnMask('.#/##');
    const detector = measure([flat({ ...patient, at: 'detector' })], [{ name: 'a', value: 1, masks: [mask] }]); // prettier-ignore
    expect(detector.remarks).toEqual([expect.stringMatching(/detector/u)]);
    const bare = measure([flat(null)], [{ name: 'a', value: 1, masks: [mask] }]);
    expect(bare.remarks).toEqual([expect.stringMatching(/no pixel size/u)]);
    expect(bare.segments[0]!.frames).toEqual([
      { frame: 1, pixels: 3, components: 1, areaMm2: null, longestMm: null, perpendicularMm: null },
    ]);
  });

  it('gives the volume of slices in any order, with their own gaps', () => {
    const mask = drawnMask('##/#.'); // 3 mm²
    const empty = drawnMask('../..');
    const even = measure([slice(6), slice(0), slice(3)], [{ name: 'a', value: 1, masks: [mask, mask, null] }]); // prettier-ignore
    expect(even.slices).toEqual([3, 3, 3]);
    expect(even.segments[0]).toMatchObject({ volumeMl: 0.018, volumeComponents: 2, segmented: 2 });
    // Gaps of 2 and 6 mm: the slices stand for 2, 4 and 6 mm.
    const uneven = measure([slice(0), slice(2), slice(8)], [{ name: 'a', value: 1, masks: [mask, mask, empty] }]); // prettier-ignore
    expect(uneven.slices).toEqual([2, 4, 6]);
    expect(uneven.segments[0]!.volumeMl).toBe(0.018);
    expect(uneven.segments[0]!.frames.map(({ frame }) => frame)).toEqual([1, 2]);
  });

  it('gives no volume where there is none', () => {
    const mask = drawnMask('#');
    const segment = { name: 'a', value: 1, masks: [mask, mask] };
    const twice = measure([slice(1), slice(1)], [segment]);
    expect(twice.segments[0]!.volumeMl).toBeNull();
    expect(twice.remarks).toEqual([expect.stringMatching(/no.* volume|not form a volume/u)]);
    expect(measure([flat(patient), flat(patient)], [segment]).segments[0]!.volumeMl).toBeNull();
    expect(() => measure([slice(1)], [segment])).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }));
  });

  it('knows an empty mask', () => {
    const { segments } = measure([flat(patient)], [{ name: 'a', value: 1, masks: [drawnMask('..')] }]);
    expect(segments[0]).toMatchObject({ empty: true, frames: [], segmented: 1 });
  });
});

describe('countVolumeComponents', () => {
  it('joins by corners across slices, and not across a gap', () => {
    const one = drawnMask('#../.../...');
    const diagonal = drawnMask('.../.#./...');
    const far = drawnMask('.../.../..#');
    expect(countVolumeComponents([one, diagonal, far])).toBe(1);
    expect(countVolumeComponents([one, null, diagonal])).toBe(2);
    expect(countVolumeComponents([one, far])).toBe(2);
    expect(countVolumeComponents([null, null])).toBe(0);
  });

  it('agrees with flooding, voxel by voxel', () => {
    const [w, h, d] = [7, 6, 5];
    for (let seed = 1; seed <= 40; seed++) {
      const random = Random.from('components', seed);
      const volume = Array.from({ length: d }, (): Mask => ({
        width: w,
        height: h,
        data: Uint8Array.from({ length: w * h }, () => (random.bool(seed / 120) ? 1 : 0)),
      }));
      const at = (x: number, y: number, z: number): number =>
        x < 0 || y < 0 || x >= w || y >= h ? 0 : (volume[z]?.data[y * w + x] ?? 0);
      const seen = new Set<string>();
      const flood = (x: number, y: number, z: number): void => {
        if (at(x, y, z) === 0 || seen.has(`${x} ${y} ${z}`)) return;
        seen.add(`${x} ${y} ${z}`);
        for (const i of [-1, 0, 1]) for (const j of [-1, 0, 1]) for (const k of [-1, 0, 1]) flood(x + i, y + j, z + k); // prettier-ignore
      };
      let parts = 0;
      for (let z = 0; z < d; z++)
        for (let y = 0; y < h; y++)
          for (let x = 0; x < w; x++) {
            if (at(x, y, z) === 0 || seen.has(`${x} ${y} ${z}`)) continue;
            parts++;
            flood(x, y, z);
          }
      expect(countVolumeComponents(volume), `seed ${seed}`).toBe(parts);
    }
  });
});

describe('texts', () => {
  const mask = drawnMask('##./..#');
  const measures = measure([slice(0), slice(2)], [{ name: '=left, "upper"', value: 3, masks: [mask, null] }]);

  it('writes a row per frame and one for all as CSV', () => {
    expect(measuresCsv(measures)).toBe(
      'segment,value,scope,frame,components,pixels,area_mm2,longest_mm,perpendicular_mm,volume_ml,sizes_at\n' +
        `"'=left, ""upper""",3,frame,1,1,3,3,${measures.segments[0]!.frames[0]!.longestMm},${measures.segments[0]!.frames[0]!.perpendicularMm},,patient\n` +
        `"'=left, ""upper""",3,all,,1,3,,${measures.segments[0]!.frames[0]!.longestMm},,0.006,patient\n`,
    );
  });

  it('writes JSON that reads back', () => {
    expect(JSON.parse(measuresJson(measures))).toEqual(measures);
  });

  it('writes GeoJSON with frame, segment and areas', () => {
    const of = (pixel: PixelSize | null): unknown =>
      JSON.parse(
        [...outlinesGeoJson([
          { frame: 1, segment: 'a', value: 1, mask: drawnMask('.'), pixel },
          { frame: 2, segment: 'b', value: 4, mask: drawnMask('.##/...'), pixel },
          { frame: 3, segment: 'c', value: 5, mask: drawnMask('#./.#'), pixel },
        ])].join(''),
      ); // prettier-ignore
    expect(of(patient)).toEqual({
      type: 'FeatureCollection',
      features: [
        {
          type: 'Feature',
          properties: { frame: 2, segment: 'b', value: 4, component: 1, area: 2, areaMm2: 2, at: 'patient' },
          geometry: { type: 'Polygon', coordinates: [[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]] }, // prettier-ignore
        },
        expect.objectContaining({ geometry: expect.objectContaining({ type: 'MultiPolygon' }) as unknown }),
      ],
    });
    expect(of(null)).toMatchObject({ features: [{ properties: { area: 2 } }, {}] });
    expect(JSON.stringify(of(null))).not.toContain('areaMm2');
  });
});
