/**
 * Image files of any kind: PNG, JPEG and TIFF (`pictures.ts`), DICOM and NIfTI (`clinical.ts`), by content;
 * docs/reference/images.md has all rules.
 */
import { stat } from 'node:fs/promises';
import {
  CLINICAL_HEAD_BYTES,
  clinicalFormat,
  defined,
  oneLine,
  ReclmisError,
  systemCode,
  type RgbImage,
  type WindowChoice,
} from '@reclmis/core';
import { clinicalFormatOf, type Content, openClinical, openImageFile } from './clinical.js';
import type { DisplayedFrame } from '@reclmis/clinical';
import { decodePicture, formatOf, type ImageHeader, pictureHeader, rgbOf, unreadable } from './pictures.js';
import { NotRegularError, openRegular, readRegular } from './regular.js';

export type { ImageHeader } from './pictures.js';

/** 64 Mpx: a radiograph is below 20 Mpx, and decoding stays below 0.5 GiB. */
export const MAX_PIXELS = 64_000_000;
/** `MAX_PIXELS` of 16-bit RGBA and some metadata. */
const MAX_FILE_BYTES = MAX_PIXELS * 8 + 64 * 1024 * 1024;

export interface ReadOptions {
  /** Most pixels, width x height; default `MAX_PIXELS`. */
  readonly maxPixels?: number;
  /** Which frame of a DICOM object or slice of a volume, from 0; default: the only one. */
  readonly frame?: number;
  /** Grey level window of DICOM and NIfTI; default: the file's first, or percentiles. Pictures have none. */
  readonly window?: WindowChoice;
}

export interface ReadImage {
  readonly image: RgbImage;
  readonly header: ImageHeader;
  /** Present for DICOM and NIfTI. */
  readonly clinical?: DisplayedFrame;
}

/** An image whose file is in memory, undecoded. */
export interface OpenImage {
  /** Present for DICOM and NIfTI. */
  readonly clinical?: DisplayedFrame;
  /** @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE */
  header(): Promise<ImageHeader>;
  /** Decodes it. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE (before decoding) */
  read(): Promise<ReadImage>;
}

/** A system error about an image file as IMAGE_MISSING or IMAGE_UNREADABLE. */
export function fileError(path: string, error: unknown): ReclmisError {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new ReclmisError('IMAGE_MISSING', `${path}: file not found`, { cause: error });
  }
  if (error instanceof NotRegularError) return unreadable(path, error.message, error);
  return unreadable(path, `cannot be read (${oneLine(error)})`, error);
}

/** A whole file, within the limit of all images. @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_TOO_LARGE */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES)
      throw new ReclmisError('IMAGE_TOO_LARGE', `${path}: ${size} bytes, the limit is ${MAX_FILE_BYTES}`);
    return await readRegular(path, { limit: MAX_FILE_BYTES });
  } catch (error) {
    throw error instanceof ReclmisError ? error : fileError(path, error);
  }
}

/**
 * Opens an image file, for its header and its pixels.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_WINDOW_UNKNOWN, OPTION_INVALID (no
 * such frame)
 */
export async function openImage(path: string, options: ReadOptions = {}): Promise<OpenImage> {
  const content = await openImageFile(path, readBytes, options.window).catch((error: unknown) => {
    throw error instanceof ReclmisError ? error : fileError(path, error);
  });
  return openContent(path, content, options);
}

/** The same for bytes. @param name for messages */
export async function openImageBytes(
  bytes: Uint8Array,
  name: string,
  options: ReadOptions = {},
): Promise<OpenImage> {
  if (clinicalFormat(bytes) === null) return openContent(name, { picture: bytes }, options);
  return openContent(name, { clinical: await openClinical(bytes, name, options.window) }, options);
}

async function openContent(
  name: string,
  content: Content<DisplayedFrame['source']>,
  { frame, maxPixels = MAX_PIXELS }: ReadOptions,
): Promise<OpenImage> {
  if ('picture' in content) {
    const { picture } = content;
    if (frame !== undefined && frame !== 0)
      throw new ReclmisError('OPTION_INVALID', `${name}: is one picture, so there is no frame ${frame}`);
    return {
      header: () => pictureHeader(name, picture, maxPixels),
      read: async () => {
        const pixels = await decodePicture(name, picture, maxPixels);
        return { image: rgbOf(pixels), header: headerPart(pixels) };
      },
    };
  }
  const { displayedFrame, displayedPixels } = await import('@reclmis/clinical');
  const clinical = fitting(name, displayedFrame(name, content.clinical, frame), maxPixels);
  const header = clinicalHeader(clinical);
  return {
    clinical,
    header: () => Promise.resolve(header),
    read: async () => ({ image: await displayedPixels(clinical), header, clinical }),
  };
}

/** A DICOM object or NIfTI volume; null for a picture. @throws as `openImage` */
export async function openSource(
  path: string,
  options: Pick<ReadOptions, 'window'> = {},
): Promise<DisplayedFrame['source'] | null> {
  try {
    if ((await clinicalFormatOf(path)) === null) return null;
    const content = await openImageFile(path, readBytes, options.window);
    return 'clinical' in content ? content.clinical : null;
  } catch (error) {
    throw error instanceof ReclmisError ? error : fileError(path, error);
  }
}

/** @throws IMAGE_TOO_LARGE */
function fitting(name: string, clinical: DisplayedFrame, maxPixels: number): DisplayedFrame {
  const { width, height } = clinical.source;
  if (width * height <= maxPixels) return clinical;
  throw new ReclmisError(
    'IMAGE_TOO_LARGE',
    `${name}: ${width} x ${height} pixels (${((width * height) / 1e6).toFixed(1)} million), the limit is ${(maxPixels / 1e6).toFixed(1)} million`,
  );
}

function clinicalHeader(clinical: DisplayedFrame): ImageHeader {
  const { source, orientation } = clinical;
  const { format, bits, colour, width, height } = source;
  return {
    format,
    ...(orientation >= 5 ? { width: height, height: width } : { width, height }),
    orientation,
    bits: bits > 8 ? 16 : 8,
    grey: !colour,
    alpha: false,
  };
}

/** A frame of DICOM or NIfTI, undecoded; null for a picture, of which only the first bytes are read. @throws as `openImage` */
export async function readClinicalFrame(
  path: string,
  { frame, maxPixels = MAX_PIXELS, window }: ReadOptions = {},
): Promise<DisplayedFrame | null> {
  const source = await openSource(path, defined({ window }));
  if (source === null) return null;
  const { displayedFrame } = await import('@reclmis/clinical');
  return fitting(path, displayedFrame(path, source, frame), maxPixels);
}

/** Size and kind, undecoded. @throws as `openImage` */
export async function readImageHeader(path: string, options: ReadOptions = {}): Promise<ImageHeader> {
  return (await openImage(path, options)).header();
}

/**
 * An image file as RGB, 0..255, by the rules above.
 * @throws as `openImage`
 */
export async function readImage(path: string, options: ReadOptions = {}): Promise<RgbImage> {
  return (await readImageWithHeader(path, options)).image;
}

export async function readImageWithHeader(path: string, options: ReadOptions = {}): Promise<ReadImage> {
  return (await openImage(path, options)).read();
}

/** A header alone. */
export function headerPart({
  format,
  width,
  height,
  orientation,
  bits,
  grey,
  alpha,
}: ImageHeader): ImageHeader {
  return { format, width, height, orientation, bits, grey, alpha };
}

/**
 * `readImage` for bytes.
 * @param name for messages. @throws as `openImageBytes`
 */
export async function decodeImage(
  bytes: Uint8Array,
  name: string,
  options: ReadOptions = {},
): Promise<RgbImage> {
  return (await (await openImageBytes(bytes, name, options)).read()).image;
}

/**
 * Whether the last bytes end a complete file: false means perhaps truncated (decode to be sure). The ends of TIFF, DICOM
 * and NIfTI have no mark, so always false.
 */
export async function endsComplete(path: string): Promise<boolean> {
  const file = await openRegular(path).catch((error: unknown) => {
    throw fileError(path, error);
  });
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(size, 12));
    const head = Buffer.alloc(Math.min(size, CLINICAL_HEAD_BYTES));
    await file.read(head, 0, head.length, 0);
    await file.read(tail, 0, tail.length, size - tail.length);
    if (clinicalFormat(head) !== null || formatOf(path, head) === 'tiff') return false;
    const png = tail.subarray(-8).equals(Buffer.from([0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82])); // IEND and its CRC
    const jpeg = tail.at(-2) === 0xff && tail.at(-1) === 0xd9; // EOI
    return png || jpeg;
  } finally {
    await file.close();
  }
}
