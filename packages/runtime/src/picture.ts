/**
 * A picture at the model's size, and the result that a probability map of it becomes.
 *
 * S side of the model's input.
 */
import type { DisplayedFrame } from '@reclmis/clinical';
import {
  confidenceAt,
  defined,
  type ImageSize,
  imageToPlanes,
  type Interest,
  type ModelManifest,
  type NoteForModel,
  resizeOf,
  type ResultChecks,
  segmented,
  type Warning,
  windowOf,
} from '@reclmis/core';
import { asStored, clinicalWarnings } from './clinical.js';
import type { Platform } from './seams.js';
import type { ImageSource, OpenOptions, Segmentation } from './types.js';

/** 64 Mpx, as in training. */
export const MAX_PIXELS = 64_000_000;

export interface Picture {
  /** [3,S,S] in [0,1]; nobody changes them. */
  readonly planes: Float32Array;
  /** As displayed. */
  readonly size: ImageSize;
  /** Present for DICOM and NIfTI. */
  readonly frame: DisplayedFrame | undefined;
  /** About the image, whatever the note. */
  readonly warnings: readonly Warning[];
}

export interface Reading {
  readonly manifest: ModelManifest;
  readonly checks: ResultChecks;
  readonly platform: Pick<Platform, 'decode'>;
}

/** @throws IMAGE_* (also IMAGE_WINDOW_UNKNOWN), OPTION_INVALID (no such frame); the signal's reason */
export async function readPicture(
  { manifest, checks, platform }: Reading,
  image: ImageSource,
  { signal, maxPixels = MAX_PIXELS, frame: asked, window = windowOf(manifest), decoders }: OpenOptions,
): Promise<Picture> {
  signal?.throwIfAborted();
  const options = { maxPixels, ...defined({ frame: asked, window, decoders }) };
  const { image: pixels, clinical: frame } = await platform.decode(image, options);
  signal?.throwIfAborted();
  const S = manifest.image.size;
  const planes = imageToPlanes(pixels, S, resizeOf(manifest));
  const { width, height } = pixels;
  return { planes, size: { width, height }, frame, warnings: checks.image(planes, S) };
}

export interface Answer {
  readonly note: NoteForModel;
  /** False for a model that reads no notes. */
  readonly readsNotes: boolean;
  /** [B,1,S,S]; this picture's is number `index`. */
  readonly probability: Float32Array;
  readonly index: number;
  readonly threshold: number;
  /** As displayed; null if it was not asked for. */
  readonly interest: Interest | null;
}

/** The mask on the pixels as stored, with its warnings. @throws INFERENCE_FAILED if the values are no probabilities */
export async function segmentationOf(
  { manifest, checks }: Pick<Reading, 'manifest' | 'checks'>,
  { size, frame, warnings: ofImage }: Picture,
  { note: given, readsNotes, probability, index, threshold, interest }: Answer,
): Promise<Omit<Segmentation, 'timings'>> {
  const S = manifest.image.size;
  const { probability: own, mask } = segmented(probability, index, S, size, threshold);
  const { text, worded, sides, mirrored, style, read, warnings: ofNote } = given;
  const warnings = [
    ...checks.note(worded, mirrored),
    ...ofNote,
    ...ofImage,
    ...clinicalWarnings(checks, frame, worded, sides),
    ...checks.mask(mask, worded, sides),
  ];
  const fitted = manifest.confidence?.calibration;
  const confidence =
    fitted?.threshold === threshold ? confidenceAt(fitted, probability, index, S, ofImage) : undefined;
  const note = { sides, mirrored, style, sent: readsNotes ? text : '', read };
  const found = {
    ...{ mask, probability: own, ...size, note, warnings },
    ...(confidence ? { confidence } : {}),
    ...(interest ? { interest } : {}),
  };
  return asStored(found, frame);
}
