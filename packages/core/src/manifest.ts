/**
 * The manifest of an exported model: all that turns an image and a note into a mask besides the ONNX files.
 *
 *   manifest.json       this file
 *   segmenter.onnx      image [B,3,S,S] in [0,1], note [B,T,W] -> probability [B,1,S,S], interest [B,N+T] in some
 *   text-encoder.onnx   tokens int64 [B,T] -> note [B,T,W]
 *   merges.txt          CLIP's vocabulary, if the tokeniser is CLIP's
 *
 * B batch, S side, T context length, W width of the note's features.
 */
import { z } from 'zod';
import { confidenceSchema } from './confidence/confidence.js';
import { ReclmisError } from './errors.js';
import { readFormat } from './file-formats.js';
import type { ResizeRule } from './images/resize-rule.js';
import { isWindowText, parseWindow, type WindowChoice } from './images/window-choice.js';
import { PROBE_PIXELS } from './probe.js';
import { type NoteHabits, UNKNOWN_HABITS } from './notes/note-for-model.js';
import { ONNX_TYPES, type OnnxType } from './onnx-types.js';
import { NOTE_GRAMMARS } from './notes/note-grammar.js';
import { type Vocabulary, vocabularySchema } from './notes/reader/index.js';
import { STATED_SIDES } from './notes/sides.js';
import { trainingReferenceSchema } from './training-reference.js';

export const MANIFEST_FILE = 'manifest.json';
/** Another number is another layout: 3 states `segmenter.interest`, 2 `segmenter.features`, 1 neither. */
export const MANIFEST_FORMAT = 'reclmis-model/3';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits');
/** In the model's folder: no manifest can point elsewhere. */
const fileName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'expected a plain file name');
const count = z.number().int().positive();
/** Determines an allocation; also checked against the graphs. */
const size = (most: number): z.ZodNumber => count.max(most);

/** onnxruntime accepts graphs up to 2 GiB. */
const file = z.strictObject({ name: fileName, sha256, bytes: size(2 ** 31) });

const tensorName = z.string().min(1);
const FEATURE_TYPES = Object.keys(ONNX_TYPES) as [OnnxType, ...OnnxType[]];

const wordsTokenizer = z.strictObject({
  kind: z.literal('words'),
  vocabulary: z.unknown(),
});
const clipTokenizer = z.strictObject({ kind: z.literal('clip'), merges: file });

/** Low and high, 0 to 1. */
const range = z.tuple([z.number().min(0).max(1), z.number().min(0).max(1)]);

const scores = z.strictObject({
  /** Name of the data set scored. */
  data: z.string(),
  /** `validation` chose the weights, so it is no result. */
  split: z.enum(['test', 'validation']),
  cases: count,
  /** Mean over images, 0 to 1. */
  dice: z.number().min(0).max(1),
  iou: z.number().min(0).max(1).nullable(),
  /** 95 % intervals of both means over images drawn by patients; absent of validation, and in older models. */
  interval: z.strictObject({ dice: range, iou: range, patients: count }).optional(),
});

const confidenceTest = z.strictObject({
  /** Name of the data set. */
  data: z.string(),
  cases: count,
  /** Mean of |predicted - true Dice|. */
  error: z.number().min(0).max(1),
  /** Spearman's; null if undefined. */
  rank: z.number().min(-1).max(1).nullable(),
});

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const isModelName = (name: string): boolean => NAME.test(name);

const schema = z.strictObject({
  format: z.enum(['reclmis-model/1', 'reclmis-model/2', MANIFEST_FORMAT]),
  name: z.string().regex(NAME, 'expected letters, digits, dot, dash or underscore'),
  /** ISO 8601. */
  created: z.iso.datetime(),
  versions: z.strictObject({
    reclmis: z.string(),
    libtorch: z.string(),
    opset: z.number().int().min(17),
  }),
  precision: z.enum(['fp32', 'fp16', 'int8']),
  image: z.strictObject({
    /** S, pixels; other sizes are resized to it. */
    size: size(4096),
    channels: z.tuple([z.literal('red'), z.literal('green'), z.literal('blue')]),
    layout: z.literal('NCHW'),
    /** A pixel value v, 0 to 255, enters as (v / 255 - mean) / deviation. */
    scale: z.literal('v/255'),
    mean: z.tuple([z.literal(0), z.literal(0), z.literal(0)]),
    deviation: z.tuple([z.literal(1), z.literal(1), z.literal(1)]),
    /** How; by area in models that do not state it. */
    resize: z
      .enum(['stretch-triangle-antialiased', 'stretch-bilinear'])
      .default('stretch-triangle-antialiased'),
    /** Grey level window that DICOM and NIfTI were trained in, as `parseWindow` reads it; absent: each file's own. */
    window: z.string().refine(isWindowText, 'expected CENTER/WIDTH, a number or a name').optional(),
  }),
  /** Null if the model reads no notes. */
  note: z
    .strictObject({
      /** T, tokens; longer notes are cut. */
      contextLength: size(4096),
      /** W. */
      width: size(16_384),
      /** Whose left and right the training notes meant. */
      sides: z.enum(STATED_SIDES).default('unknown'),
      /** What the training notes were written in. */
      grammar: z.enum(NOTE_GRAMMARS).default('unknown'),
      /** How notes are read and written, with the grammar `vocabulary`. */
      vocabulary: z.lazy(vocabularySchema).optional(),
      tokenizer: z.discriminatedUnion('kind', [wordsTokenizer, clipTokenizer]),
    })
    .refine(({ grammar, vocabulary }) => (grammar === 'vocabulary') === (vocabulary !== undefined), {
      path: ['vocabulary'],
      error: 'expected with the grammar "vocabulary", and only then',
    })
    .nullable(),
  /** Applies to the probability at the image's size. */
  threshold: z.number().min(0).max(1),
  /** Already applied to the segmenter's output. */
  activation: z.literal('sigmoid'),
  segmenter: z.strictObject({
    file,
    inputs: z.strictObject({ image: tensorName, note: tensorName.nullable() }),
    outputs: z.strictObject({ probability: tensorName }),
    /**
     * The tensors that the graph makes of the image alone and reads with the note (`splitOnnx`), of one image; null if
     * they are not told apart. Absent in format 1.
     */
    features: z
      .array(
        z.strictObject({
          name: tensorName,
          type: z.enum(FEATURE_TYPES),
          /** B images have B times the first size. */
          shape: z.array(count).min(1).max(8),
        }),
      )
      .min(1)
      .nullish(),
    /**
     * An output [B,N+T]: a case's patches of interest, N = side x side row by row, which sum to 1; then a score for each
     * token of the note, whose softmax over the tokens that are no padding is their share. Null if the model learns none.
     * Absent in formats 1 and 2.
     */
    interest: z.strictObject({ output: tensorName, side: size(256) }).nullish(),
  }),
  textEncoder: z
    .strictObject({
      file,
      inputs: z.strictObject({ tokens: tensorName }),
      outputs: z.strictObject({ note: tensorName }),
    })
    .nullable(),
  /** Trained scalars in the segmenter. */
  parameters: count,
  /** Per image without encoding the note; a multiply-add is two. Absent in older models. */
  flopsPerImage: count.optional(),
  training: z.strictObject({
    /** Null if unknown (imported weights). */
    data: z.strictObject({ name: z.string(), cases: count, fingerprint: z.string() }).nullable(),
    checkpoint: z.strictObject({ kind: z.string(), epoch: z.number().int().min(0).nullable() }),
    seed: z.number().int().nullable(),
    /** For warnings about doubtful results; absent in older models. */
    reference: trainingReferenceSchema.optional(),
  }),
  scores: z.array(scores),
  /** For the predicted Dice of each mask; absent if the run was not calibrated, and in older models. */
  confidence: z
    .strictObject({
      calibration: confidenceSchema,
      /** How far off it was on test cases, by the run's own engine. */
      tests: z.array(confidenceTest),
    })
    .optional(),
  intendedUse: z.string().min(1),
  limits: z.array(z.string().min(1)).min(1),
  /** libtorch compared with onnxruntime: largest absolute difference of a probability. */
  check: z.strictObject({
    cases: count,
    worst: z.number().min(0),
    /** A synthetic case (`probe.ts`) on a CPU, to check other devices; absent in older models. */
    probe: z.array(z.number().min(0).max(1)).length(PROBE_PIXELS).optional(),
  }),
});

/** `manifest.json`; docs/reference/manifest.md explains each field. */
export type ModelManifest = z.infer<typeof schema>;
export type ManifestTokenizer = NonNullable<ModelManifest['note']>['tokenizer'];
/** Name, SHA-256 and bytes of a file in the model's folder. */
export type ManifestFile = ModelManifest['segmenter']['file'];

/** The files next to the manifest that a model needs: networks, and CLIP's vocabulary if it reads notes with it. */
export function manifestFiles({
  segmenter,
  textEncoder,
  note,
}: Pick<ModelManifest, 'segmenter' | 'textEncoder' | 'note'>): ManifestFile[] {
  const merges = note?.tokenizer.kind === 'clip' ? [note.tokenizer.merges] : [];
  return [segmenter.file, ...(textEncoder ? [textEncoder.file] : []), ...merges];
}

/** @param where the file, for messages. @throws MODEL_INVALID */
export function parseManifest(json: unknown, where: string): ModelManifest {
  const format = typeof json === 'object' && json !== null && 'format' in json ? json.format : undefined;
  const version = readFormat('model', format, { where, code: 'MODEL_INVALID' });
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
  if ((segmenter.features === undefined) !== (version === 1)) {
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: segmenter.features: expected from format "reclmis-model/2" on, and only there`,
    );
  }
  if ((segmenter.interest === undefined) !== version < 3) {
    throw new ReclmisError(
      'MODEL_INVALID',
      `${where}: segmenter.interest: expected in format "${MANIFEST_FORMAT}", and only there`,
    );
  }
  if (segmenter.interest && note === null)
    throw new ReclmisError('MODEL_INVALID', `${where}: segmenter.interest: expected null without notes`);
  if (segmenter.features && note === null)
    throw new ReclmisError('MODEL_INVALID', `${where}: segmenter.features: expected null without notes`);
  return result.data;
}

/** The rule of `data.resize`, as the manifest calls it. */
const RESIZES = {
  area: 'stretch-triangle-antialiased',
  upstream: 'stretch-bilinear',
} as const satisfies Record<ResizeRule, ModelManifest['image']['resize']>;

export const statedResize = (rule: ResizeRule): ModelManifest['image']['resize'] => RESIZES[rule];

/** How its images come to its size. */
export function resizeOf({ image }: Pick<ModelManifest, 'image'>): ResizeRule {
  return image.resize === RESIZES.upstream ? 'upstream' : 'area';
}

/** The window that its DICOM and NIfTI images are shown in; undefined: the file's own. @throws OPTION_INVALID */
export function windowOf({ image }: Pick<ModelManifest, 'image'>): WindowChoice | undefined {
  return image.window === undefined ? undefined : parseWindow(image.window, 'image.window');
}

/** What its training notes were like; unknown if it reads none. */
export function habitsOf({ note }: Pick<ModelManifest, 'note'>): NoteHabits {
  return note ? { sides: note.sides, grammar: note.grammar, vocabulary: note.vocabulary } : UNKNOWN_HABITS;
}

/** The manifest of a model whose notes are read by another vocabulary; unchanged if it reads none. */
export function withVocabulary(manifest: ModelManifest, vocabulary: Vocabulary): ModelManifest {
  const { note } = manifest;
  return note === null ? manifest : { ...manifest, note: { ...note, grammar: 'vocabulary', vocabulary } };
}

export function formatManifest(manifest: ModelManifest): string {
  return `${JSON.stringify(schema.parse(manifest), null, 2)}\n`;
}

/** JSON Schema (draft 2020-12) of the manifest. */
export function manifestJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input' });
}
