/**
 * What a segmentation measures: areas, diameters and volumes from the file's own spacing, and numbers of components.
 * Without a spacing there are no millimetres. Sizes of projections are those at the detector, which are larger than in
 * the patient: the report says so.
 */
import { contours, type Mask, ReclmisError } from '@reclmis/core';
import { stackSlices } from '../grid.js';
import type { FrameGeometry, PixelSize } from '../types.js';
import { diametersOf, type Diameters, type Point } from './diameters.js';
import { countVolumeComponents } from './volume-components.js';

export interface MeasuredSegment {
  readonly name: string;
  /** Its value in label maps. */
  readonly value: number;
  /** As many as frames; null: not segmented there. */
  readonly masks: readonly (Mask | null)[];
}

/** A segment on a frame where it is not empty. */
export interface FrameMeasures {
  /** From 1. */
  readonly frame: number;
  readonly pixels: number;
  readonly components: number;
  readonly areaMm2: number | null;
  /** The largest component's, in millimetres. */
  readonly longestMm: number | null;
  readonly perpendicularMm: number | null;
}

export interface SegmentMeasures {
  readonly segment: string;
  readonly value: number;
  readonly empty: boolean;
  /** Frames that were segmented. */
  readonly segmented: number;
  readonly frames: readonly FrameMeasures[];
  /** In three dimensions (voxels that touch, by corners too) for volumes, else null. */
  readonly volumeComponents: number | null;
  /** Millilitres; null for projections and single slices. */
  readonly volumeMl: number | null;
}

export interface Measures {
  readonly pixel: PixelSize | null;
  /** Millimetres that each slice stands for, null unless a volume. */
  readonly slices: readonly number[] | null;
  /** What readers of the figures must know. */
  readonly remarks: readonly string[];
  readonly segments: readonly SegmentMeasures[];
}

/** @param frames where each is @throws MASK_SIZE_MISMATCH, OPTION_INVALID if masks and frames differ in number */
export function measure(frames: readonly FrameGeometry[], segments: readonly MeasuredSegment[]): Measures {
  const pixel = samePixelOf(frames);
  const slabs = slabsOf(frames);
  return {
    pixel,
    slices: slabs?.thickness ?? null,
    remarks: remarksOn(frames, pixel, slabs !== null),
    segments: segments.map((segment) => measureSegment(segment, frames, slabs)),
  };
}

interface Slabs {
  /** By frame. */
  readonly thickness: readonly number[];
  /** Frames along the normal. */
  readonly order: readonly number[];
}

/** Each slice reaches half way to its neighbours, those at the ends as far outwards as inwards. Null: no volume. */
function slabsOf(frames: readonly FrameGeometry[]): Slabs | null {
  if (frames.length < 2 || frames.some(({ plane, pixel }) => plane === null || pixel === null)) return null;
  try {
    const { order, offsets } = stackSlices(frames);
    const thickness = new Array<number>(frames.length);
    order.forEach((frame, i) => {
      const before = i > 0 ? offsets[i]! - offsets[i - 1]! : offsets[1]! - offsets[0]!;
      const after = i + 1 < offsets.length ? offsets[i + 1]! - offsets[i]! : before;
      thickness[frame] = round((before + after) / 2);
    });
    return { thickness, order };
  } catch (error) {
    if (error instanceof ReclmisError && error.code === 'SLICES_IRREGULAR') return null;
    throw error;
  }
}

function measureSegment(
  { name, value, masks }: MeasuredSegment,
  frames: readonly FrameGeometry[],
  slabs: Slabs | null,
): SegmentMeasures {
  if (masks.length !== frames.length)
    throw new ReclmisError(
      'OPTION_INVALID',
      `measure: expected a mask or null for each of ${frames.length} frames, got ${masks.length}`,
    );
  const found = masks.flatMap((mask, i) => (mask === null ? [] : measureFrame(mask, i, frames[i]!.pixel)));
  const volume = slabs?.thickness.reduce((sum, thickness, i) => {
    const area = found.find(({ frame }) => frame === i + 1)?.areaMm2 ?? 0;
    return sum + (area * thickness) / 1000;
  }, 0);
  return {
    segment: name,
    value,
    empty: found.length === 0,
    segmented: masks.filter((mask) => mask !== null).length,
    frames: found,
    volumeComponents: slabs === null ? null : countVolumeComponents(slabs.order.map((i) => masks[i] ?? null)),
    volumeMl: volume === undefined ? null : round(volume),
  };
}

function measureFrame(mask: Mask, index: number, pixel: PixelSize | null): FrameMeasures[] {
  const outlines = contours(mask);
  const [largest] = outlines;
  if (largest === undefined) return [];
  const pixels = outlines.reduce((sum, { area }) => sum + area, 0);
  const across = ({ width, height }: PixelSize): Diameters =>
    diametersOf(
      largest.polygons.flatMap(([outer]) => outer.map(([x, y]): Point => [x * width, y * height])),
    );
  const diameters = pixel && across(pixel);
  return [
    {
      frame: index + 1,
      pixels,
      components: outlines.length,
      areaMm2: pixel && round(pixels * pixel.width * pixel.height),
      longestMm: diameters && round(diameters.longest),
      perpendicularMm: diameters && round(diameters.perpendicular),
    },
  ];
}

/** Null if unknown, or not the same on all frames (each frame is measured by its own). */
function samePixelOf(frames: readonly FrameGeometry[]): PixelSize | null {
  const first = frames[0]?.pixel ?? null;
  const same = frames.every(({ pixel }) => pixel?.width === first?.width && pixel?.height === first?.height);
  return same ? first : null;
}

function remarksOn(frames: readonly FrameGeometry[], pixel: PixelSize | null, isVolume: boolean): string[] {
  const remarks: string[] = [];
  if (frames.some((frame) => frame.pixel?.at === 'detector'))
    remarks.push('Sizes are those at the detector; in the patient they are smaller, by the magnification.');
  if (frames.some((frame) => frame.pixel === null))
    remarks.push('The file states no pixel size, so sizes are in pixels alone.');
  else if (pixel === null) remarks.push('Pixel sizes differ between frames; each is measured by its own.');
  if (frames.length > 1 && !isVolume)
    remarks.push('The frames do not form a volume, so there is none in millilitres.');
  return remarks;
}

/** To nine digits: what lies behind is the error of floating point. */
function round(value: number): number {
  return Number(value.toPrecision(9));
}
