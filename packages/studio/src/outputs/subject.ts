/** What is exported: a mask as displayed, its picture, and all that the record says of them. */
import {
  type DisplayedFrame,
  type FrameGeometry,
  inverseOrientation,
  measure,
  type Measures,
  orientedPixel,
  type PixelSize,
  storedRaster,
} from '@reclmis/clinical';
import { type Confidence, DESCRIBED_REGION, type Mask, type RgbImage, type Spacing, type StatedSides, type Warning } from '@reclmis/core'; // prettier-ignore

/** Which side of the patient is at an edge of the image. */
export type Side = 'R' | 'L';

export interface Subject {
  /** The picture's file name: data. */
  readonly name: string;
  /** As displayed. */
  readonly image: RgbImage;
  /** As displayed, 0 and 1. */
  readonly mask: Mask;
  /** Null for pictures that are neither DICOM nor NIfTI. */
  readonly clinical: DisplayedFrame | null;
  /** A displayed pixel, mm; null if unknown. */
  readonly spacing: Spacing | null;
  readonly spacingFrom: 'file' | 'user' | null;
  /** At the left and right edge of the displayed image; null if unknown. */
  readonly ends: readonly [left: Side, right: Side] | null;
  readonly note: { readonly text: string; readonly sides: StatedSides; readonly sent: string | null };
  readonly model: { readonly name: string; readonly precision: string; readonly device: string } | null;
  readonly threshold: number;
  /** The mask differs from the model's. */
  readonly corrected: boolean;
  readonly confidence: Confidence | null;
  readonly warnings: readonly Warning[];
}

/** The mask's pixels in the order in which the picture's file stores them. */
export function storedMask({ mask, clinical }: Pick<Subject, 'mask' | 'clinical'>): Mask {
  return clinical === null ? mask : storedRaster(mask, clinical);
}

/** Where the stored pixels lie, and their size: the file's, or the user's if the file has none. */
export function geometryOf({ clinical, spacing }: Pick<Subject, 'clinical' | 'spacing'>): FrameGeometry {
  const own = clinical?.source.geometryOf(clinical.frame) ?? { plane: null, directions: null, pixel: null };
  if (own.pixel !== null || spacing === null) return own;
  const displayed: PixelSize = { width: spacing[0], height: spacing[1], at: 'patient' };
  const pixel = clinical === null ? displayed : orientedPixel(displayed, inverseOrientation(clinical.orientation)); // prettier-ignore
  return { ...own, pixel };
}

/** Area, diameters and number of components, in millimetres where the pixel size is known. */
export function measuresOf(subject: Pick<Subject, 'mask' | 'clinical' | 'spacing'>): Measures {
  return measure([geometryOf(subject)], [{ name: DESCRIBED_REGION.label, value: 1, masks: [storedMask(subject)] }]);
}
