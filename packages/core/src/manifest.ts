/**
 * The manifest of an exported model: everything that an image and a note need on their way to a mask, beside the ONNX files
 * themselves. `lab/export` writes it, `runtime` reads it, other programs may: it is plain JSON under a schema.
 *
 *     manifest.json       this
 *     segmenter.onnx      image [B,3,S,S] in [0,1], note [B,T,W] -> probability [B,1,S,S]
 *     text-encoder.onnx   tokens int64 [B,T] -> note [B,T,W]
 *     merges.txt          CLIP's vocabulary, where the tokeniser is CLIP's
 *
 * B batch, S side, T context length, W width of the note's features.
 */
import { z } from 'zod';
import { ReclmisError } from './errors.js';
import { PROBE_PIXELS } from './probe.js';
import { STATED_SIDES } from './notes/sides.js';
import { trainingReferenceSchema } from './training-reference.js';

/** File name of the manifest within the model's folder. */
export const MANIFEST_FILE = 'manifest.json';
/** What `format` says; another number is another layout. */
export const MANIFEST_FORMAT = 'reclmis-model/1';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
/** A file of the model's folder: a plain name, so that no manifest can point elsewhere. */
const fileName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a plain file name');
const count = z.number().int().positive();
/** A size that memory is asked for by; the graphs are held against it too. */
const size = (most: number): z.ZodNumber => count.max(most);

/** onnxruntime takes a graph of 2 GiB at most; a vocabulary is far smaller. */
const file = z.strictObject({ name: fileName, sha256, bytes: size(2 ** 31) });

/** Names, in the graph, of a tensor that goes in or comes out. */
const tensorName = z.string().min(1);

const wordsTokenizer = z.strictObject({
  kind: z.literal('words'),
  /** What `WordTokenizer.fromJSON` reads. */
  vocabulary: z.unknown(),
});
const clipTokenizer = z.strictObject({ kind: z.literal('clip'), merges: file });

const scores = z.strictObject({
  /** Name of the data that were scored. */
  data: z.string(),
  /** `test` is a result; `validation` was used to choose the weights and is none. */
  split: z.enum(['test', 'validation']),
  cases: count,
  /** Mean over images, 0 to 1. */
  dice: z.number().min(0).max(1),
  iou: z.number().min(0).max(1).nullable(),
});

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Whether a manifest takes a name. */
export const isModelName = (name: string): boolean => NAME.test(name);

const schema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  /** A name for people and servers. */
  name: z.string().regex(NAME, 'expected letters, digits, dot, dash or underscore'),
  /** ISO 8601. */
  created: z.iso.datetime(),
  versions: z.strictObject({
    reclmis: z.string(),
    libtorch: z.string(),
    /** Version of the ONNX operator set. */
    opset: z.number().int().min(17),
  }),
  precision: z.enum(['fp32', 'fp16', 'int8']),
  /** What an image must be when it enters the segmenter. */
  image: z.strictObject({
    /** S, pixels; images of other sizes are stretched to it. */
    size: size(4096),
    channels: z.tuple([z.literal('red'), z.literal('green'), z.literal('blue')]),
    layout: z.literal('NCHW'),
    /** A pixel value v, 0 to 255, enters as (v / 255 - mean) / deviation. */
    scale: z.literal('v/255'),
    mean: z.tuple([z.literal(0), z.literal(0), z.literal(0)]),
    deviation: z.tuple([z.literal(1), z.literal(1), z.literal(1)]),
    resize: z.literal('stretch-triangle-antialiased'),
  }),
  /** Null where the model reads no note. */
  note: z
    .strictObject({
      /** T, tokens; longer notes lose their last words. */
      contextLength: size(4096),
      /** W. */
      width: size(16_384),
      /** Whose left and right the training notes meant; models made before it was stated: `unknown`. */
      sides: z.enum(STATED_SIDES).default('unknown'),
      tokenizer: z.discriminatedUnion('kind', [wordsTokenizer, clipTokenizer]),
    })
    .nullable(),
  /** The mask is where the probability, stretched to the image's size, is greater than this. */
  threshold: z.number().min(0).max(1),
  /** What the segmenter's output went through already. */
  activation: z.literal('sigmoid'),
  segmenter: z.strictObject({
    file,
    inputs: z.strictObject({ image: tensorName, note: tensorName.nullable() }),
    outputs: z.strictObject({ probability: tensorName }),
  }),
  textEncoder: z
    .strictObject({
      file,
      inputs: z.strictObject({ tokens: tensorName }),
      outputs: z.strictObject({ note: tensorName }),
    })
    .nullable(),
  /** Trained scalars, those of the segmenter's graph. */
  parameters: count,
  /** Arithmetic of one image as trained, without that of its note's features, which are kept; a multiplication and an addition being two; absent in older models. */
  flopsPerImage: count.optional(),
  training: z.strictObject({
    /** Name and fingerprint of the data; null where they are not known (imported weights). */
    data: z.strictObject({ name: z.string(), cases: count, fingerprint: z.string() }).nullable(),
    /** The checkpoint that was exported. */
    checkpoint: z.strictObject({ kind: z.string(), epoch: z.number().int().min(0).nullable() }),
    seed: z.number().int().nullable(),
    /** Words of the notes and figures of the images, by which doubtful results are told; absent in older models. */
    reference: trainingReferenceSchema.optional(),
  }),
  scores: z.array(scores),
  /** What the model is for, and what it is not for, in sentences. */
  intendedUse: z.string().min(1),
  limits: z.array(z.string().min(1)).min(1),
  /** The exporter's own comparison of libtorch with onnxruntime: worst absolute difference of a probability. */
  check: z.strictObject({
    cases: count,
    worst: z.number().min(0),
    /** Probabilities of a made case by these files on a processor (`probe.ts`), to try other devices with; absent in older models. */
    probe: z.array(z.number().min(0).max(1)).length(PROBE_PIXELS).optional(),
  }),
});

/** What `manifest.json` holds; `docs/reference/manifest.md` explains each field. */
export type ModelManifest = z.infer<typeof schema>;
/** How notes become numbers. */
export type ManifestTokenizer = NonNullable<ModelManifest['note']>['tokenizer'];

/**
 * A manifest from parsed JSON, with every field checked.
 * @param where how the message calls the file. @throws MODEL_INVALID
 */
export function parseManifest(json: unknown, where: string): ModelManifest {
  const format = typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined;
  if (format !== MANIFEST_FORMAT) {
    const found = typeof format === 'string' ? JSON.stringify(format.slice(0, 40)) : 'none';
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: expected format ${JSON.stringify(MANIFEST_FORMAT)}, got ${found}`,
    );
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues;
    const path = issue?.path.map(String).join('.') ?? '';
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'is not a manifest'}`,
    );
  }
  const { note, textEncoder, segmenter } = result.data;
  if ((note === null) !== (textEncoder === null) || (note === null) !== (segmenter.inputs.note === null)) {
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: note, textEncoder and segmenter.inputs.note must go together`,
    );
  }
  return result.data;
}

/** The manifest as it is written, with a final line break. */
export function formatManifest(manifest: ModelManifest): string {
  return `${JSON.stringify(schema.parse(manifest), null, 2)}\n`;
}

/** JSON Schema (draft 2020-12) of the manifest, for programs in other languages. */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input' });
}
