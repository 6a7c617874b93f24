/**
 * Brings stored frames to the orientation in which people and models see them, and masks back.
 *
 * Standard displays: frontal projections and coronal slices have the patient's left on the right and the feet below;
 * axial slices the left on the right and the back below; sagittal slices and lateral projections the back on the right
 * and the feet below. Orientations are numbered as in EXIF, from 1 to 8: what turns the stored pixels upright.
 *
 * Sources: Patient Orientation (DICOM PS3.3 C.7.6.1.1.1), Image Orientation (C.7.6.2.1.1), EXIF 2.32 tag 274.
 */
import type { Raster } from '@reclmis/core';
import { ReclmisError } from '@reclmis/core';
import type { FrameGeometry, PixelSize, Vector } from './types.js';

/** 1 as stored, 2 mirrored, 3 upside down, 4 flipped, 5 transposed, 6 a quarter clockwise, 7 transposed along the other diagonal, 8 a quarter counter-clockwise. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** What of the patient a frame shows. `craniocaudal`: a projection along the body, such as a mammogram. */
export type View = 'frontal' | 'lateral' | 'craniocaudal' | 'axial' | 'sagittal' | 'coronal';

export interface StandardDisplay {
  /** Brings the stored pixels to the standard display. */
  readonly orientation: Orientation;
  readonly view: View;
  /**
   * Degrees between the frame's axes and the patient's nearest ones, the larger of two. Zero for projections: their
   * letters give no angle.
   */
  readonly oblique: number;
  /** For projections whose second letters say that the axes are tilted. */
  readonly tilted: boolean;
}

/** An axis of the patient, 0 left, 1 back, 2 head, and whether the image runs along or against it. */
interface Heading {
  readonly axis: 0 | 1 | 2;
  readonly sign: 1 | -1;
}

const LEFT: Heading = { axis: 0, sign: 1 };
const BACK: Heading = { axis: 1, sign: 1 };
const FEET: Heading = { axis: 2, sign: -1 };

/** By the axis that looks out of the image. */
const DISPLAYS = [
  { right: BACK, down: FEET, slice: 'sagittal', projection: 'lateral' },
  { right: LEFT, down: FEET, slice: 'coronal', projection: 'frontal' },
  { right: LEFT, down: BACK, slice: 'axial', projection: 'craniocaudal' },
] as const;

const LETTERS: Readonly<Record<string, Heading>> = {
  L: LEFT,
  R: { axis: 0, sign: -1 },
  P: BACK,
  A: { axis: 1, sign: -1 },
  H: { axis: 2, sign: 1 },
  F: FEET,
};

/** Below this sine, the two axes of a frame are taken for parallel, and the file for damaged. */
const PARALLEL = 0.05;

/**
 * How to display a frame, or null if the file does not say (or contradicts itself): the caller warns. Position and
 * direction cosines win over letters. Mammograms and craniocaudal projections stay as stored: breasts of either side are
 * hung by laterality (left ones with the chest wall on the left), not by the patient's axes.
 */
export function standardDisplay({ plane, directions, breast }: FrameGeometry): StandardDisplay | null {
  const display =
    plane !== null
      ? displayOfSlice(plane.right, plane.down)
      : directions && displayOfProjection(directions.right, directions.down);
  return display !== null && breast === true ? { ...display, orientation: 1 } : display;
}

function displayOfSlice(right: Vector, down: Vector): StandardDisplay | null {
  const r = unit(right);
  const d = unit(down);
  if (r === null || d === null) return null;
  const n: Vector = [r[1] * d[2] - r[2] * d[1], r[2] * d[0] - r[0] * d[2], r[0] * d[1] - r[1] * d[0]];
  if (Math.hypot(...n) < PARALLEL) return null;
  let best: { i: 0 | 1 | 2; j: 0 | 1 | 2; k: 0 | 1 | 2 } = { i: 0, j: 1, k: 2 };
  let most = -1;
  for (const [i, j, k] of ASSIGNMENTS) {
    const fit = Math.abs(r[i]) + Math.abs(d[j]) + Math.abs(n[k]);
    if (fit > most + 1e-9) {
      best = { i, j, k };
      most = fit;
    }
  }
  const { i, j, k } = best;
  const { slice, ...target } = DISPLAYS[k];
  return {
    orientation: turn(heading(r, i), heading(d, j), target.right, target.down),
    view: slice,
    oblique: Math.max(degrees(r[i]), degrees(d[j])),
    tilted: false,
  };
}

/** Ways to match rows, columns and normal with the patient's axes. */
const ASSIGNMENTS = [
  [0, 1, 2],
  [1, 0, 2],
  [0, 2, 1],
  [2, 0, 1],
  [1, 2, 0],
  [2, 1, 0],
] as const;

function displayOfProjection(rightLetters: string, downLetters: string): StandardDisplay | null {
  const right = LETTERS[rightLetters.charAt(0)];
  const down = LETTERS[downLetters.charAt(0)];
  if (right === undefined || down === undefined || right.axis === down.axis) return null;
  const { projection, ...target } = DISPLAYS[(3 - right.axis - down.axis) as 0 | 1 | 2];
  return {
    orientation: projection === 'craniocaudal' ? 1 : turn(right, down, target.right, target.down),
    view: projection,
    oblique: 0,
    tilted: rightLetters.length > 1 || downLetters.length > 1,
  };
}

const heading = (vector: Vector, axis: 0 | 1 | 2): Heading => ({ axis, sign: vector[axis] < 0 ? -1 : 1 });

const degrees = (cosine: number): number => (Math.acos(Math.min(1, Math.abs(cosine))) * 180) / Math.PI;

function unit(vector: Vector): Vector | null {
  const length = Math.hypot(...vector);
  if (!Number.isFinite(length) || length < 1e-6) return null;
  return [vector[0] / length, vector[1] / length, vector[2] / length];
}

/** The orientation that brings axes as stored to the wanted ones. */
function turn(right: Heading, down: Heading, wantedRight: Heading, wantedDown: Heading): Orientation {
  const upright = right.axis === wantedRight.axis;
  const x = right.sign === (upright ? wantedRight : wantedDown).sign;
  const y = down.sign === (upright ? wantedDown : wantedRight).sign;
  if (upright) return x ? (y ? 1 : 4) : y ? 2 : 3;
  return x ? (y ? 5 : 6) : y ? 8 : 7;
}

/** The orientation that undoes another. */
export function inverseOrientation(orientation: Orientation): Orientation {
  return orientation === 6 ? 8 : orientation === 8 ? 6 : orientation;
}

/** Whether width and height change places. */
export function swapsSides(orientation: Orientation): boolean {
  return orientation >= 5;
}

/** A pixel's size after `orient`. */
export function orientedPixel(pixel: PixelSize, orientation: Orientation): PixelSize {
  return swapsSides(orientation) ? { ...pixel, width: pixel.height, height: pixel.width } : pixel;
}

/** An image or mask, turned: bring a frame to its display by `orientation`, a mask back by its inverse. */
export function orient(raster: Raster, orientation: Orientation): Raster {
  const { width, height, data } = raster;
  if (orientation === 1) return raster;
  const turned = orientPlane(data, width, height, orientation);
  return swapsSides(orientation)
    ? { width: height, height: width, data: turned }
    : { width, height, data: turned };
}

/**
 * The same for values of any type, such as probabilities.
 * @param values height x width x channels @returns new values in the turned order, unless the orientation is 1
 * @throws INTERNAL if there is no whole number of values per pixel
 */
export function orientPlane<T extends Uint8Array | Uint16Array | Float32Array | Float64Array>(
  values: T,
  width: number,
  height: number,
  orientation: Orientation,
): T {
  if (orientation === 1) return values;
  const channels = values.length / (width * height);
  if (!Number.isInteger(channels) || channels < 1)
    throw new ReclmisError(
      'INTERNAL',
      `orient: expected a whole number of values for each of ${width} x ${height} pixels, got ${values.length} values`,
    );
  const out = values.slice() as T;
  const [W, H] = swapsSides(orientation) ? [height, width] : [width, height];
  const [origin, stepX, stepY] = STEPS[orientation](width, height);
  for (let y = 0, to = 0; y < H; y++) {
    let from = (origin + y * stepY) * channels;
    for (let x = 0; x < W; x++, from += stepX * channels) {
      for (let c = 0; c < channels; c++) out[to++] = values[from + c]!;
    }
  }
  return out;
}

/** Index of the stored pixel that comes to the top left, and the steps to its neighbours on the right and below. */
const STEPS: Readonly<Record<Orientation, (w: number, h: number) => [origin: number, x: number, y: number]>> =
  {
    1: (w) => [0, 1, w],
    2: (w) => [w - 1, -1, w],
    3: (w, h) => [w * h - 1, -1, -w],
    4: (w, h) => [w * (h - 1), 1, -w],
    5: (w) => [0, w, 1],
    6: (w, h) => [w * (h - 1), -w, 1],
    7: (w, h) => [w * h - 1, -w, -1],
    8: (w) => [w - 1, w, -1],
  };

/** What an orientation does: "turned a quarter clockwise" for 6. */
export function orientationName(orientation: Orientation): string {
  return NAMES[orientation];
}

const NAMES: Readonly<Record<Orientation, string>> = {
  1: 'as stored',
  2: 'mirrored',
  3: 'turned upside down',
  4: 'flipped upside down',
  5: 'mirrored and turned a quarter counter-clockwise',
  6: 'turned a quarter clockwise',
  7: 'mirrored and turned a quarter clockwise',
  8: 'turned a quarter counter-clockwise',
};
