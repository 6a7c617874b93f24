/**
 * Segments images by their notes and writes a mask and an overlay for each: METHOD.md 8's threshold at the image's own size.
 *
 * The probability is computed at the model's size S, stretched back to the image's (core's `resizePlane`) and cut at 0.5. All images
 * are looked at before the first file is written; every file is written whole or not at all. Images are read ahead while the model
 * works, in batches that are bounded in count and in pixels.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  imageToPlanes,
  type Mask,
  overlay,
  ReclmisError,
  resizePlane,
  type RgbImage,
  threshold,
} from '@reclmis/core';
import {
  endsComplete,
  makeFolder,
  mapLimit,
  readImage,
  readImageHeader,
  writePngMask,
  writePngRgb,
} from '@reclmis/files';
import type { PredictionCase } from './cases.js';

/** Most pixels of a batch's images at their own sizes: 16 Mpx are 48 MB of bytes. */
const BATCH_PIXELS = 16_000_000;
/** Images that are read or written at a time. */
const LANES = 4;

/** What prediction needs of a model: `Segmenter` has it. */
export interface PlaneSegmenter {
  /** S, the side of its input. */
  readonly size: number;
  /** Images [B,3,S,S] in [0, 1] and B notes to probabilities [B,1,S,S]. */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array;
}

export interface PredictOptions {
  /** Images at once; fewer where they are large. Default 8. */
  readonly batchSize?: number;
  /** Called after each batch with the number of images done. */
  readonly onProgress?: (done: number) => void;
  /** Ends the work between two batches. */
  readonly signal?: AbortSignal;
}

/** What was written for an image. */
export interface Prediction {
  readonly id: string;
  readonly imagePath: string;
  /** `<id>_mask.png`: 8-bit grey, 0 or 255, at the image's own size. */
  readonly maskPath: string;
  /** `<id>_overlay.png`: the mask in orange over the image. */
  readonly overlayPath: string;
  /** Pixels of the image. */
  readonly width: number;
  readonly height: number;
  /** Share of the image that the mask covers, in [0, 1]. */
  readonly share: number;
}

/**
 * Segments the cases into the folder `out`, which is made if needed.
 * @throws IMAGE_MISSING, IMAGE_UNREADABLE, IMAGE_UNSUPPORTED, IMAGE_TOO_LARGE, CHECKPOINT_CORRUPT, OUTPUT_UNWRITABLE, DISK_FULL
 */
export async function predict(
  segmenter: PlaneSegmenter,
  cases: readonly PredictionCase[],
  out: string,
  options: PredictOptions = {},
): Promise<Prediction[]> {
  const sizes = await mapLimit(cases, LANES, ({ imagePath }) => inspect(imagePath));
  await refuseOverwriting(cases, out);
  await makeFolder(out);
  const batches = divide(cases, sizes, options.batchSize ?? 8);
  const done: Prediction[] = [];
  let ahead = readBatch(batches[0]);
  for (const [i, batch] of batches.entries()) {
    const images = await ahead;
    ahead = readBatch(batches[i + 1]);
    ahead.catch(() => undefined); // awaited, and then thrown, in the next round
    const masks = segmentImages(segmenter, batch, images);
    done.push(...(await mapLimit(batch, LANES, (one, k) => write(one, images[k]!, masks[k]!, out))));
    options.onProgress?.(done.length);
    if (options.signal?.aborted) break;
  }
  return done;
}

/** Size in pixels of an image that seems to be whole; decodes it only where its last bytes leave that open. */
async function inspect(path: string): Promise<number> {
  const { width, height } = await readImageHeader(path);
  if (!(await endsComplete(path))) await readImage(path);
  return width * height;
}

/** Cuts the cases into batches of at most `count` images and, unless one image alone is larger, `BATCH_PIXELS`. */
function divide(
  cases: readonly PredictionCase[],
  sizes: readonly number[],
  count: number,
): PredictionCase[][] {
  const batches: PredictionCase[][] = [];
  let pixels = Infinity;
  cases.forEach((one, i) => {
    const size = sizes[i] ?? 0;
    const current = batches.at(-1);
    if (!current || current.length >= count || pixels + size > BATCH_PIXELS) {
      batches.push([one]);
      pixels = size;
    } else {
      current.push(one);
      pixels += size;
    }
  });
  return batches;
}

async function readBatch(batch: readonly PredictionCase[] = []): Promise<RgbImage[]> {
  return mapLimit(batch, LANES, ({ imagePath }) => readImage(imagePath));
}

/** One mask per image, at its size. Given notes decide. */
function segmentImages(
  segmenter: PlaneSegmenter,
  batch: readonly PredictionCase[],
  images: readonly RgbImage[],
): Mask[] {
  const S = segmenter.size;
  const planes = new Float32Array(batch.length * 3 * S * S); // [B,3,S,S]
  images.forEach((image, i) => planes.set(imageToPlanes(image, S), i * 3 * S * S));
  const probabilities = segmenter.probabilities(
    planes,
    batch.map(({ note }) => note),
  ); // [B,1,S,S]
  return images.map(({ width, height }, i) => {
    const plane = probabilities.subarray(i * S * S, (i + 1) * S * S);
    if (plane.some(Number.isNaN)) {
      throw new ReclmisError(
        'CHECKPOINT_CORRUPT',
        `${batch[i]?.imagePath ?? ''}: the model's probabilities are not numbers`,
      );
    }
    return threshold(resizePlane(plane, S, S, width, height), width, height);
  });
}

async function write(
  { id, imagePath }: PredictionCase,
  image: RgbImage,
  mask: Mask,
  out: string,
): Promise<Prediction> {
  const [maskPath, overlayPath] = outputs(id, out);
  await writePngMask(maskPath, mask);
  await writePngRgb(overlayPath, overlay(image, mask));
  const { width, height } = image;
  const share = mask.data.reduce((sum, value) => sum + value, 0) / (width * height);
  return { id, imagePath, maskPath, overlayPath, width, height, share };
}

/** An image called `a_mask.png` may lie where the mask of `a.png` would go: no image of the cases is ever replaced. */
async function refuseOverwriting(cases: readonly PredictionCase[], out: string): Promise<void> {
  const inputs = new Map<string, string>();
  for (const { imagePath } of cases) inputs.set(await realpath(imagePath), imagePath);
  const folder = await realpath(out).catch(() => null);
  if (folder === null) return; // it will be made, so nothing lies there
  for (const { id } of cases) {
    for (const path of outputs(id, folder)) {
      const input = inputs.get(path);
      if (input !== undefined)
        throw new ReclmisError('OUTPUT_EXISTS', `${input}: would be replaced by a result for ${id}`);
    }
  }
}

/** Where the mask and the overlay of a case go. */
function outputs(id: string, out: string): [mask: string, overlay: string] {
  return [join(out, `${id}_mask.png`), join(out, `${id}_overlay.png`)];
}
