import type { Raster } from '@reclmis/core';
import { describe, expect, it } from 'vitest';
import {
  inverseOrientation,
  orient,
  type Orientation,
  orientationName,
  orientedPixel,
  orientPlane,
  standardDisplay,
} from './orientation.js';
import type { FrameGeometry, Vector } from './types.js';

const ALL: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
const projection = (right: string, down: string): FrameGeometry => ({
  plane: null,
  directions: { right, down },
  pixel: null,
});
const slice = (right: Vector, down: Vector, position: Vector = [0, 0, 0]): FrameGeometry => ({
  plane: { position, right, down },
  directions: null,
  pixel: null,
});
/** Columns of letters as one text per row. */
const picture = (rows: string): Raster => {
  const lines = rows.split('/');
  return {
    width: lines[0]!.length,
    height: lines.length,
    data: Uint8Array.from([...lines.join('')].map((letter) => letter.charCodeAt(0))),
  };
};
const rowsOf = ({ width, height, data }: Raster): string =>
  Array.from({ length: height }, (_, y) =>
    String.fromCharCode(...data.subarray(y * width, (y + 1) * width)),
  ).join('/');

/** For each wanted direction of an axis, its unit vector in LPS. */
const AXES: Readonly<Record<string, Vector>> = {
  L: [1, 0, 0],
  R: [-1, 0, 0],
  P: [0, 1, 0],
  A: [0, -1, 0],
  H: [0, 0, 1],
  F: [0, 0, -1],
};
const OPPOSITE: Readonly<Record<string, string>> = { L: 'R', R: 'L', P: 'A', A: 'P', H: 'F', F: 'H' };

describe('orient', () => {
  it('turns to the pixel as EXIF numbers it', () => {
    // What the numbers mean, from the standard: where row 0 and column 0 of the stored picture are on the screen.
    const stored = picture('abc/def');
    expect(Object.fromEntries(ALL.map((o) => [o, rowsOf(orient(stored, o))]))).toEqual({
      1: 'abc/def', // top, left
      2: 'cba/fed', // top, right
      3: 'fed/cba', // bottom, right
      4: 'def/abc', // bottom, left
      5: 'ad/be/cf', // left, top
      6: 'da/eb/fc', // right, top
      7: 'fc/eb/da', // right, bottom
      8: 'cf/be/ad', // left, bottom
    });
  });

  it('is undone by the inverse, for images of three channels and for probabilities', () => {
    const image: Raster = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i) };
    const plane = Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6);
    for (const o of ALL) {
      expect(orient(orient(image, o), inverseOrientation(o)), orientationName(o)).toEqual(image);
      const [w, h] = o >= 5 ? [2, 3] : [3, 2];
      expect(orientPlane(orientPlane(plane, 3, 2, o), w, h, inverseOrientation(o))).toEqual(plane);
    }
    expect([...orient(image, 2).data.subarray(0, 9)]).toEqual([6, 7, 8, 3, 4, 5, 0, 1, 2]);
  });

  it('refuses values that fit no size', () => {
    expect(() => orientPlane(new Uint8Array(5), 3, 2, 2)).toThrow(/3 x 2 pixels, got 5 values/u);
  });

  it('exchanges the sides of pixels that are not square', () => {
    const pixel = { width: 0.2, height: 0.5, at: 'detector' } as const;
    expect(orientedPixel(pixel, 3)).toEqual(pixel);
    expect(orientedPixel(pixel, 6)).toEqual({ width: 0.5, height: 0.2, at: 'detector' });
  });
});

describe('standardDisplay', () => {
  // The test's own model: a picture whose corner letters name the patient, displayed and compared.
  const views = [
    { view: 'frontal', slice: 'coronal', right: 'L', down: 'F' },
    { view: 'lateral', slice: 'sagittal', right: 'P', down: 'F' },
    { view: 'craniocaudal', slice: 'axial', right: 'L', down: 'P' },
  ];
  /** Stored axes under which orientation o gives the wanted ones. */
  const storedAxes = (o: Orientation, right: string, down: string): [string, string] => {
    const r = OPPOSITE[right]!;
    const d = OPPOSITE[down]!;
    const stored: Record<Orientation, [string, string]> = {
      1: [right, down],
      2: [r, down],
      3: [r, d],
      4: [right, d],
      5: [down, right],
      6: [down, r],
      7: [d, r],
      8: [d, right],
    };
    return stored[o];
  };

  it('finds all eight orientations of slices, from cosines of either sign', () => {
    for (const { slice: view, right, down } of views)
      for (const o of ALL) {
        const [r, d] = storedAxes(o, right, down);
        expect(standardDisplay(slice(AXES[r]!, AXES[d]!)), `${view} stored ${r}\\${d}`).toEqual({
          orientation: o,
          view,
          oblique: 0,
          tilted: false,
        });
      }
  });

  it('finds all eight orientations of frontal and lateral projections, mirrored ones too', () => {
    for (const { view, right, down } of views.slice(0, 2))
      for (const o of ALL) {
        const [r, d] = storedAxes(o, right, down);
        expect(standardDisplay(projection(r, d)), `${view} stored ${r}\\${d}`).toMatchObject({
          orientation: o,
          view,
        });
      }
    expect(standardDisplay(projection('R', 'F'))).toMatchObject({ orientation: 2 });
  });

  it('puts what is at the patient’s left on the right of the display', () => {
    // A volume in which the voxel's letter says where it is: L or R, then upper or lower case for H or F.
    const letterAt = (x: number, z: number): string => (x > 0 ? (z > 0 ? 'L' : 'l') : z > 0 ? 'R' : 'r');
    for (const o of ALL) {
      const [r, d] = storedAxes(o, 'L', 'F');
      const rows = [-1, 1].map((down) =>
        [-1, 1]
          .map((right) =>
            letterAt(right * AXES[r]![0] + down * AXES[d]![0], right * AXES[r]![2] + down * AXES[d]![2]),
          )
          .join(''),
      );
      const { orientation } = standardDisplay(slice(AXES[r]!, AXES[d]!))!;
      expect(rowsOf(orient(picture(rows.join('/')), orientation))).toBe('RL/rl');
    }
  });

  it('does not depend on the order of slices', () => {
    const axial = [1, 2, 3].map((z) => standardDisplay(slice([1, 0, 0], [0, 1, 0], [0, 0, -z])));
    expect(new Set(axial.map((one) => one!.orientation))).toEqual(new Set([1]));
    // Feet first: rows run to the patient's right, columns to the back, so the normal points to the feet.
    expect(standardDisplay(slice([-1, 0, 0], [0, 1, 0]))).toMatchObject({ orientation: 2, view: 'axial' });
  });

  it('takes the nearest axes of an oblique slice and says how far off they are', () => {
    const radians = (20 * Math.PI) / 180;
    const [c, s] = [Math.cos(radians), Math.sin(radians)];
    const tilted = standardDisplay(slice([1, 0, 0], [0, c, -s]));
    expect(tilted).toMatchObject({ orientation: 1, view: 'axial' });
    expect(tilted!.oblique).toBeCloseTo(20, 9); // acos loses about 1e-13 near 20 degrees
    const turned = standardDisplay(slice([c, s, 0], [s, -c, 0]));
    expect(turned).toMatchObject({ orientation: 4, view: 'axial' });
    // Rows and columns are both nearest to the left-right axis: only one of them can be along it.
    const double = standardDisplay(slice([0.66, 0.53, 0.53], [0.72, -0.64, -0.2566]));
    expect(double).toMatchObject({ view: 'axial', orientation: 4 });
  });

  it('takes the first letter of each direction, and notes that others follow', () => {
    expect(standardDisplay(projection('LA', 'F'))).toMatchObject({ orientation: 1, tilted: true });
    expect(standardDisplay(projection('RP', 'HL'))).toMatchObject({ orientation: 3, tilted: true });
    expect(standardDisplay(projection('L', 'F'))).toMatchObject({ tilted: false });
  });

  it('leaves mammograms of the view from above as stored', () => {
    expect(standardDisplay(projection('P', 'L'))).toMatchObject({ orientation: 1, view: 'craniocaudal' });
    expect(standardDisplay(projection('A', 'R'))).toMatchObject({ orientation: 1, view: 'craniocaudal' });
  });

  it('leaves every mammogram as stored: left and right breasts look away from each other', () => {
    const breast = (right: string, down: string): FrameGeometry => ({
      ...projection(right, down),
      breast: true,
    });
    // Mediolateral oblique and mediolateral views, left and right.
    for (const [right, down] of [
      ['A', 'FR'],
      ['P', 'FL'],
      ['A', 'F'],
      ['P', 'F'],
    ] as const)
      // prettier-ignore
      expect(standardDisplay(breast(right, down))).toMatchObject({ orientation: 1, view: 'lateral' });
    // A lateral chest radiograph has the back on the right.
    expect(standardDisplay(projection('A', 'F'))).toMatchObject({ orientation: 2 });
    expect(standardDisplay({ plane: null, directions: null, pixel: null, breast: true })).toBeNull();
  });

  it('is null where the file does not say, or contradicts itself', () => {
    expect(standardDisplay({ plane: null, directions: null, pixel: null })).toBeNull();
    for (const [right, down] of [
      ['L', 'R'],
      ['', 'F'],
      ['X', 'F'],
      ['l', 'f'],
    ] as const)
      // prettier-ignore
      expect(standardDisplay(projection(right, down)), `${right}\\${down}`).toBeNull();
    expect(standardDisplay(slice([1, 0, 0], [1, 0, 0]))).toBeNull();
    expect(standardDisplay(slice([0, 0, 0], [0, 1, 0]))).toBeNull();
    expect(standardDisplay(slice([Number.NaN, 0, 0], [0, 1, 0]))).toBeNull();
  });
});
