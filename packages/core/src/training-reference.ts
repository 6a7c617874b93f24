/**
 * What a run and an exported model remember of their training data so that doubtful results can be told: words, figures of images, how masks and notes
 * go together. Plain numbers and single words, some twenty kilobytes; no note and no picture.
 */
import { z } from 'zod';
import { TEXTURE_FIGURES } from './images/image-likeness.js';
import { TONES } from './images/image-tones.js';
import { STATED_SIDES } from './notes/sides.js';

/** Words that are kept. */
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
  /** Training cases that were measured. */
  cases: z.number().int().positive(),
  /** Words of the training notes, lower-case, but for those that may name a patient; null where the model reads no note. */
  words: z.array(z.string().min(1).max(64)).max(MOST_WORDS).readonly().nullable(),
  /** `ImageLikeness`; null where there were too few images. */
  images: z
    .strictObject({
      images: z.number().int().positive(),
      layout: gaussian(64),
      texture: gaussian(TEXTURE_FIGURES),
      /** Absent in what older versions wrote. */
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
  /** `MaskRules`; null where the training masks were not looked at. */
  masks: z
    .strictObject({
      inside: share.nullable(),
      areas: z.boolean(),
      sides: z.enum(STATED_SIDES).optional(),
    })
    .nullable(),
});

export type TrainingReference = z.infer<typeof trainingReferenceSchema>;
