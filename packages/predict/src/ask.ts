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
  /** U images of B items, by model: [U,3,S,S]; they belong to the models from the first question on. */
  private planes: readonly Float32Array[];
  /** By image. */
  private readonly warnings: readonly (readonly Warning[])[];
  /** Each item's image. */
  private readonly of: readonly number[];
  /** By model, from the first question on. */
  private opened: OpenPlanes[] | null = null;

  /** @param items not empty; those of one image and frame have it seen once. @param checks by model */
  constructor(
    private readonly segmenters: readonly PlaneSegmenter[],
    private readonly items: readonly ReadCase[],
    checks: readonly ResultChecks[],
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
    this.warnings = images.map((_, u) =>
      segmenters.flatMap(({ size }, k) => {
        const length = 3 * size * size;
        const own = this.planes[k]!.subarray(u * length, (u + 1) * length); // [3,S,S]
        return checks[k]?.image(own, size) ?? [];
      }),
    );
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
      opened.push(await openPlanes(segmenter, this.planes[k] ?? new Float32Array()));
    this.planes = [];
    return opened;
  }

  /** What each model answers, [B,1,S,S]. @param notes by item */
  async about(notes: readonly string[]): Promise<Float32Array[]> {
    const answers: Float32Array[] = [];
    for (const opened of await this.open()) answers.push(await opened.probabilities(notes, this.of));
    return answers;
  }

  /** The mean of the models; null for items that only complete the batch. @param answers from `about` */
  opinions(answers: readonly Float32Array[]): (Opinion | null)[] {
    const { segmenters, items } = this;
    return items.map(({ wanted, image }, b): Opinion | null => {
      if (!wanted) return null;
      let sum: Float32Array | null = null;
      for (const [k, probabilities] of answers.entries()) {
        const answer = answerOf(probabilities, b, segmenters[k]!.size, image);
        if ('wrong' in answer) return answer;
        sum = sum ? addPlanes(sum, answer.probability) : answer.probability;
      }
      if (!sum) return { wrong: 'nothing' };
      const [{ size: S } = { size: 0 }, ...others] = segmenters;
      const map = others.length === 0 ? answers[0]!.subarray(b * S * S, (b + 1) * S * S) : null;
      return { probability: divideBy(sum, segmenters.length), map };
    });
  }

  /** Warnings about the image of item `index`. */
  imageWarnings(index: number): readonly Warning[] {
    return this.warnings[this.of[index] ?? 0] ?? [];
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
