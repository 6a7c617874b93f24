/**
 * The affine of a NIfTI volume: from a header's sform or qform, or a guess from the voxel sizes, with the values of
 * nibabel; and back to the qform's quaternion. Coordinates are NIfTI's: x grows to the patient's right, y to the
 * front, z to the head (RAS), 4 x 4 row by row. Source: nifti1.h, methods 1 to 3.
 */
import { ReclmisError } from '@reclmis/core';
import type { SlicePlane, Vector } from './types.js';

export type Affine = readonly number[];

/** What a header says about where the voxels are. */
export interface Placement {
  readonly sformCode: number;
  readonly qformCode: number;
  /** The first three rows. */
  readonly sform: readonly number[];
  /** b, c and d. */
  readonly quaternion: readonly number[];
  readonly offset: readonly number[];
  /** Millimetres between columns, rows and slices. */
  readonly voxel: readonly number[];
  /** The sign of the third axis. */
  readonly qfac: number;
  readonly size: readonly [number, number, number];
}

/** Below this sine two axes count as parallel. */
const PARALLEL = 1e-3;

/**
 * The sform, else the qform, else a guess (`placed` false): voxel sizes along the axes, columns towards the patient's
 * left, the origin in the centre.
 * @param scale of the header's unit to millimetres @throws IMAGE_UNREADABLE if it cannot be inverted
 */
export function affineOf(
  placement: Placement,
  scale: number,
): { readonly affine: Affine; readonly placed: boolean } {
  const { sformCode, qformCode, sform, size } = placement;
  const placed = sformCode > 0 || qformCode > 0;
  const rows = sformCode > 0 ? sform : qformCode > 0 ? qformRows(placement) : guessedRows(placement);
  const affine = [...rows.map((value) => value * scale), 0, 0, 0, 1];
  if (placed && !isSound(affine, size[2] > 1))
    throw new ReclmisError(
      'IMAGE_UNREADABLE',
      `the volume’s ${sformCode > 0 ? 'sform' : 'qform'} is no affine that can be inverted`,
      { remedy: 'Write the volume again with the software that made it, or set both form codes to 0.' },
    );
  return { affine, placed };
}

function qformRows({ quaternion, offset, voxel, qfac }: Placement): number[] {
  let [b = 0, c = 0, d = 0] = quaternion;
  const rest = 1 - (b * b + c * c + d * d);
  let a = Math.sqrt(Math.max(0, rest));
  const length = Math.hypot(a, b, c, d);
  [a, b, c, d] = [a / length, b / length, c / length, d / length];
  const [dx = 1, dy = 1, dz = 1] = voxel;
  const [x = 0, y = 0, z = 0] = offset;
  const k = dz * (qfac < 0 ? -1 : 1);
  return [
    (a * a + b * b - c * c - d * d) * dx, 2 * (b * c - a * d) * dy, 2 * (b * d + a * c) * k, x,
    2 * (b * c + a * d) * dx, (a * a + c * c - b * b - d * d) * dy, 2 * (c * d - a * b) * k, y,
    2 * (b * d - a * c) * dx, 2 * (c * d + a * b) * dy, (a * a + d * d - b * b - c * c) * k, z,
  ]; // prettier-ignore
}

function guessedRows({ voxel, size }: Placement): number[] {
  const [dx, dy, dz] = [0, 1, 2].map((i) => (isLength(voxel[i]!) ? voxel[i]! : 1)) as [
    number,
    number,
    number,
  ];
  const middle = size.map((n) => (n - 1) / 2);
  return [
    -dx, 0, 0, dx * middle[0]!,
    0, dy, 0, -dy * middle[1]!,
    0, 0, dz, -dz * middle[2]!,
  ]; // prettier-ignore
}

export const isLength = (value: number): boolean => Number.isFinite(value) && value > 0;

/** The affine's column, from 0. */
export const columnOf = (affine: Affine, column: 0 | 1 | 2 | 3): Vector => [
  affine[column]!,
  affine[4 + column]!,
  affine[8 + column]!,
];

const lengthOf = (vector: Vector): number => Math.hypot(...vector);

export const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function isSound(affine: Affine, deep: boolean): boolean {
  if (!affine.every(Number.isFinite)) return false;
  const [x, y, z] = [columnOf(affine, 0), columnOf(affine, 1), columnOf(affine, 2)];
  if (!isLength(lengthOf(x)) || !isLength(lengthOf(y))) return false;
  const normal = cross(x, y);
  if (lengthOf(normal) < PARALLEL * lengthOf(x) * lengthOf(y)) return false;
  return !deep || Math.abs(dot(normal, z)) >= PARALLEL * lengthOf(normal) * lengthOf(z);
}

/** Millimetres between neighbouring columns, rows and slices. */
export function voxelSize(affine: Affine): readonly [number, number, number] {
  return [lengthOf(columnOf(affine, 0)), lengthOf(columnOf(affine, 1)), lengthOf(columnOf(affine, 2))];
}

/** Where a slice is, in DICOM's coordinates (LPS). @param slice from 0 */
export function planeOf(affine: Affine, slice: number): SlicePlane {
  const [x, y, z, origin] = [0, 1, 2, 3].map((i) => columnOf(affine, i as 0 | 1 | 2 | 3)) as [Vector, Vector, Vector, Vector]; // prettier-ignore
  const unit = (v: Vector): Vector => turned([v[0] / lengthOf(v), v[1] / lengthOf(v), v[2] / lengthOf(v)]);
  return {
    position: turned([origin[0] + slice * z[0], origin[1] + slice * z[1], origin[2] + slice * z[2]]),
    right: unit(x),
    down: unit(y),
  };
}

/** Between RAS and LPS. */
export const turned = ([x, y, z]: Vector): Vector => [0 - x, 0 - y, z];

/** Quaternion, sign of the third axis and voxel sizes, or null for a sheared affine, which has none. */
export function qformOf(
  affine: Affine,
): { readonly quaternion: readonly [number, number, number]; readonly qfac: 1 | -1 } | null {
  const size = voxelSize(affine);
  if (!size.every(isLength)) return null;
  const [x, y, z] = [0, 1, 2].map((i) => {
    const column = columnOf(affine, i as 0 | 1 | 2);
    return column.map((value) => value / size[i]!) as unknown as Vector;
  }) as [Vector, Vector, Vector];
  if (Math.max(Math.abs(dot(x, y)), Math.abs(dot(x, z)), Math.abs(dot(y, z))) > SHEARED) return null;
  const qfac = dot(cross(x, y), z) < 0 ? -1 : 1;
  const k: Vector = [z[0] * qfac, z[1] * qfac, z[2] * qfac];
  return { quaternion: quaternionOf(x, y, k), qfac };
}

/** Cosines between axes above which a rotation cannot stand for them in float32. */
const SHEARED = 1e-5;

/** b, c and d of a rotation given by its columns, a not negative; by the largest component, for accuracy. */
function quaternionOf(x: Vector, y: Vector, z: Vector): readonly [number, number, number] {
  const squares = [
    1 + x[0] + y[1] + z[2],
    1 + x[0] - y[1] - z[2],
    1 - x[0] + y[1] - z[2],
    1 - x[0] - y[1] + z[2],
  ] as const; // four times a, b, c and d squared
  const largest = squares.indexOf(Math.max(...squares));
  const s = 2 * Math.sqrt(squares[largest as 0 | 1 | 2 | 3]);
  const [a, b, c, d] = (
    [
      [s / 4, (y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s],
      [(y[2] - z[1]) / s, s / 4, (x[1] + y[0]) / s, (z[0] + x[2]) / s],
      [(z[0] - x[2]) / s, (x[1] + y[0]) / s, s / 4, (y[2] + z[1]) / s],
      [(x[1] - y[0]) / s, (z[0] + x[2]) / s, (y[2] + z[1]) / s, s / 4],
    ] as const
  )[largest as 0 | 1 | 2 | 3];
  return a < 0 ? [0 - b, 0 - c, 0 - d] : [b, c, d];
}
