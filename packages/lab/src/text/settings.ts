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
});

export type TextConfig = z.infer<typeof textSchema>;
