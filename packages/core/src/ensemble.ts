/**
 * Averages several opinions on one image: several models', or a model's own on the image and its mirror image
 * with the mirrored note.
 *
 * B images, S side of a model's input in pixels; planes are stored row by row.
 */
import { ReclmisError } from './errors.js';
import { mirrorNote } from './notes/note-mirror.js';
import { mayNameSide } from './notes/sides.js';

/** Segments images by their notes, with any engine. */
export interface PlaneSegmenter {
  /** S. */
  readonly size: number;
  /** Probability above which a pixel belongs to the mask. Default 0.5. */
  readonly threshold?: number;
  /**
   * Images [B,3,S,S] (planes R, G, B in [0, 1]) and B notes -> probabilities [B,1,S,S]. Calls never overlap,
   * and the images are not used afterwards.
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array>;
}

/** Mirrors planes of width S; its own inverse. */
export function mirrorPlanes(planes: Float32Array, size: number): Float32Array {
  const out = new Float32Array(planes.length);
  for (let row = 0; row < planes.length; row += size) {
    for (let x = 0; x < size; x++) out[row + x] = planes[row + size - 1 - x] as number;
  }
  return out;
}

export function addPlanes(sum: Float32Array, more: Float32Array): Float32Array {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (more[i] as number);
  return sum;
}

export function divideBy(sum: Float32Array, count: number): Float32Array {
  if (count !== 1) for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) / count;
  return sum;
}

/**
 * Averages a model's answers to the image and its mirror image; only the image is asked if a note may name a
 * side in words unknown to `mirrorNote` (other languages, abbreviations).
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
    const mirrored = mirrorPlanes(images, size); // the images then belong to the model
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

/** Gives a model each note in its own words and sides. */
export class RewordingSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly threshold?: number;

  /** @param reword a note as the model reads it, such as `noteForModel(...).text` */
  constructor(
    private readonly segmenter: PlaneSegmenter,
    private readonly reword: (note: string) => string,
  ) {
    this.size = segmenter.size;
    if (segmenter.threshold !== undefined) this.threshold = segmenter.threshold;
  }

  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array> {
    return this.segmenter.probabilities(
      images,
      notes.map((note) => this.reword(note)),
    );
  }
}

/** Averages several models of one size. */
export class AverageSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly threshold: number;

  /** @throws OPTION_INVALID for no models, or different sizes or thresholds. */
  constructor(private readonly segmenters: readonly PlaneSegmenter[]) {
    const sizes = [...new Set(segmenters.map(({ size }) => size))];
    const [size] = sizes;
    if (size === undefined || sizes.length > 1) {
      throw new ReclmisError(
        'OPTION_INVALID',
        `averaging models: expected a single image size, got ${sizes.join(' and ') || 'no model'}`,
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

/** @throws OPTION_INVALID if thresholds differ: a mean has none. */
export function sharedThreshold(segmenters: readonly Pick<PlaneSegmenter, 'threshold'>[]): number {
  const thresholds = [...new Set(segmenters.map(({ threshold = 0.5 }) => threshold))];
  if (thresholds.length > 1) {
    throw new ReclmisError(
      'OPTION_INVALID',
      `averaging models: expected a single threshold, got ${thresholds.join(' and ')}`,
    );
  }
  return thresholds[0] ?? 0.5;
}
