/**
 * A small model that knows only phantoms: drawings of chests, made by a program. It has never seen a radiograph, and its
 * masks on radiographs are wrong. `scripts/phantom-model.mjs` makes it.
 *
 * @packageDocumentation
 */
import { SAMPLE_LIST } from './samples.js';

export interface Sample {
  /** A PNG of 96 x 96 pixels. */
  readonly image: URL;
  /** A PNG with 255 where the note's areas are, else 0. */
  readonly mask: URL;
  /** In the patient's sides. */
  readonly note: string;
  readonly name: string;
  /** Such as "Two areas, upper left and lower right lung". */
  readonly about: string;
}

/** The model's folder, for `loadModel`: `file:` in Node. */
export const MODEL: URL = new URL('../model/', import.meta.url);

/** Phantoms that the model has not seen in training. */
export const SAMPLES: readonly Sample[] = SAMPLE_LIST.map(({ name, note, about }) => ({
  image: new URL(`../samples/${name}.png`, import.meta.url),
  mask: new URL(`../samples/${name}_mask.png`, import.meta.url),
  ...{ name, note, about },
}));
