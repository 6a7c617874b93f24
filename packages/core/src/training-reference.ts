/**
 * What a run and a model keep of their training data to recognise doubtful results: numbers and single words,
 * about 20 kB; no notes, no pictures.
 */
import { z } from 'zod';
import { TEXTURE_FIGURES } from './images/image-likeness.js';
import { TONES } from './images/image-tones.js';
import { STATED_SIDES } from './notes/sides.js';

const MOST_WORDS = 20_000;

const numbers = (length: number) => z.array(z.number()).length(length).readonly();
const gaussian = (length: number) =>
  z.strictObject({
    mean: numbers(length),
    axes: z.array(numbers(length)).max(length).readonly(),
    variances: z.array(z.number().positive()).max(length).readonly(),
    rest: z.number().positive(),
    limit: z.number().positive(),
  });
const share = z.number().min(0).max(1);

export const trainingReferenceSchema = z.strictObject({
  cases: z.number().int().positive(),
  /**
   * Lower-case words of training notes, except possible names of patients; null if the model reads no notes.
   */
  words: z.array(z.string().min(1).max(64)).max(MOST_WORDS).readonly().nullable(),
  /** `ImageLikeness`; null for too few images. */
  images: z
    .strictObject({
      images: z.number().int().positive(),
      layout: gaussian(64),
      texture: gaussian(TEXTURE_FIGURES),
      /** Absent in older versions. */
      tones: gaussian(TONES).optional(),
      turned: z.number().positive(),
    })
    .refine(
      ({ layout, texture, tones }) =>
        [layout, texture, ...(tones ? [tones] : [])].every(
          ({ axes, variances }) => axes.length === variances.length,
        ),
      'expected a variance for each axis',
    )
    .nullable(),
  /** `MaskRules`; null if not examined. */
  masks: z
    .strictObject({
      inside: share.nullable(),
      areas: z.boolean(),
      sides: z.enum(STATED_SIDES).optional(),
    })
    .nullable(),
});

export type TrainingReference = z.infer<typeof trainingReferenceSchema>;
