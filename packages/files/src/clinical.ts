/**
 * Files of DICOM and NIfTI among images and masks: recognised by content and read by packages/clinical, which is loaded
 * only then.
 */
import { stat } from 'node:fs/promises';
import {
  about,
  CLINICAL_HEAD_BYTES,
  clinicalFormat,
  type ClinicalFormat,
  defined,
  type Raster,
  type WindowChoice,
} from '@reclmis/core';
import type { ClinicalImage, Orientation, SegObject } from '@reclmis/clinical';
import { openRegular } from './regular.js';

/** Files kept open: an image and its mask ask for the same one, and the slices of a volume come one after the other. */
const KEPT = 4;
/** Most bytes of all but the last one. */
const KEPT_BYTES = 256 * 1024 * 1024;

/** Bytes of a picture, or what its format makes of a clinical file. */
export type Content<C> = { readonly picture: Uint8Array } | { readonly clinical: C };

interface Kept {
  readonly bytes: number;
  /** Size, times and place on the disk: a file that replaces another keeps hardly all of them. */
  readonly mark: string;
  readonly content: Promise<Content<unknown>>;
}

const kept = new Map<string, Kept>();

/** By content; null for another format. @throws system errors, NotRegularError */
export async function clinicalFormatOf(path: string): Promise<ClinicalFormat | null> {
  const file = await openRegular(path);
  try {
    const head = Buffer.alloc(CLINICAL_HEAD_BYTES);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return clinicalFormat(head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/**
 * Opens a DICOM object or NIfTI volume in memory.
 * @param name for messages. @throws IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, IMAGE_WINDOW_UNKNOWN
 */
export async function openClinical(
  bytes: Uint8Array,
  name: string,
  window?: WindowChoice,
): Promise<ClinicalImage> {
  const { readClinical } = await import('@reclmis/clinical');
  return readClinical(bytes, defined({ name, window }));
}

type ReadFile = (path: string) => Promise<Uint8Array>;

/** An image file by content; what is clinical stays open for the next ones who ask. @throws as `read` and `openClinical` */
export function openImageFile(
  path: string,
  read: ReadFile,
  window?: WindowChoice,
): Promise<Content<ClinicalImage>> {
  return keep(`image ${JSON.stringify(window ?? null)} ${path}`, path, read, (bytes) =>
    openClinical(bytes, path, window),
  );
}

/** A mask file by content: DICOM is a SEG. @throws as `read` and `openClinical`; SEG_INVALID */
export function openMaskFile(path: string, read: ReadFile): Promise<Content<ClinicalImage | SegObject>> {
  return keep(`mask ${path}`, path, read, async (bytes, format) => {
    if (format === 'nifti') return openClinical(bytes, path);
    const { readSeg } = await import('@reclmis/clinical');
    return about(path, () => readSeg(bytes));
  });
}

async function keep<C>(
  key: string,
  path: string,
  read: ReadFile,
  open: (bytes: Uint8Array, format: ClinicalFormat) => Promise<C>,
): Promise<Content<C>> {
  const { size: bytes, mtimeMs, ctimeMs, ino } = await stat(path);
  const mark = [bytes, mtimeMs, ctimeMs, ino].join();
  const known = kept.get(key);
  if (known?.mark === mark) return known.content as Promise<Content<C>>;
  const content = read(path).then(async (file): Promise<Content<C>> => {
    const format = clinicalFormat(file);
    return format === null ? { picture: file } : { clinical: await open(file, format) };
  });
  const forget = (): void => {
    if (kept.get(key)?.content === content) kept.delete(key);
  };
  content.then((found) => {
    if ('picture' in found) forget(); // decoded once, and its bytes are not worth the memory
  }, forget);
  kept.delete(key);
  kept.set(key, { bytes, mark, content });
  let total = 0;
  for (const [i, [name, one]] of [...kept].reverse().entries()) {
    total += one.bytes;
    if (i >= KEPT || (i > 0 && total > KEPT_BYTES)) kept.delete(name);
  }
  return content;
}

/** A raster turned by EXIF's tag, 1 to 8. */
export async function turned<R extends Raster>(raster: R, orientation: Orientation): Promise<R> {
  if (orientation === 1) return raster;
  const { orient } = await import('@reclmis/clinical');
  return { ...raster, ...orient(raster, orientation) };
}
