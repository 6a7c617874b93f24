/**
 * Frames as they are displayed and segmented, whatever file they come from: a frontal image with the patient's left on
 * its right, and the way back to the pixels as stored.
 */
import {
  about,
  clinicalFormat,
  type Raster,
  ReclmisError,
  type RgbImage,
  type Spacing,
  type Warning,
} from '@reclmis/core';
import type { ReadDicom, ReadDicomOptions } from './dicom/read-dicom.js';
import { readNifti } from './nifti/read-nifti.js';
import {
  inverseOrientation,
  orient,
  orientedPixel,
  orientPlane,
  type Orientation,
  standardDisplay,
  swapsSides,
} from './orientation.js';
import type { ClinicalImage, PixelSize } from './types.js';

/** A frame of a DICOM object or slice of a volume, as it is displayed. */
export interface DisplayedFrame {
  readonly source: ClinicalImage;
  /** From 0. */
  readonly frame: number;
  /** How stored pixels are turned for display: EXIF's tag, 1 to 8. */
  readonly orientation: Orientation;
  /** As displayed: width and height of a pixel in mm. */
  readonly spacing: Spacing | null;
  /** Where `spacing` was measured. */
  readonly at: PixelSize['at'] | null;
  readonly warnings: readonly Warning[];
}

export type ReadClinical = (bytes: Uint8Array, options?: ReadDicomOptions) => Promise<ClinicalImage>;

/** Returns a reader of DICOM and NIfTI, told apart by content. */
export function clinicalReader(readDicom: ReadDicom): ReadClinical {
  return async (bytes, options = {}) => {
    if (clinicalFormat(bytes) !== 'nifti') return readDicom(bytes, options);
    const { name = 'the NIfTI file', window } = options;
    return about(name, () => {
      if (window === undefined) return readNifti(bytes);
      if (typeof window === 'object') return readNifti(bytes, { window });
      throw new ReclmisError(
        'IMAGE_WINDOW_UNKNOWN',
        `NIfTI volumes state no windows, so none of ${typeof window === 'number' ? `number ${window}` : 'that name'}`,
        { remedy: 'State centre and width in the file’s units, such as -600/1500.' },
      );
    });
  };
}

/**
 * What is known of a frame, undecoded.
 * @param name for messages. @param frame from 0; default: the only one
 * @throws IMAGE_UNSUPPORTED (several frames and none chosen), OPTION_INVALID (no such frame)
 */
export function displayedFrame(name: string, source: ClinicalImage, frame?: number): DisplayedFrame {
  const { frames, format } = source;
  const what = format === 'dicom' ? 'frames' : 'slices';
  if (frame === undefined && frames !== 1)
    throw new ReclmisError('IMAGE_UNSUPPORTED', `${name}: expected one image, got ${frames} ${what}`, {
      remedy:
        'Segment all of them with `reclmis predict`, or state which one (in a table of cases, by the column slice).',
    });
  const chosen = frame ?? 0;
  if (!Number.isInteger(chosen) || chosen < 0 || chosen >= frames)
    throw new ReclmisError(
      'OPTION_INVALID',
      `${name}: has ${frames} ${what}, from 0 to ${frames - 1}; there is no ${chosen}`,
    );
  const geometry = source.geometryOf(chosen);
  const display = standardDisplay(geometry);
  const orientation = display?.orientation ?? 1;
  const pixel = geometry.pixel && orientedPixel(geometry.pixel, orientation);
  return {
    source,
    frame: chosen,
    orientation,
    spacing: pixel && [pixel.width, pixel.height],
    at: pixel?.at ?? null,
    warnings:
      display !== null || source.warnings.some(({ code }) => code === 'ORIENTATION_UNKNOWN')
        ? source.warnings
        : [...source.warnings, orientationUnknown(format)],
  };
}

const orientationUnknown = (format: ClinicalImage['format']): Warning => ({
  code: 'ORIENTATION_UNKNOWN',
  message: `the ${format === 'dicom' ? 'DICOM file' : 'NIfTI volume'} does not say how the patient lies in the image, so it was read as stored; if it is mirrored, left and right are exchanged`,
});

/** The size of a frame as displayed. */
export function displayedSize({ source, orientation }: DisplayedFrame): { width: number; height: number } {
  const { width, height } = source;
  return swapsSides(orientation) ? { width: height, height: width } : { width, height };
}

/** A frame's pixels as displayed, 0..255. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED */
export async function displayedPixels({ source, frame, orientation }: DisplayedFrame): Promise<RgbImage> {
  return orient(await source.frame(frame), orientation);
}

/** Turns what was made of a displayed frame back to the pixels as stored. */
export function storedRaster<R extends Raster>(
  raster: R,
  { orientation }: Pick<DisplayedFrame, 'orientation'>,
): R {
  return orientation === 1 ? raster : { ...raster, ...orient(raster, inverseOrientation(orientation)) };
}

/** The same for probabilities. @param width of the displayed frame */
export function storedPlane(
  values: Float32Array,
  width: number,
  height: number,
  { orientation }: Pick<DisplayedFrame, 'orientation'>,
): Float32Array {
  return orientPlane(values, width, height, inverseOrientation(orientation));
}
