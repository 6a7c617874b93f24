/**
 * Pure functions between a viewer's images (like Cornerstone3D's `IImage`) and a model's.
 *
 * Legend: rows x columns pixels, row by row from the top left.
 */
import type { Mask, RgbImage } from '@reclmis/core';

/** The fields of an `IImage` that are read. */
export interface ViewerImage {
  readonly rows: number;
  readonly columns: number;
  /** Red, green, blue and perhaps alpha of each pixel, 0 to 255. */
  readonly color: boolean;
  /** Small values are bright (MONOCHROME1). */
  readonly invert: boolean;
  /** The window applies to stored value x slope + intercept, unless the loader has multiplied already. */
  readonly slope: number;
  readonly intercept: number;
  readonly preScale?: { readonly scaled?: boolean };
  /** DICOM's window; the first of several. Width 0: none. */
  readonly windowCenter: number | readonly number[];
  readonly windowWidth: number | readonly number[];
  readonly getPixelData: () => ArrayLike<number>;
}

/**
 * The image as displayed, 8 bit: grey through its file's window (DICOM PS3.3 C.11.2.1.2.1, linear), or from
 * least to greatest if wider than bytes; colour unchanged. The user's own window is ignored: one image, one
 * mask.
 * @throws RangeError for data of another size.
 */
export function toRgb(image: ViewerImage): RgbImage {
  const { rows, columns, color, invert } = image;
  const stored = image.getPixelData();
  const pixels = rows * columns;
  const channels = stored.length / pixels;
  if (channels !== 1 && !(color && (channels === 3 || channels === 4)))
    throw new RangeError(`${columns} x ${rows} pixels: ${stored.length} values are unexpected`);
  const data = new Uint8Array(pixels * 3);
  if (channels > 1) {
    for (let p = 0; p < pixels; p++) for (let c = 0; c < 3; c++) data[p * 3 + c] = stored[p * channels + c]!;
  } else {
    const { center, width, slope, intercept } = windowOf(image, stored);
    for (let p = 0; p < pixels; p++) {
      const bright = (stored[p]! * slope + intercept - (center - 0.5)) / Math.max(1, width - 1) + 0.5;
      data.fill(255 * Math.min(1, Math.max(0, invert ? 1 - bright : bright)) + 0.5, p * 3, p * 3 + 3); // rounded
    }
  }
  return { width: columns, height: rows, data };
}

interface Window {
  readonly center: number;
  readonly width: number;
  readonly slope: number;
  readonly intercept: number;
}

function windowOf(image: ViewerImage, stored: ArrayLike<number>): Window {
  const [slope, intercept] = image.preScale?.scaled ? [1, 0] : [image.slope, image.intercept];
  const [center, width] = [one(image.windowCenter), one(image.windowWidth)];
  if (width >= 1) return { center, width, slope, intercept };
  if (stored instanceof Uint8Array) return { center: 128, width: 256, slope: 1, intercept: 0 };
  let [least, greatest] = [Infinity, -Infinity];
  for (let p = 0; p < stored.length; p++) {
    least = Math.min(least, stored[p]!);
    greatest = Math.max(greatest, stored[p]!);
  }
  return { center: (least + greatest + 1) / 2, width: greatest - least + 1, slope: 1, intercept: 0 };
}

const one = (value: number | readonly number[]): number =>
  typeof value === 'number' ? value : (value[0] ?? 0);

/**
 * Writes a mask into a labelmap as one segment; others stay where the mask does not cover them.
 * @param segment 1 to 255. @throws RangeError for another size or segment.
 */
export function writeLabelmap(
  labelmap: { [p: number]: number; readonly length: number },
  mask: Mask,
  segment = 1,
): void {
  if (labelmap.length !== mask.data.length)
    throw new RangeError(`the labelmap has ${labelmap.length} pixels, the mask ${mask.data.length}`);
  if (!Number.isInteger(segment) || segment < 1 || segment > 255)
    throw new RangeError(`segment: expected 1 to 255, got ${segment}`);
  for (let p = 0; p < labelmap.length; p++) {
    if (mask.data[p] === 1) labelmap[p] = segment;
    else if (labelmap[p] === segment) labelmap[p] = 0;
  }
}
