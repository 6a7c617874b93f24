/**
 * Compares a system of Table 1 with its authors' code: docs/method.md 11 and 12, docs/models.md. A note's
 * features come from the file's `text_stream`, or the note is its `tokens`; the losses are Dice and binary
 * cross-entropy, half each, and the model's own in full.
 *
 * All of a file is compared; what the model does not give is a difference.
 */
import { scope, Tensor } from '@reclmis/torch';
import { z } from 'zod';
import { diceLoss, bceLoss, HALVES, masksAt, objective, requiredLosses } from '../model/losses.js';
import type { ModelDescriptor } from '../model/descriptor.js';
import { modelDescriptor } from '../model/registry.js';
import {
  AUXILIARY_LOSSES,
  type SegmentationModel,
  type TrainingSegmentation,
} from '../model/segmentation-model.js';
import { modelSchema } from '../model/settings.js';
import type { NoteFeatures } from '../text/encoder.js';
import {
  compareGradients,
  compareLosses,
  compareOutput,
  compareSegmentation,
  type Comparison,
  type GradientRules,
  type ParityRow,
  type ParityTolerance,
  readFull,
  row,
} from './compare.js';
import {
  checkShared,
  type OutputSummary,
  parseWith,
  requireIn,
  sharedSchema,
  summarySchema,
} from './golden.js';
import { hashFill, hashImages } from './hash-fill.js';
import { built, compareOptions, givenSettings } from './options.js';
import { fillParameters, rebuildMasks, sizesIn } from './rebuild.js';

/** Zero in exact arithmetic: ten times float32's noise there. */
const ZERO_GRADIENT = 1e-6;

const count = z.number().int().min(1);
const norms = z.record(z.string(), z.number().min(0));

const peerSchema = sharedSchema.extend({
  /** Notes' features, [B,T,W]. */
  text_shape: z.tuple([count, count, count]).nullable(),
  /** Position of the notes' features in the hash. */
  text_stream: z.number().int().min(0),
  /** Per note; all T without it. */
  text_lengths: z.array(count).optional(),
  /** [B,T], 1 for a token; all ones without it. */
  text_mask: z.array(z.array(z.number().min(0).max(1))).optional(),
  /** [B,T], numbers, 0 for none. */
  tokens: z.array(z.array(z.number().int().min(0)).min(1)).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  outputs: z
    .object({
      probability: summarySchema,
      losses: z.object({ dice: z.number(), bce: z.number(), seg: z.number() }).catchall(z.number()),
    })
    .loose(), // other outputs by name, each a summary
  gradient_norms: norms,
  gradient_norms_of_seg_alone: norms.optional(),
  /** Zero in exact arithmetic. */
  zero_gradients: z.array(z.string()).optional(),
  deep_supervision: z
    .object({
      weights: z.array(z.number().min(0)),
      heads: z.array(summarySchema),
      head_losses: z.array(z.number()),
      loss: z.number(),
      gradient_norms: norms,
    })
    .optional(),
});

export type PeerGolden = z.infer<typeof peerSchema>;

/** @param json of the golden file. @throws GOLDEN_INVALID, SAFETENSORS_INVALID */
export function comparePeer(
  peer: string,
  json: unknown,
  path: string,
  tolerance: ParityTolerance,
): Comparison {
  const descriptor = modelDescriptor(peer);
  const golden = parseGoldenPeer(json, path);
  using model = rebuildPeer(peer, golden, path);
  requireText(model, descriptor, golden, path);
  const inputs = scope(() => rebuildPeerInputs(golden));
  const parts: Parts = { model, descriptor, golden, path, tolerance, inputs };
  try {
    const rows = [
      ...scope(() => compareTraining(parts)),
      ...scope(() => compareMaskAlone(parts)),
      ...scope(() => compareSupervision(parts)),
    ];
    return { title: model.title, rows };
  } finally {
    for (const tensor of [inputs.images, inputs.masks, ...Object.values<Tensor>({ ...inputs.note })])
      tensor.dispose();
  }
}

type Inputs = ReturnType<typeof rebuildPeerInputs>;

interface Parts {
  readonly model: SegmentationModel;
  readonly descriptor: ModelDescriptor;
  readonly golden: PeerGolden;
  readonly path: string;
  readonly tolerance: ParityTolerance;
  readonly inputs: Inputs;
}

/** The whole objective, of the finest map if training has several. */
function compareTraining(parts: Parts): ParityRow[] {
  const { model, descriptor, golden, path, tolerance, inputs } = parts;
  const { probability: summary, losses: references, ...rest } = golden.outputs;
  const others = parseWith(z.record(z.string(), summarySchema), rest, path);
  const skipped = new Set(descriptor.parity?.skipped ?? []);
  const full = readFull({ ...others, probability: summary }, path);
  const output = forward(parts);
  const { total, values } = objective(
    withoutSupervision(output),
    inputs.masks,
    requiredLosses(model.auxiliary),
    HALVES,
  );
  total.backward();
  const observed = output.observed ?? {};
  const scalars = Object.fromEntries(
    Object.entries(observed).flatMap(([name, x]) => (x.numel === 1 ? [[name, x.item()]] : [])),
  );
  const ours = {
    ...scalars,
    ...values,
    seg: ((values.dice ?? Number.NaN) + (values.bce ?? Number.NaN)) / 2,
  };
  return [
    compareOutput('probability', output.probability, summary, full.get('probability'), tolerance.output),
    ...compareInference(parts, output.probability),
    ...Object.entries(others)
      .filter(([name]) => !skipped.has(name))
      .map(([name, expected]) =>
        compareObserved(name, observed[name], expected, full.get(name), tolerance.output),
      ),
    ...compareLosses(
      ours,
      Object.fromEntries(Object.entries(references).filter(([name]) => !skipped.has(name))),
      tolerance.output,
    ),
    ...compareOptions(descriptor, golden, path, tolerance.output),
    ...compareGradients(golden.gradient_norms, path, model.namedParameters(), rules(parts)),
  ];
}

/** The mask's losses alone, for models that have others too. */
function compareMaskAlone(parts: Parts): ParityRow[] {
  const { model, golden, path, inputs } = parts;
  const expected = golden.gradient_norms_of_seg_alone;
  if (!expected) return [];
  forgetGradients(model);
  const none = Object.fromEntries(AUXILIARY_LOSSES.map((name) => [name, 0]));
  const output = { ...withoutSupervision(forward(parts)), losses: {} };
  objective(output, inputs.masks, ['dice', 'bce'], { ...HALVES, ...none }).total.backward();
  const lacks = (key: string): boolean => !(model.namedParameters().get(key)?.grad ?? null);
  return compareGradients(
    expected,
    path,
    model.namedParameters(),
    { ...rules(parts), mayLack: lacks },
    'gradient_norms_of_seg_alone',
  );
}

/** Outputs at each size, the weighted loss, and its gradients. */
function compareSupervision(parts: Parts): ParityRow[] {
  const { model, golden, path, tolerance, inputs } = parts;
  const expected = golden.deep_supervision;
  if (!expected) return [];
  forgetGradients(model);
  const output = forward(parts);
  const { total } = objective(output, inputs.masks, ['dice', 'bce'], HALVES);
  total.backward();
  const observed = output.observed ?? {};
  const heads = expected.heads.flatMap((summary, i) => {
    const map = observed[`heads.${i}`];
    const compared = compareObserved(`heads.${i}`, map, summary, undefined, tolerance.output);
    if (!map) return [compared];
    const target = masksAt(inputs.masks, map);
    const logits = map.log().sub(map.neg().log1p());
    const loss = diceLoss(map, target).add(bceLoss(logits, target)).mul(0.5).item();
    const given = output.supervision?.[i]?.weight ?? 0;
    return [
      compared,
      ...compareLosses(
        { [`heads.${i}.loss`]: loss, [`heads.${i}.weight`]: given },
        {
          [`heads.${i}.loss`]: expected.head_losses[i] ?? Number.NaN,
          [`heads.${i}.weight`]: expected.weights[i] ?? Number.NaN,
        },
        tolerance.output,
      ),
    ];
  });
  const lacks = (key: string): boolean => !(model.namedParameters().get(key)?.grad ?? null);
  return [
    ...heads,
    ...compareLosses(
      { 'deep_supervision.loss': total.item() },
      { 'deep_supervision.loss': expected.loss },
      tolerance.output,
    ),
    ...compareGradients(
      expected.gradient_norms,
      path,
      model.namedParameters(),
      { ...rules(parts), mayLack: lacks },
      'deep_supervision.gradient_norms',
    ),
  ];
}

function forward({
  model,
  descriptor,
  golden,
  inputs: { images, note, masks },
}: Parts): TrainingSegmentation {
  const choices = { masks };
  const own = descriptor.parity?.forward;
  return own
    ? own(model, images, note, golden.options ?? {}, choices)
    : model.forwardTraining(images, note, choices);
}

/** Inference must give training's output; models with a `forward` of their own are compared by that alone. */
function compareInference({ model, descriptor, inputs, tolerance }: Parts, training: Tensor): ParityRow[] {
  if (descriptor.parity?.forward) return [];
  const note = model.readsNotes ? inputs.note : null;
  const { probability } = model.segment(inputs.images, note);
  return [compareSegmentation(probability, training, tolerance.output)];
}

function withoutSupervision({ supervision: _, ...output }: TrainingSegmentation): TrainingSegmentation {
  return output;
}

function compareObserved(
  name: string,
  ours: Tensor | undefined,
  summary: OutputSummary,
  full: Tensor | undefined,
  tolerance: number,
): ParityRow {
  if (!ours) return row(name, 'output', Number.NaN, tolerance, 'the model gives no such output');
  const [expected, actual] = [summary.shape.join(' x '), ours.shape.join(' x ')];
  if (expected !== actual)
    return row(name, 'output', Number.NaN, tolerance, `expected ${expected}, got ${actual}`);
  return compareOutput(name, ours, summary, full, tolerance);
}

function rules({ descriptor, golden, tolerance }: Parts): GradientRules {
  const zero = new Set(golden.zero_gradients ?? []);
  const unused = new Set(golden.parameters.flatMap(([key, , used]) => (used ? [] : [key])));
  return {
    tolerance: tolerance.gradient,
    exception: (key) =>
      zero.has(key)
        ? { absolute: ZERO_GRADIENT }
        : descriptor.parity?.gradients?.find(({ keys }) => keys.test(key)),
    mayLack: (key) => unused.has(key),
  };
}

function forgetGradients(model: SegmentationModel): void {
  for (const parameter of model.parameters()) parameter.clearGrad();
}

function parseGoldenPeer(json: unknown, path: string): PeerGolden {
  const golden = parseWith(peerSchema, json, path);
  checkShared(golden, golden.outputs.probability, path);
  const require = requireIn(path);
  const { text_shape: text, text_lengths, text_mask, tokens, batch } = golden;
  require(text === null || text[0] === batch, 'text_shape', `[${batch}, tokens, width]`, text);
  for (const [where, list] of Object.entries({ text_lengths, text_mask, tokens }))
    require(list === undefined || list.length === batch, where, `${batch} rows`, list?.length);
  const T = text?.[1] ?? tokens?.[0]?.length ?? 0;
  for (const length of text_lengths ?? [])
    require(length <= T, 'text_lengths', `at most ${T} tokens`, length);
  for (const [where, rows] of Object.entries({ text_mask, tokens }))
    for (const values of rows ?? []) require(values.length === T, where, `${T} values a row`, values.length);
  require(Object.keys(golden.gradient_norms).length > 0, 'gradient_norms', 'at least one', 'none');
  return golden;
}

/** Exactly if the model learns from notes or takes them in its own way. @throws GOLDEN_INVALID */
function requireText(
  model: SegmentationModel,
  { parity }: ModelDescriptor,
  { text_shape, tokens }: PeerGolden,
  path: string,
): void {
  const given = text_shape !== null || tokens !== undefined;
  const expected = model.learnsFromNotes
    ? '[B, tokens, width], since the model learns from notes'
    : 'null, since the model reads no notes';
  const fits = model.learnsFromNotes ? given : !given || parity?.forward !== undefined;
  requireIn(path)(fits, 'text_shape', expected, text_shape);
}

/** The file's model in evaluation mode. Dispose of it. @throws GOLDEN_INVALID */
export function rebuildPeer(peer: string, golden: PeerGolden, path: string): SegmentationModel {
  const descriptor = modelDescriptor(peer);
  const { parity, build } = descriptor;
  const keys = golden.parameters.map(([key]) => key);
  const sizeOf = sizesIn(golden, path);
  const implied = parity?.settings?.(sizeOf, keys) ?? { baseWidth: sizeOf('inc.conv.weight', 0) };
  const settings = {
    ...modelSchema.parse({ name: peer }),
    ...implied,
    options: { ...implied.options, ...givenSettings(descriptor, golden) },
    imageSize: golden.outputs.probability.shape[2] ?? 0,
  };
  const [, contextLength = golden.tokens?.[0]?.length ?? 1, width = 1] = golden.text_shape ?? [];
  const model = built(() => build(settings, { width, contextLength, vocabularySize: 1 }), path);
  try {
    const used = new Map(golden.parameters.map(([key, , isUsed]) => [key, isUsed]));
    // Files mark statistics of unused layers as used; their weights say better.
    const takesPart = (key: string, isUsed: boolean): true | 'either' =>
      (isUsed && used.get(key.replace(/running_(?:mean|var)$/, 'weight')) !== false) || 'either';
    fillParameters(model.stateDict(), golden, path, takesPart);
    return model.eval();
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Images [B,3,S,S], target masks [B,1,S,S] and notes, features 0 without a token; in the caller's scope. */
export function rebuildPeerInputs(golden: PeerGolden): {
  images: Tensor;
  masks: Tensor;
  note: NoteFeatures | null;
} {
  const { batch: B, seed } = golden;
  const S = golden.outputs.probability.shape[2] ?? 0;
  return {
    images: Tensor.fromFloat32(hashImages(B, S, seed), [B, 3, S, S]),
    masks: rebuildMasks(golden, S),
    note: rebuildNote(golden),
  };
}

function rebuildNote({
  batch: B,
  seed,
  text_shape: shape,
  text_stream: stream,
  text_lengths: lengths,
  text_mask: mask,
  tokens,
}: PeerGolden): NoteFeatures | null {
  if (!shape && !tokens) return null;
  const [, T = tokens?.[0]?.length ?? 0, W = 1] = shape ?? [];
  const valid = new Uint8Array(B * T);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) {
      const there = tokens ? tokens[b]?.[t] !== 0 : mask ? mask[b]?.[t] === 1 : t < (lengths?.[b] ?? T);
      valid[b * T + t] = Number(there);
    }
  }
  const features = shape
    ? hashFill(B * T * W, stream, seed, { offset: 0, scale: 1 })
    : new Float32Array(B * T * W);
  valid.forEach((there, row) => there === 0 && features.fill(0, row * W, (row + 1) * W));
  return {
    features: Tensor.fromFloat32(features, [B, T, W]),
    valid: Tensor.fromUint8(valid, [B, T], { dtype: 'bool' }),
    ...(tokens && { ids: Tensor.fromInt64(tokens.flat(), [B, T]) }),
  };
}
