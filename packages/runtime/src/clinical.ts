/** What results of DICOM and NIfTI images have besides: warnings of the file, and masks on its stored pixels. */
import type { DisplayedFrame } from '@reclmis/clinical';
import type { Interest, Mask, Raster, ResultChecks, StatedSides, Warning } from '@reclmis/core';

/** @param worded the note in the caller's sides */
export function clinicalWarnings(
  checks: ResultChecks,
  frame: DisplayedFrame | undefined,
  worded: string,
  sides: StatedSides,
): Warning[] {
  if (!frame) return [];
  const { source, warnings } = frame;
  const laterality = source.format === 'dicom' ? source.source.laterality : null;
  return [...warnings, ...checks.laterality(worded, sides, laterality)];
}

/** Brings what was made of a displayed frame back to the pixels as stored. */
export interface TurnedBack {
  raster<R extends Raster>(raster: R): R;
  /** @param width as displayed */
  plane(values: Float32Array, width: number, height: number): Float32Array;
}

/** Nothing is turned of pictures. */
export async function turnedBack(frame: DisplayedFrame | undefined): Promise<TurnedBack> {
  if (!frame) return { raster: (raster) => raster, plane: (values) => values };
  const { storedPlane, storedRaster } = await import('@reclmis/clinical');
  return {
    raster: (raster) => storedRaster(raster, frame),
    plane: (values, width, height) => storedPlane(values, width, height, frame),
  };
}

interface Found {
  readonly mask: Mask;
  readonly probability: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly interest?: Interest;
}

/** Turned back to the pixels as stored. */
export async function asStored<F extends Found>(
  found: F,
  frame: DisplayedFrame | undefined,
): Promise<F & { readonly clinical?: DisplayedFrame }> {
  if (!frame) return found;
  const back = await turnedBack(frame);
  const { width, height, probability, interest } = found;
  const mask = back.raster(found.mask);
  const turned = interest && {
    ...interest,
    map: back.plane(interest.map, interest.width, interest.height), // a square of patches
  };
  return {
    ...found,
    mask,
    ...(turned ? { interest: turned } : {}),
    probability: back.plane(probability, width, height),
    width: mask.width,
    height: mask.height,
    clinical: frame,
  };
}
