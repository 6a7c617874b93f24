import { UNKNOWN_WORDS } from '@reclmis/core';
import { z } from 'zod';

export const textSchema = z.strictObject({
  // `auto` is the paper's CLIP tower if its weights are on this machine, else word features; a run stores the result
  // (docs/reference/text-encoder.md).
  encoder: z
    .enum(['auto', 'clip-vit-b-32', 'clip-vit-b-16', 'clip-vit-l-14', 'words'])
    .default('auto')
    .describe('note encoder'),
  // 24 words hold every QaTa-COV19 note; the paper's 18 cut 24 % of them (docs/method.md 1).
  contextLength: z
    .number()
    .int()
    .min(2)
    .max(77)
    .default(24)
    .describe('tokens per note; longer notes are cut'),
  // On phantoms, notes with a slip in every word lose 0.1 points of Dice; ignored, they leave every mask empty
  // (docs/measurements/reader.md).
  unknownWords: z
    .enum(UNKNOWN_WORDS)
    .default('nearest')
    .describe(
      'words encoder: words that training has not seen are read as the nearest known word, if plainly slips of it, or ignored',
    ),
});

export type TextConfig = z.infer<typeof textSchema>;
