/**
 * Golden files: what the authors' code computed from weights that need no download (docs/method.md 12). The
 * JSON holds settings, drawn masks, losses, gradient norms and summaries of the outputs; a safetensors file
 * of the same name may hold full outputs.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ReclmisError } from '@reclmis/core';
import { z } from 'zod';

const count = z.number().int().min(1);
const index = z.number().int().min(0);
export const summarySchema = z.object({
  shape: z.array(count),
  mean: z.number(),
  std: z.number(),
  first: z.array(z.number()),
});

/** What all models' golden files share. */
export const sharedSchema = z.object({
  seed: z.number().int(),
  batch: count,
  /** [key, shape, whether it takes part]; the position decides the values. */
  parameters: z.array(z.tuple([z.string().min(1), z.array(index), z.boolean()])).min(1),
  /** [top, bottom, left, right] of each target mask. */
  mask_boxes: z.array(z.tuple([index, index, index, index])),
});

const goldenSchema = sharedSchema.extend({
  layers: count,
  img_mask_rate: z.number().min(0).max(1),
  text_mask_rate: z.number().min(0).max(1),
  context_length: count,
  tokens: z.array(z.array(index)).min(1),
  masked_patches: z.array(z.array(index).min(1)),
  masked_words: z.array(z.array(index).min(1)),
  outputs: z.object({
    probability: summarySchema,
    clip_text: summarySchema,
    f_image: summarySchema,
    f_text: summarySchema,
    ci_image: summarySchema,
    ci_text: summarySchema,
    poi: z.array(z.array(z.number())),
    woi: z.array(z.array(z.number())),
    losses: z.object({
      dice: z.number(),
      bce: z.number(),
      seg: z.number(),
      ccl: z.number(),
      text_rec: z.number(),
      img_rec: z.number(),
      total: z.number(),
    }),
  }),
  gradient_norms: z.record(z.string(), z.number().min(0)),
});

export type Golden = z.infer<typeof goldenSchema>;
export type OutputSummary = z.infer<typeof summarySchema>;
export type SharedGolden = z.infer<typeof sharedSchema>;

/** Null if there is none. */
export function tensorsBeside(path: string): string | null {
  const beside = path.replace(/\.json$/, '') + '.safetensors';
  return existsSync(beside) ? beside : null;
}

/** @throws GOLDEN_INVALID */
export function readGoldenJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason =
      cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
    throw new ReclmisError('GOLDEN_INVALID', `${path}: expected a golden file in JSON (${reason})`, {
      cause,
    });
  }
}

/** @throws GOLDEN_INVALID saying what is wrong where */
export function parseWith<T>(schema: z.ZodType<T>, json: unknown, path: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.map(String).join('.') || 'the file';
  throw new ReclmisError('GOLDEN_INVALID', `${path}: ${where}: ${issue?.message ?? 'not a golden file'}`, {
    cause: parsed.error,
  });
}

/** RecLMIS's own file. @throws GOLDEN_INVALID saying what is wrong where */
export function parseGolden(json: unknown, path: string): Golden {
  const golden = parseWith(goldenSchema, json, path);
  checkConsistency(golden, path);
  return golden;
}

export type Require = (holds: boolean, where: string, expected: string, actual: unknown) => void;

export function requireIn(path: string): Require {
  return (holds, where, expected, actual) => {
    if (!holds) {
      throw new ReclmisError(
        'GOLDEN_INVALID',
        `${path}: ${where}: expected ${expected}, got ${String(actual)}`,
      );
    }
  };
}

/** @returns the side of the images */
export function checkShared(
  { batch: B, mask_boxes, parameters }: SharedGolden,
  probability: OutputSummary,
  path: string,
): number {
  const require = requireIn(path);
  const { shape } = probability;
  const size = shape[2] ?? 0;
  require(size > 0 && size % 16 === 0, 'outputs.probability.shape', 'a side that is a multiple of 16', size);
  const expected = [B, 1, size, size].join(' x ');
  require(shape.join(' x ') === expected, 'outputs.probability.shape', expected, shape.join(' x '));
  require(mask_boxes.length === B, 'mask_boxes', `${B} rows`, mask_boxes.length);
  for (const box of mask_boxes) {
    const [top, bottom, left, right] = box;
    const inside = top <= bottom && bottom <= size && left <= right && right <= size;
    require(inside, 'mask_boxes', `top <= bottom <= ${size} and left <= right <= ${size}`, box);
  }
  const keys = parameters.map(([key]) => key);
  const repeated = `${basename(path)} with repeated keys`;
  require(new Set(keys).size === keys.length, 'parameters', 'each key once', repeated);
  return size;
}

function checkConsistency(golden: Golden, path: string): void {
  const require = requireIn(path);
  const { batch: B, context_length: T, outputs } = golden;
  const size = checkShared(golden, outputs.probability, path);
  const N = (size / 16) ** 2;
  const rows = {
    tokens: golden.tokens,
    masked_patches: golden.masked_patches,
    masked_words: golden.masked_words,
    'outputs.poi': outputs.poi,
    'outputs.woi': outputs.woi,
  };
  for (const [where, list] of Object.entries(rows))
    require(list.length === B, where, `${B} rows`, list.length);
  for (const row of golden.tokens) require(row.length === T, 'tokens', `${T} tokens a row`, row.length);
  for (const row of outputs.woi) require(row.length === T, 'outputs.woi', `${T} values a row`, row.length);
  for (const row of outputs.poi) require(row.length === N, 'outputs.poi', `${N} values a row`, row.length);
  const shapes: readonly (readonly [OutputSummary, string, readonly (number | null)[]])[] = [
    [outputs.clip_text, 'clip_text', [B, T, null]],
    [outputs.f_image, 'f_image', [B, null, size / 16, size / 16]],
    [outputs.f_text, 'f_text', [B, T, null]],
    [outputs.ci_image, 'ci_image', [B, N, null]],
    [outputs.ci_text, 'ci_text', [B, T, null]],
  ];
  for (const [{ shape }, name, expected] of shapes) {
    const fits = shape.length === expected.length && expected.every((n, i) => n === null || n === shape[i]);
    require(fits, `outputs.${name}.shape`, expected.map((n) => n ?? 'any').join(' x '), shape.join(' x '));
  }
  for (const row of golden.masked_patches) {
    for (const patch of row) require(patch < N, 'masked_patches', `patches below ${N}`, patch);
  }
  for (const row of golden.masked_words) {
    for (const word of row) require(word < T, 'masked_words', `tokens below ${T}`, word);
  }
  require(Object.keys(golden.gradient_norms).length > 0, 'gradient_norms', 'at least one', 'none');
}

/** Keys in an unchecked file; empty if it states none. */
export function keysOfGolden(json: unknown): ReadonlySet<string> {
  const { data } = z.object({ parameters: z.array(z.tuple([z.string()], z.unknown())) }).safeParse(json);
  return new Set(data?.parameters.map(([key]) => key));
}
