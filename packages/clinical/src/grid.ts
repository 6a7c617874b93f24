/**
 * The grid of a volume: which frames are its slices, in which order, and where its voxels are. Volume formats hold
 * one step between slices, so series whose slices are not evenly spaced are refused for them; SEG takes such series.
 */
import { ReclmisError } from '@reclmis/core';
import { type Affine, cross, turned, voxelSize } from './affine.js';
import type { ClinicalImage, FrameGeometry, NiftiImage, PixelSize, Vector } from './types.js';

export interface VolumeGrid {
  /** Columns, rows, slices. */
  readonly size: readonly [number, number, number];
  /** Voxel indices to millimetres (RAS), 4 x 4 row by row. */
  readonly affine: Affine;
  /** False: the affine holds voxel sizes alone. */
  readonly placed: boolean;
}

/** The slices of a volume, from first to last along the normal. */
export interface SliceStack {
  /** Indices of the frames given. */
  readonly order: readonly number[];
  /** Position along the normal (right x down), in millimetres, of the frames in `order`. */
  readonly offsets: readonly number[];
  readonly normal: Vector;
}

/** Cosine between axes of slices, above which they count as parallel: a twentieth of a degree. */
const PARALLEL = 1 - 4e-7;
/** Positions are rounded in files. Millimetres, and a share of the step between slices. */
const ROUNDED = 0.01;
const UNEVEN = 0.01;

const irregular = (why: string): ReclmisError => new ReclmisError('SLICES_IRREGULAR', why);
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/**
 * Orders slices along their normal, whatever their order in the series. Gaps may differ.
 * @throws SLICES_IRREGULAR if a slice has no position, or another direction or pixel size, or two have one position
 */
export function stackSlices(slices: readonly FrameGeometry[]): SliceStack {
  const [first] = slices;
  if (first?.plane == null) throw irregular('the first slice has no position in the patient');
  const { right, down } = first.plane;
  const normal = cross(right, down);
  const offsets = slices.map(({ plane, pixel }, i) => {
    if (plane === null) throw irregular(`slice ${i + 1} of ${slices.length} has no position in the patient`);
    if (dot(plane.right, right) < PARALLEL || dot(plane.down, down) < PARALLEL)
      throw irregular(`slice ${i + 1} of ${slices.length} lies in another direction than the first`);
    if (!samePixel(pixel, first.pixel))
      throw irregular(`slice ${i + 1} of ${slices.length} has another pixel size than the first`);
    return dot(plane.position, normal);
  });
  const order = offsets.map((_, i) => i).sort((a, b) => offsets[a]! - offsets[b]!);
  const sorted = order.map((i) => offsets[i]!);
  for (let i = 1; i < sorted.length; i++)
    if (sorted[i]! - sorted[i - 1]! < ROUNDED / 10)
      throw irregular(
        `slices ${order[i - 1]! + 1} and ${order[i]! + 1} of ${slices.length} are at one position`,
      );
  return { order, offsets: sorted, normal };
}

const samePixel = (a: PixelSize | null, b: PixelSize | null): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    Math.abs(a.width - b.width) <= 1e-4 * b.width &&
    Math.abs(a.height - b.height) <= 1e-4 * b.height);

/** Millimetres between slices, null if there is one alone or they are not evenly spaced. */
export function evenStep({ offsets }: SliceStack): number | null {
  if (offsets.length < 2) return null;
  const step = (offsets.at(-1)! - offsets[0]!) / (offsets.length - 1);
  const even = offsets.every((offset, i) => Math.abs(offset - offsets[0]! - i * step) <= tolerance(step));
  return even ? step : null;
}

const tolerance = (step: number): number => ROUNDED + UNEVEN * Math.abs(step);

/**
 * The grid of a series, and which frame is each of its slices. A tilted gantry shifts slices evenly: its grid is
 * sheared. A single slice gets a step of 1 mm unless `thickness` says otherwise; a projection is not placed.
 * @param thickness of a single slice, in millimetres
 * @throws SLICES_IRREGULAR, which names the first slice that is out of step
 */
export function gridOfSlices(
  slices: readonly FrameGeometry[],
  width: number,
  height: number,
  thickness = 1,
): { readonly grid: VolumeGrid; readonly order: readonly number[] } {
  const [only] = slices;
  if (slices.length === 1 && only?.plane === null) {
    const { width: dx, height: dy } = only.pixel ?? { width: 1, height: 1 };
    const affine = [-dx, 0, 0, 0, 0, -dy, 0, 0, 0, 0, thickness, 0, 0, 0, 0, 1];
    return { grid: { size: [width, height, 1], affine, placed: false }, order: [0] };
  }
  const { order, normal } = stackSlices(slices);
  const planes = order.map((i) => slices[i]!.plane!); // stackSlices refuses slices without
  const pixel = only!.pixel;
  if (pixel === null) throw irregular('the slices have no pixel size');
  const [first, last] = [planes[0]!, planes.at(-1)!];
  const steps = planes.length - 1;
  const way = minus(last.position, first.position);
  const step: Vector =
    steps === 0
      ? [normal[0] * thickness, normal[1] * thickness, normal[2] * thickness]
      : [way[0] / steps, way[1] / steps, way[2] / steps];
  const near = tolerance(Math.hypot(...step));
  planes.forEach(({ position }, i) => {
    const off = minus(minus(position, first.position), [step[0] * i, step[1] * i, step[2] * i]);
    if (Math.hypot(...off) > near)
      throw irregular(
        `the slices are not evenly spaced: number ${order[i]! + 1} of ${planes.length} is ${Math.hypot(...off).toFixed(2)} mm from where it is due`,
      );
  });
  const columns = [
    scaled(first.right, pixel.width),
    scaled(first.down, pixel.height),
    step,
    first.position,
  ].map(turned);
  const rows = [0, 1, 2].flatMap((row) => columns.map((column) => column[row as 0 | 1 | 2]));
  return {
    grid: { size: [width, height, planes.length], affine: [...rows, 0, 0, 0, 1], placed: true },
    order,
  };
}

const scaled = (v: Vector, by: number): Vector => [v[0] * by, v[1] * by, v[2] * by];

/** The grid of a NIfTI volume: its own. */
export function gridOfNifti({ size, affine, placed }: NiftiImage): VolumeGrid {
  return { size, affine, placed };
}

/**
 * The grid of one frame or slice alone, in its place. A slice of a NIfTI volume keeps the volume's axes, sheared ones too;
 * a DICOM frame without a pixel size has no place.
 * @param frame from 0
 */
export function gridOfFrame(source: ClinicalImage, frame: number): VolumeGrid {
  const geometry = source.geometryOf(frame);
  if (source.format === 'dicom') {
    const known = geometry.pixel === null ? { ...geometry, plane: null } : geometry;
    return gridOfSlices([known], source.width, source.height, source.source.sliceThickness ?? 1).grid;
  }
  const affine = [...source.affine];
  if (geometry.plane !== null)
    turned(geometry.plane.position).forEach((mm, row) => (affine[4 * row + 3] = mm));
  return { size: [source.width, source.height, 1], affine, placed: source.placed };
}

/** Cubic millimetres of a voxel. */
export function voxelVolume({ affine }: VolumeGrid): number {
  const [x, y, z] = [0, 1, 2].map((i) => [affine[i]!, affine[4 + i]!, affine[8 + i]!] as Vector) as [
    Vector,
    Vector,
    Vector,
  ];
  const volume = Math.abs(dot(cross(x, y), z));
  return volume > 0 ? volume : voxelSize(affine).reduce((product, side) => product * side, 1);
}
