/**
 * Several opinions on one image, averaged: those of several models, and a model's own on the image and on its mirror image.
 *
 * A mirrored image gets the mirrored note (left <-> right, `note-mirror.ts`), so that the note stays true; no other symmetry keeps every
 * note true. Where a note names no side it is the same for both.
 *
 * B images, S side of a model's input in pixels; planes lie row by row.
 */
import { ReclmisError } from './errors.js';
import { mirrorNote } from './notes/note-mirror.js';
import { mayNameSide, noteForModel, type StatedSides } from './notes/sides.js';
import type { Sides } from './notes/zone-map.js';

/** What segments images by their notes, whichever engine runs it. */
export interface PlaneSegmenter {
  /** S. */
  readonly size: number;
  /** A pixel belongs to the mask where its probability is greater than this. Default 0.5. */
  readonly threshold?: number;
  /**
   * Images [B,3,S,S], planes R, G, B in [0, 1], and B notes, to probabilities [B,1,S,S]. Called once at a time; the images are not used
   * afterwards.
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array>;
}

/** Planes of width S mirrored left to right: each row backwards, any number of rows. Its own inverse. */
export function mirrorPlanes(planes: Float32Array, size: number): Float32Array {
  const out = new Float32Array(planes.length);
  for (let row = 0; row < planes.length; row += size) {
    for (let x = 0; x < size; x++) out[row + x] = planes[row + size - 1 - x] as number;
  }
  return out;
}

/** Adds `more` to `sum`, in place. */
export function addPlanes(sum: Float32Array, more: Float32Array): Float32Array {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
  return sum;
}

/** Divides a sum of `count` by it, in place. */
export function divideBy(sum: Float32Array, count: number): Float32Array {
  if (count !== 1) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) / count;
  return sum;
}

/**
 * A model's mean over the image with its note and the mirror image with the mirrored note. A note that may name a side in words that `mirrorNote`
 * does not exchange (other languages, abbreviations) would be untrue of the mirror image, so such an image keeps the answer to itself alone.
 */
export class FlippingSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly threshold?: number;

  constructor(private readonly segmenter: PlaneSegmenter) {
    this.size = segmenter.size;
    if (segmenter.threshold !== undefined) this.threshold = segmenter.threshold;
  }

  async probabilities(images: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    const { segmenter, size } = this;
    const mirrored = mirrorPlanes(images, size); // before the images go to the model, whose they are then
    const straight = await segmenter.probabilities(images, notes);
    const back = mirrorPlanes(await segmenter.probabilities(mirrored, notes.map(mirrorNote)), size);
    const mean = divideBy(addPlanes(Float32Array.from(straight), back), 2);
    for (const [b, note] of notes.entries()) {
      if (mayNameSide(note).length === 0) continue;
      const from = b * size * size;
      mean.set(straight.subarray(from, from + size * size), from);
    }
    return mean;
  }
}

/** A model that is asked with notes of other sides than it has learnt: it gets them with left and right exchanged. */
export class SidedSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly threshold?: number;

  /** @param learnt whose sides the model's training notes meant. @param given whose the notes mean; not given: the same. */
  constructor(
    private readonly segmenter: PlaneSegmenter,
    private readonly learnt: StatedSides,
    private readonly given?: Sides,
  ) {
    this.size = segmenter.size;
    if (segmenter.threshold !== undefined) this.threshold = segmenter.threshold;
  }

  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array> {
    const { learnt, given } = this;
    return this.segmenter.probabilities(
      images,
      notes.map((note) => noteForModel(note, learnt, given).text),
    );
  }
}

/** The mean of several models of one size. */
export class AverageSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly threshold: number;

  /** @throws OPTION_INVALID where there is none, or where sizes or thresholds differ. */
  constructor(private readonly segmenters: readonly PlaneSegmenter[]) {
    const sizes = [...new Set(segmenters.map(({ size }) => size))];
    const [size] = sizes;
    if (size === undefined || sizes.length > 1) {
      throw new ReclmisError(
        'OPTION_INVALID',
        `models to be averaged: expected models of one image size, got ${sizes.join(' and ') || 'no model'}`,
      );
    }
    this.size = size;
    this.threshold = sharedThreshold(segmenters);
  }

  async probabilities(images: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    let sum: Float32Array | null = null;
    for (const segmenter of this.segmenters) {
      const one = await segmenter.probabilities(images.slice(), notes);
      sum = sum === null ? Float32Array.from(one) : addPlanes(sum, one);
    }
    return divideBy(sum ?? new Float32Array(), this.segmenters.length);
  }
}

/** The threshold that models have in common. @throws OPTION_INVALID where they differ, since a mean has no threshold of its own. */
export function sharedThreshold(segmenters: readonly Pick<PlaneSegmenter, 'threshold'>[]): number {
  const thresholds = [...new Set(segmenters.map(({ threshold = 0.5 }) => threshold))];
  if (thresholds.length > 1) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `models to be averaged: expected models of one threshold, got ${thresholds.join(' and ')}`,
    );
  }
  return thresholds[0] ?? 0.5;
}
