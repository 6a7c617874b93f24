/**
 * Averages several opinions on one image: several models', or a model's own on the image and its mirror image
 * with the mirrored note.
 *
 * B images, S side of a model's input in pixels; planes are stored row by row.
 */
import { ReclmisError } from './errors.js';
import { type ResizeRule, USUAL_RESIZE } from './images/resize-rule.js';
import { mirroredNote } from './notes/note-motion.js';

/** Images that are seen once, for several notes. */
export interface OpenPlanes {
  /**
   * B notes -> probabilities [B,1,S,S], as of `PlaneSegmenter.probabilities`. Calls never overlap.
   * @param of the number of each note's image; default: each note about the image of its own number
   */
  probabilities(notes: readonly string[], of?: readonly number[]): Float32Array | Promise<Float32Array>;
  /** Frees what is kept of the images. */
  dispose(): void;
}

/** Segments images by their notes, with any engine. */
export interface PlaneSegmenter {
  /** S. */
  readonly size: number;
  /** How images come to that size. Default `area`. */
  readonly resize?: ResizeRule;
  /** Probability above which a pixel belongs to the mask. Default 0.5. */
  readonly threshold?: number;
  /**
   * Images [B,3,S,S] (planes R, G, B in [0, 1]) and B notes -> probabilities [B,1,S,S]. Calls never overlap,
   * and the images are not used afterwards.
   */
  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array>;
  /**
   * Sees images [B,3,S,S] once, if the engine can; else use `openPlanes`. They are not used by the caller afterwards, and
   * the caller disposes the result.
   */
  open?(images: Float32Array): OpenPlanes | Promise<OpenPlanes>;
}

/** Opens images [B,3,S,S], which then belong to the segmenter: it sees them once if it can. The caller disposes the result. */
export async function openPlanes(segmenter: PlaneSegmenter, images: Float32Array): Promise<OpenPlanes> {
  if (segmenter.open) return segmenter.open(images);
  return {
    probabilities: (notes, of) => segmenter.probabilities(pickedImages(images, segmenter.size, of), notes),
    dispose: () => undefined,
  };
}

/** Copies of some of the images [B,3,S,S], or of all. */
export function pickedImages(images: Float32Array, size: number, of?: readonly number[]): Float32Array {
  if (!of) return images.slice();
  const length = 3 * size * size;
  const picked = new Float32Array(of.length * length);
  of.forEach((b, i) => picked.set(images.subarray(b * length, (b + 1) * length), i * length));
  return picked;
}

/** Which images [B,3,S,S] are equal: the first of each kind, and for each image the number of its kind. */
export function distinctImages(
  images: Float32Array,
  size: number,
): { readonly first: readonly number[]; readonly of: readonly number[] } {
  const length = 3 * size * size;
  const first: number[] = [];
  const of: number[] = [];
  for (let b = 0; b * length < images.length; b++) {
    const one = images.subarray(b * length, (b + 1) * length);
    const known = first.findIndex((a) => sameValues(images.subarray(a * length, (a + 1) * length), one));
    of.push(known < 0 ? first.push(b) - 1 : known);
  }
  return { first, of };
}

/** NaN is like nothing. */
export function sameValues(a: Float32Array, b: Float32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
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
 * Averages a model's answers to the image and its mirror image; only the image counts if a note names a side in
 * words that cannot be exchanged.
 */
export class FlippingSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly resize: ResizeRule;
  readonly threshold?: number;

  /** @param exchanged a note with left and right exchanged, null if it cannot be */
  constructor(
    private readonly segmenter: PlaneSegmenter,
    private readonly exchanged: (note: string) => string | null = (note) => mirroredNote(note),
  ) {
    this.size = segmenter.size;
    this.resize = segmenter.resize ?? USUAL_RESIZE;
    if (segmenter.threshold !== undefined) this.threshold = segmenter.threshold;
  }

  async probabilities(images: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    const opened = await this.open(images);
    try {
      return await opened.probabilities(notes);
    } finally {
      opened.dispose();
    }
  }

  async open(images: Float32Array): Promise<OpenPlanes> {
    const { segmenter, size } = this;
    const mirrored = mirrorPlanes(images, size); // the images then belong to the model
    const straight = await openPlanes(segmenter, images);
    const back = await openPlanes(segmenter, mirrored).catch((error: unknown) => {
      straight.dispose();
      throw error;
    });
    return {
      probabilities: (notes, of) => this.mean(straight, back, notes, of),
      dispose: () => {
        straight.dispose();
        back.dispose();
      },
    };
  }

  private async mean(
    images: OpenPlanes,
    mirrored: OpenPlanes,
    notes: readonly string[],
    of: readonly number[] | undefined,
  ): Promise<Float32Array> {
    const { size } = this;
    const straight = await images.probabilities(notes, of);
    const others = notes.map((note) => this.exchanged(note));
    const given = others.map((other, b) => other ?? notes[b] ?? '');
    const back = mirrorPlanes(await mirrored.probabilities(given, of), size);
    const mean = divideBy(addPlanes(Float32Array.from(straight), back), 2);
    for (const [b, other] of others.entries()) {
      if (other !== null) continue;
      const from = b * size * size;
      mean.set(straight.subarray(from, from + size * size), from);
    }
    return mean;
  }
}

/** Gives a model each note in its own words and sides. */
export class RewordingSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly resize: ResizeRule;
  readonly threshold?: number;

  /** @param reword a note as the model reads it, such as `noteForModel(...).text` */
  constructor(
    private readonly segmenter: PlaneSegmenter,
    private readonly reword: (note: string) => string,
  ) {
    this.size = segmenter.size;
    this.resize = segmenter.resize ?? USUAL_RESIZE;
    if (segmenter.threshold !== undefined) this.threshold = segmenter.threshold;
  }

  probabilities(images: Float32Array, notes: readonly string[]): Float32Array | Promise<Float32Array> {
    return this.segmenter.probabilities(
      images,
      notes.map((note) => this.reword(note)),
    );
  }

  async open(images: Float32Array): Promise<OpenPlanes> {
    const opened = await openPlanes(this.segmenter, images);
    return {
      probabilities: (notes, of) => opened.probabilities(notes.map((note) => this.reword(note)), of), // prettier-ignore
      dispose: () => opened.dispose(),
    };
  }
}

/** Averages several models of one size. */
export class AverageSegmenter implements PlaneSegmenter {
  readonly size: number;
  readonly resize: ResizeRule;
  readonly threshold: number;

  /** @throws OPTION_INVALID for no models, or different sizes, ways of resizing or thresholds. */
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
    this.resize = sharedResize(segmenters);
    this.threshold = sharedThreshold(segmenters);
  }

  async probabilities(images: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    return this.mean((segmenter) => segmenter.probabilities(images.slice(), notes));
  }

  async open(images: Float32Array): Promise<OpenPlanes> {
    const opened: OpenPlanes[] = [];
    const dispose = (): void => opened.forEach((one) => one.dispose());
    try {
      for (const segmenter of this.segmenters) opened.push(await openPlanes(segmenter, images.slice()));
    } catch (error) {
      dispose();
      throw error;
    }
    return {
      probabilities: (notes, of) => this.mean((_, k) => opened[k]!.probabilities(notes, of)),
      dispose,
    };
  }

  private async mean(
    ask: (segmenter: PlaneSegmenter, index: number) => Float32Array | Promise<Float32Array>,
  ): Promise<Float32Array> {
    let sum: Float32Array | null = null;
    for (const [k, segmenter] of this.segmenters.entries()) {
      const one = await ask(segmenter, k);
      sum = sum === null ? Float32Array.from(one) : addPlanes(sum, one);
    }
    return divideBy(sum ?? new Float32Array(), this.segmenters.length);
  }
}

function sharedResize(segmenters: readonly Pick<PlaneSegmenter, 'resize'>[]): ResizeRule {
  const rules = [...new Set(segmenters.map(({ resize = USUAL_RESIZE }) => resize))];
  const [rule = USUAL_RESIZE] = rules;
  if (rules.length <= 1) return rule;
  throw new ReclmisError(
    'OPTION_INVALID',
    `averaging models: expected a single way of resizing (data.resize), got ${rules.join(' and ')}`,
  );
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
