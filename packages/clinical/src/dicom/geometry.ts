/**
 * Where a frame lies in the patient, and the size of its pixels. Slices have Image Position and Orientation (PS3.3
 * C.7.6.2), projections Patient Orientation (C.7.6.1.1.1); enhanced objects state both by frame. What contradicts itself
 * counts as not stated.
 */
import type { Directions, FrameGeometry, PixelSize, SlicePlane, Vector } from '../types.js';
import type { DataSet } from './data-set.js';
import { TAG } from './tags.js';

/** Whose pixel sizes are those of a detector or film unless calibrated. */
const PROJECTIONS = new Set(['CR', 'DX', 'RF', 'XA', 'MG', 'PX', 'IO', 'RG', 'XC']);
/** Unit vectors and right angles in files are rounded to some digits. */
const TOLERANCE = 0.01;
/** Cosines below this are not worth a letter. */
const LEAST_COSINE = 0.1;
const OPPOSITE: Readonly<Record<string, string>> = { L: 'R', R: 'L', A: 'P', P: 'A', H: 'F', F: 'H' };

/** @param places data sets that may state it for a frame, by sequence tag of its functional group */
export function geometryOf(
  dataSet: DataSet,
  groupOf: (sequence: number) => DataSet | null,
  modality: string,
): FrameGeometry {
  const plane = planeOf(groupOf(TAG.planePosition) ?? dataSet, groupOf(TAG.planeOrientation) ?? dataSet);
  return {
    plane,
    directions: plane === null ? directionsIn(dataSet) : directionsOf(plane),
    pixel: pixelSizeOf(dataSet, groupOf(TAG.pixelMeasures), modality),
    ...(modality === 'MG' ? { breast: true as const } : {}),
  };
}

function planeOf(position: DataSet, orientation: DataSet): SlicePlane | null {
  const at = position.decimals(TAG.imagePosition);
  const along = orientation.decimals(TAG.imageOrientation);
  if (at.length !== 3 || along.length !== 6 || ![...at, ...along].every(Number.isFinite)) return null;
  const right = unit(along.slice(0, 3));
  const down = unit(along.slice(3));
  if (right === null || down === null) return null;
  const cosine = right[0] * down[0] + right[1] * down[1] + right[2] * down[2];
  if (Math.abs(cosine) > TOLERANCE) return null;
  return { position: [at[0]!, at[1]!, at[2]!], right, down };
}

function unit([x = 0, y = 0, z = 0]: readonly number[]): Vector | null {
  const length = Math.hypot(x, y, z);
  return Math.abs(length - 1) > TOLERANCE ? null : [x / length, y / length, z / length];
}

function directionsOf({ right, down }: SlicePlane): Directions {
  return { right: letters(right), down: letters(down) };
}

function letters(vector: Vector): string {
  const names = [
    ['L', 'R'],
    ['P', 'A'],
    ['H', 'F'],
  ] as const;
  return vector
    .map((cosine, axis) => ({ size: Math.abs(cosine), letter: names[axis]![cosine > 0 ? 0 : 1] }))
    .filter(({ size }) => size >= LEAST_COSINE)
    .sort((a, b) => b.size - a.size)
    .map(({ letter }) => letter)
    .join('');
}

function directionsIn(dataSet: DataSet): Directions | null {
  const [right = '', down = '', ...rest] = dataSet.codes(TAG.patientOrientation);
  if (rest.length > 0 || !isDirection(right) || !isDirection(down)) return null;
  if (down[0] === right[0] || down[0] === OPPOSITE[right[0]!]) return null;
  return { right, down };
}

/** One to three letters of different axes. */
function isDirection(text: string): boolean {
  if (!/^[LRAPHF]{1,3}$/u.test(text)) return false;
  const axes = [...text].map((letter) => ('LR'.includes(letter) ? 0 : 'AP'.includes(letter) ? 1 : 2));
  return new Set(axes).size === axes.length;
}

function pixelSizeOf(dataSet: DataSet, measures: DataSet | null, modality: string): PixelSize | null {
  const inPatient = spacing(measures ?? dataSet, TAG.pixelSpacing) ?? spacing(dataSet, TAG.pixelSpacing);
  const atDetector =
    spacing(dataSet, TAG.imagerPixelSpacing) ?? spacing(dataSet, TAG.nominalScannedPixelSpacing);
  if (inPatient !== null) {
    const calibrated =
      dataSet.code(TAG.spacingCalibration) !== '' || (atDetector !== null && !same(inPatient, atDetector));
    const detector = PROJECTIONS.has(modality) && !calibrated;
    return { ...inPatient, at: detector ? 'detector' : 'patient' };
  }
  return atDetector === null ? null : { ...atDetector, at: 'detector' };
}

/** DICOM gives the distance of rows first, which is the height of a pixel. */
function spacing(dataSet: DataSet, tag: number): { readonly width: number; readonly height: number } | null {
  const [height = Number.NaN, width = Number.NaN] = dataSet.decimals(tag);
  const valid = [width, height].every((size) => Number.isFinite(size) && size > 0);
  return valid ? { width, height } : null;
}

function same(
  one: { readonly width: number; readonly height: number },
  other: { readonly width: number; readonly height: number },
): boolean {
  const close = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-4 * Math.max(a, b);
  return close(one.width, other.width) && close(one.height, other.height);
}

/** A sentence on pixels that are not square but of no stated size; null if there is nothing to say. */
export function aspectStep(dataSet: DataSet): string | null {
  const [vertical = Number.NaN, horizontal = Number.NaN] = dataSet.decimals(TAG.pixelAspectRatio);
  if (!(vertical > 0 && horizontal > 0) || vertical === horizontal) return null;
  return `pixels ${vertical} high to ${horizontal} wide, not made square`;
}
