/**
 * Asks the models about a batch: the images are put into each model's size once, whatever the number of notes.
 *
 * B images, S side of a model's input in pixels.
 */
import {
  addPlanes,
  answerOf,
  divideBy,
  imagesToPlanes,
  openPlanes,
  type OpenPlanes,
  type PlaneSegmenter,
  type ResultChecks,
  type RgbImage,
  type Warning,
  USUAL_RESIZE,
} from '@reclmis/core';
import { pictureKey, type ReadCase } from './batches.js';
import type { ModelNote } from './model-notes.js';

/**
 * An image's mean probability, [H,W] at its own size, and a single model's at its size, [S,S]; or what is wrong, to
 * follow "the model gave".
 */
export type Opinion =
  { readonly probability: Float32Array; readonly map: Float32Array | null } | { readonly wrong: string };

export class Asking {
  /** U images of B items, by model: [U,3,S,S]. */
  private readonly planes: readonly Float32Array[];
  /** Each item's image. */
  private readonly of: readonly number[];
  /** By model, from the first question on. */
  private opened: OpenPlanes[] | null = null;

  /** @param items not empty; those of one image and frame have it seen once */
  constructor(
    private readonly segmenters: readonly PlaneSegmenter[],
    private readonly items: readonly ReadCase[],
  ) {
    const numbers = new Map<string, number>();
    const images: RgbImage[] = [];
    this.of = items.map(({ one, image }) => {
      const key = pictureKey(one);
      const known = numbers.get(key) ?? images.push(image) - 1;
      numbers.set(key, known);
      return known;
    });
    this.planes = segmenters.map(({ size, resize = USUAL_RESIZE }) => imagesToPlanes(images, size, resize));
  }

  /** Frees what the models keep of the images. */
  dispose(): void {
    for (const one of this.opened ?? []) one.dispose();
    this.opened = null;
  }

  private async open(): Promise<readonly OpenPlanes[]> {
    if (this.opened) return this.opened;
    const opened: OpenPlanes[] = [];
    this.opened = opened;
    for (const [k, segmenter] of this.segmenters.entries())
      opened.push(await openPlanes(segmenter, this.planes[k]?.slice() ?? new Float32Array())); // they belong to the model then
    return opened;
  }

  /** The mean of the models; null for items that only complete the batch. @param notes by item */
  async about(notes: readonly string[]): Promise<(Opinion | null)[]> {
    const { segmenters, items } = this;
    const sums = items.map((): Float32Array | null => null);
    const wrong = new Map<number, string>();
    const maps = items.map((): Float32Array | null => null);
    for (const [k, opened] of (await this.open()).entries()) {
      const S = segmenters[k]!.size;
      const probabilities = await opened.probabilities(notes, this.of); // [B,1,S,S]
      for (const [b, { wanted, image }] of items.entries()) {
        if (!wanted) continue;
        const answer = answerOf(probabilities, b, S, image);
        if ('wrong' in answer) {
          wrong.set(b, answer.wrong);
          continue;
        }
        if (segmenters.length === 1) maps[b] = probabilities.subarray(b * S * S, (b + 1) * S * S);
        const sum = sums[b];
        sums[b] = sum ? addPlanes(sum, answer.probability) : answer.probability;
      }
    }
    return items.map(({ wanted }, b): Opinion | null => {
      if (!wanted) return null;
      const sum = sums[b];
      const why = wrong.get(b);
      return !sum || why !== undefined
        ? { wrong: why ?? 'nothing' }
        : { probability: divideBy(sum, segmenters.length), map: maps[b] ?? null };
    });
  }

  /** Warnings about image `index`. @param checks by model */
  imageWarnings(index: number, checks: readonly ResultChecks[]): Warning[] {
    return this.segmenters.flatMap(({ size }, k) => {
      const length = 3 * size * size;
      const number = this.of[index] ?? 0;
      const own = this.planes[k]?.subarray(number * length, (number + 1) * length); // [3,S,S]
      return own ? [...(checks[k]?.image(own, size) ?? [])] : [];
    });
  }
}

/** Warnings about a note. @param read how the models read it; absent: as written */
export function noteWarnings(
  note: string,
  read: ModelNote | undefined,
  checks: readonly ResultChecks[],
): Warning[] {
  const worded = wordedFor(note, read);
  return [
    ...(read?.warnings ?? []),
    ...checks.flatMap((one, i) => one.note(worded(i), read?.each[i]?.mirrored)),
  ];
}

/** The note in the words of a model, by its place. */
export const wordedFor =
  (note: string, read: ModelNote | undefined) =>
  (model: number): string =>
    read?.each[model]?.worded ?? note;

/** Averaged models give the same warnings. */
export function eachOnce(warnings: readonly Warning[]): Warning[] {
  return [...new Map(warnings.map((one) => [`${one.code} ${one.message}`, one])).values()];
}
