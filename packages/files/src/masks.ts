/**
 * Mask files: PNG, JPEG and TIFF by core's `maskOf`, DICOM SEG and NIfTI on the grid of the image they belong to;
 * docs/reference/images.md has all rules.
 */
import { about, type Mask, maskOf, type MaskValues, ReclmisError } from '@reclmis/core';
import type { DisplayedFrame, DisplayedLabels, Orientation } from '@reclmis/clinical';
import { openMaskFile, turned } from './clinical.js';
import {
  fileError,
  headerPart,
  MAX_PIXELS,
  readBytes,
  readClinicalFrame,
  type ReadOptions,
} from './images.js';
import { decodePicture, type ImageHeader, pictureHeader } from './pictures.js';

export interface MaskOptions extends ReadOptions {
  /**
   * The image that the mask belongs to; `frame` is then the image's. A picture is turned as its DICOM or NIfTI image is for
   * display; SEG and NIfTI masks are brought to that display, and refused if they lie elsewhere in the patient. SEG needs
   * an image; NIfTI without one is read as displayed by itself, a picture as stored.
   */
  readonly imagePath?: string;
}

export interface ReadMask {
  readonly mask: Mask;
  readonly header: ImageHeader;
  readonly values: MaskValues;
}

export interface ReadLabels {
  readonly width: number;
  readonly height: number;
  /** Stored values, 0 to 65,535, row by row. */
  readonly data: Uint8Array | Uint16Array;
  readonly header: ImageHeader;
}

/** A mask's file, and the frame of its clinical image. */
type Opened =
  | { readonly picture: Uint8Array; readonly turn: Orientation }
  | { readonly labels: DisplayedLabels; readonly header: ImageHeader };

/**
 * A mask as 0 and 1 (foreground): pictures by core's `maskOf`, of SEG every segment, of NIfTI every value above 0.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE; SEG_INVALID and MASK_SIZE_MISMATCH for
 * SEG and NIfTI that do not fit `imagePath`
 */
export async function readMask(path: string, options: MaskOptions = {}): Promise<Mask> {
  return (await readMaskWithValues(path, options)).mask;
}

/** `readMask`, with header and statistics of the values. */
export async function readMaskWithValues(path: string, options: MaskOptions = {}): Promise<ReadMask> {
  const opened = await openMask(path, options);
  if ('labels' in opened) return { ...foregroundOf(opened.labels, path), header: opened.header };
  const pixels = await decodePicture(path, opened.picture, options.maxPixels ?? MAX_PIXELS);
  return turnedMask({ ...maskOf(pixels, path), header: headerPart(pixels) }, opened.turn);
}

/** Turns a mask that was made for the pixels as its image's file stores them: the image may be DICOM or NIfTI. @throws as `openImage` */
export async function maskOnDisplay(read: ReadMask, options: MaskOptions): Promise<ReadMask> {
  return turnedMask(read, (await frameOf(options))?.orientation ?? 1);
}

/** The same for its header alone. @throws as `openImage` */
export async function headerOnDisplay(header: ImageHeader, options: MaskOptions): Promise<ImageHeader> {
  return turnedHeader(header, (await frameOf(options))?.orientation ?? 1);
}

async function turnedMask(read: ReadMask, turn: Orientation): Promise<ReadMask> {
  if (turn === 1) return read;
  return { ...read, mask: await turned(read.mask, turn), header: turnedHeader(read.header, turn) };
}

/** The frame that a mask belongs to; null without a clinical image. */
async function frameOf({ imagePath, ...options }: MaskOptions): Promise<DisplayedFrame | null> {
  return imagePath === undefined ? null : readClinicalFrame(imagePath, options);
}

/** Any label is foreground, in every slice alike: a rule by the values of one slice would change between slices. */
function foregroundOf({ width, height, data }: DisplayedLabels, path: string): Omit<ReadMask, 'header'> {
  const binary = Uint8Array.from(data, (label) => (label > 0 ? 255 : 0));
  const found = maskOf({ width, height, channels: 1, data: binary }, path);
  const known = new Set(data);
  if (known.size <= 2) return found;
  const highest = data.reduce((most, label) => Math.max(most, label), 0);
  const lowest = data.reduce((least, label) => Math.min(least, label), highest);
  return {
    ...found,
    values: { ...found.values, rule: 'labels', distinct: known.size, lowest, highest, threshold: 1 },
  };
}

/** Size and kind of a mask, on the display of its image: of pictures undecoded. @throws as `readMask` */
export async function readMaskHeader(path: string, options: MaskOptions = {}): Promise<ImageHeader> {
  const opened = await openMask(path, options);
  if ('labels' in opened) return opened.header;
  const header = await pictureHeader(path, opened.picture, options.maxPixels ?? MAX_PIXELS);
  return turnedHeader(header, opened.turn);
}

function turnedHeader(header: ImageHeader, turn: Orientation): ImageHeader {
  if (turn === 1) return header;
  const { width, height } = header;
  return { ...header, ...(turn >= 5 ? { width: height, height: width } : {}), orientation: turn };
}

/**
 * A map of labels: the stored values of a grey PNG or TIFF, the values of NIfTI, the numbers of a SEG's segments.
 * @throws as `readMask`; IMAGE_UNSUPPORTED for JPEG and colours, SEG_INVALID for segments that overlap
 */
export async function readLabels(path: string, options: MaskOptions = {}): Promise<ReadLabels> {
  const opened = await openMask(path, options, (segment) => segment);
  if ('labels' in opened) {
    const { width, height, data } = opened.labels;
    return { width, height, data, header: opened.header };
  }
  const pixels = await decodePicture(path, opened.picture, options.maxPixels ?? MAX_PIXELS);
  const { width, height, channels, data, grey, format } = pixels;
  if (format === 'jpeg' || !grey)
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${path}: expected labels as a grey PNG or TIFF, got ${format === 'jpeg' ? 'a JPEG, which changes values' : 'colours'}`,
      { remedy: 'Save the mask as a grey PNG whose values are the labels.' },
    );
  const plane = channels === 1 ? data : data.filter((_, i) => i % channels === 0);
  const header = turnedHeader(headerPart(pixels), opened.turn);
  const { orientPlane } = opened.turn === 1 ? {} : await import('@reclmis/clinical');
  return {
    width: header.width,
    height: header.height,
    data: orientPlane?.(plane, width, height, opened.turn) ?? plane,
    header,
  };
}

/** @param labelOf of a SEG's segments; default: all are 1, so that they may overlap */
async function openMask(
  path: string,
  options: MaskOptions,
  labelOf: (segment: number) => number = () => 1,
): Promise<Opened> {
  const content = await openMaskFile(path, readBytes).catch((error: unknown) => {
    throw error instanceof ReclmisError ? error : fileError(path, error);
  });
  const image = await frameOf(options);
  if ('picture' in content) return { picture: content.picture, turn: image?.orientation ?? 1 };
  const { clinical: mask } = content;
  const format = 'format' in mask ? ('nifti' as const) : ('dicom' as const);
  if (image === null && options.imagePath !== undefined)
    throw new ReclmisError(
      'IMAGE_UNSUPPORTED',
      `${path}: its image is a picture, which says nothing about where a ${format === 'dicom' ? 'DICOM' : 'NIfTI'} mask lies on it`,
      { remedy: 'Save the mask as PNG with the pixels of its image, or give the image as DICOM or NIfTI.' },
    );
  const { niftiLabels, segLabels } = await import('@reclmis/clinical');
  const labels = about(path, () => {
    if ('format' in mask) {
      if (mask.format === 'nifti')
        return niftiLabels(mask, image, image === null ? options.frame : undefined);
      throw new ReclmisError('INTERNAL', 'expected a SEG or a NIfTI volume, got a DICOM image');
    }
    if (image !== null) return segLabels(mask, image, labelOf);
    throw new ReclmisError('IMAGE_UNSUPPORTED', 'a DICOM SEG is read together with its image', {
      remedy: 'Use it in a data set, next to its DICOM image, or save the mask as PNG.',
    });
  });
  const { width, height, orientation } = labels;
  return {
    labels,
    header: { format, width, height, orientation, bits: 8, grey: true, alpha: false },
  };
}
