/** The precisions that a run may compute in; `engine/precision.ts` says what each is. */
export const PRECISIONS = ['fp32', 'bf16', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];
