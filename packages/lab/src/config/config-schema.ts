/**
 * Every setting of a run: type, range, default and the reason for the default.
 *
 * Defaults are the paper's (arXiv 2404.02845; docs/method.md), even where the authors' code differs. One schema
 * validates (`config.ts`), types (`Config`), documents and makes command-line flags (`describeSettings`).
 */
import { REWORDINGS, STATED_SIDES } from '@reclmis/core';
import { z } from 'zod';
import { modelNames } from '../model/registry.js';
import { modelSchema } from '../model/settings.js';
import { fraction } from '../schema.js';
import { textSchema } from '../text/settings.js';
import { AUGMENT_DEFAULTS, noteKindsOf } from './augment-options.js';
import { PRECISIONS } from './precisions.js';

const count = (): z.ZodNumber => z.number().int().min(1);

const noteSchema = z.strictObject({
  // Radiologists mean the patient's left and right, QaTa-COV19's notes the image's. `auto`: as the training masks lie
  // (data/sides.ts); a run stores the result, `unknown` if the masks do not tell.
  sides: z
    .enum(['auto', ...STATED_SIDES])
    .default('auto')
    .describe('whose left and right the notes mean; auto: inferred from the training masks'),
  // Not needed for LViT's and MoNuSeg's notes. The run keeps what the file says, so that it may be moved later.
  vocabulary: z
    .string()
    .default('')
    .describe(
      'YAML file with the words and sentences of the notes, for free text later; empty: LViT’s or MoNuSeg’s if the notes are in them',
    ),
});

const dataSchema = z
  .strictObject({
    // No default, so that presets stay portable.
    dir: z.string().default('').describe('data set: a folder, or a table of cases (docs/guide/own-data.md)'),
    // Recognised by content, so that it rarely needs to be said.
    layout: z
      .string()
      .default('')
      .describe('how the data set is laid out: lvit, table, huggingface, nnunet or coco; empty: recognised'),
    columns: z
      .string()
      .default('')
      .describe(
        'what a table of cases calls its columns, as image=Filename,note=Report; empty: by their own names',
      ),
    // A table from a stranger must not name /etc/passwd or a neighbour's images.
    outside: z
      .boolean()
      .default(false)
      .describe('accept absolute paths and paths out of the data set’s folder in tables'),
    splits: z
      .string()
      .default('')
      .describe(
        'table of cases and their splits, from `reclmis data split`; empty: the data set’s own splits',
      ),
    trainStems: z
      .string()
      .default('')
      .describe('file listing the training stems to use, one per line; empty: all'),
    valStems: z
      .string()
      .default('')
      .describe('file listing the validation stems to use, one per line; empty: all'),
    // Cross-validation (docs/guide/cross-validate.md): both splits together are cut into this many parts, by patient.
    folds: z
      .number()
      .int()
      .min(0)
      .max(100)
      .refine((n) => n !== 1, '0 or at least 2 folds')
      .default(0)
      .describe(
        'redistribute the training and validation cases over this many folds; 0: keep the data set’s own splits',
      ),
    fold: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe('fold to validate on, 1 to data.folds; the others are for training'),
    // Separate from `seed`: runs with different seeds share folds.
    foldSeed: z
      .number()
      .int()
      .min(0)
      .max(2 ** 31 - 1)
      .default(1)
      .describe('random seed that assigns patients to folds'),
    // The known names are QaTa-COV19's, BIDS's and TCGA's (data/groups.ts).
    group: z
      .string()
      .default('')
      .describe(
        'regular expression on file names whose capture group is the patient; empty: as the data set states, known naming schemes, else one patient per image',
      ),
    // Two decode and augment faster than two cores train; more would take time from the trainer.
    workers: z
      .number()
      .int()
      .min(0)
      .max(64)
      .default(2)
      .describe('worker threads that decode and augment ahead of time'),
  })
  .refine(({ folds, fold }) => (folds === 0 ? fold === 0 : fold >= 1 && fold <= folds), {
    path: ['fold'],
    error: ({ input }) => foldExpected((input as { folds: number }).folds),
  });

function foldExpected(folds: number): string {
  return folds === 0 ? '0, since data.folds is 0 (--folds N cuts the cases)' : `a fold from 1 to ${folds}`;
}

const lossWeightsSchema = z.strictObject({
  // Eq. 10: L = 2.5 (Dice + BCE) + 0.2 CCL + 1 (CVR + CLR).
  dice: z.number().min(0).default(2.5).describe('weight of the Dice loss (eq. 10)'),
  bce: z.number().min(0).default(2.5).describe('weight of the binary cross-entropy (eq. 10)'),
  ccl: z.number().min(0).default(0.2).describe('weight of conditioned contrastive learning (eq. 10)'),
  clr: z.number().min(0).default(1).describe('weight of conditioned language reconstruction (eq. 10)'),
  cvr: z.number().min(0).default(1).describe('weight of conditioned vision reconstruction (eq. 10)'),
  // Our choice for the systems that train a contrast next to the mask: nothing is published (docs/models.md).
  contrastive: z.number().min(0).default(1).describe('weight of ConVIRT’s contrastive loss'),
  global: z.number().min(0).default(1).describe('weight of GLoRIA’s global contrastive loss'),
  local: z.number().min(0).default(1).describe('weight of GLoRIA’s local contrastive loss'),
  count: z.number().min(0).default(1).describe('weight of TGANet’s classifier of how many areas'),
  size: z.number().min(0).default(1).describe('weight of TGANet’s classifier of how large'),
});

const trainSchema = z.strictObject({
  epochs: count().default(200).describe('passes over the training cases'), // the paper's for QaTa-COV19
  // The paper's for QaTa-COV19. Counts all processes, so steps, schedule and order do not depend on their number.
  batchSize: count().max(65_536).default(32).describe('cases per step, over all processes'),
  // Memory follows the part; batch normalisation sees the part.
  accumulate: count().default(1).describe('parts into which a step’s batch is split to save memory'),
  // The whole batch costs another pass of the encoder, without gradients (docs/reference/training.md). Other models' contrastive losses compare within parts.
  cclScope: z
    .enum(['batch', 'part'])
    .default('batch')
    .describe('what CCL compares with --accumulate: the whole batch, or each part separately'),
  optimizer: z.enum(['adam', 'adamw']).default('adam').describe('optimiser'), // the paper's
  lr: z.number().positive().max(1).default(3e-4).describe('peak learning rate'), // the paper's (section 4.2)
  // PyTorch's defaults, as upstream.
  betas: z
    .tuple([fraction().lt(1), fraction().lt(1)])
    .default([0.9, 0.999])
    .describe('decay rates of the optimiser’s two moments'),
  weightDecay: z.number().min(0).default(0).describe('weight decay; decoupled with adamw'),
  // The paper's cosine annealing, per step over the whole run: short runs anneal to the end too.
  schedule: z
    .enum(['constant', 'cosine', 'cosine-warm-restarts', 'exponential'])
    .default('cosine')
    .describe('learning rate schedule'),
  // 0 lets cosine anneal fully; upstream stops at 1e-4 (QaTa-COV19) or a tenth (MosMedData+).
  minLr: z.number().min(0).default(0).describe('lowest learning rate of the schedule'),
  restartEpochs: z.number().positive().default(10).describe('period of cosine-warm-restarts, in epochs'), // upstream's for QaTa-COV19
  decay: z.number().positive().max(1).default(0.99).describe('factor per epoch of the exponential schedule'), // upstream's for MosMedData+
  // Adam's first steps are noisy; a short ramp costs nothing. 0 is the paper's.
  warmupSteps: z.number().int().min(0).default(0).describe('steps of linear warm-up to the learning rate'),
  // 50 as in LViT’s code, on which upstream builds; shorter runs never stop early.
  patience: z
    .number()
    .int()
    .min(0)
    .default(50)
    .describe('stop after this many epochs without a better validation Dice; 0: never'),
  lossWeights: lossWeightsSchema.prefault({}),
  // fp32 runs everywhere and made the reference figures; bf16 is faster only on hardware that has it.
  precision: z
    .enum(PRECISIONS)
    .default('fp32')
    .describe('precision of matrix products and convolutions: fp32, bf16, or fp16 (CUDA only)'),
  // Winograd's algorithm needs a quarter of the products (docs/measurements/performance.md).
  convolutions: z
    .enum(['auto', 'libtorch', 'winograd'])
    .default('auto')
    .describe('implementation of convolutions on a CPU: all in fp32, 3x3 ones in bf16'),
  // Channels-last suits Winograd's algorithm; libtorch's own kernels are faster contiguous.
  memoryFormat: z
    .enum(['auto', 'contiguous', 'channels-last'])
    .default('auto')
    .describe('memory layout of images and feature maps'),
  threads: z
    .number()
    .int()
    .min(0)
    .max(1024)
    .default(0)
    .describe('libtorch threads; 0: all cores of the machine'),
  // As one process with the whole batch. Without it each process normalises by its own share, and rank 0's statistics are kept.
  syncBatchNorm: z
    .boolean()
    .default(true)
    .describe('with several processes, normalise over the batch of all processes'),
  tensorboard: z.boolean().default(true).describe('also log metrics for TensorBoard'),
  // On CUDA it costs some speed. CPU kernels are deterministic anyway, for a given number of threads.
  deterministic: z.boolean().default(false).describe('use only deterministic kernels'),
  // A point takes seconds; each epoch's end writes one too.
  saveMinutes: z
    .number()
    .min(0)
    .default(10)
    .describe('minutes between resume points within an epoch; 0: none'),
  saveSteps: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('steps between resume points within an epoch; 0: none'),
  // The second serves if the first is damaged. Each takes three times the weights.
  keep: count().default(2).describe('resume points to keep'),
  // A run cut by time keeps its best checkpoint, but its schedule does not anneal to the end.
  maxMinutes: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'stop after the first epoch that ends later than this many minutes after start or resumption; 0: no limit',
    ),
});

const range = (limit: number): z.ZodTuple<[z.ZodNumber, z.ZodNumber], null> =>
  z.tuple([z.number().min(0).max(limit), z.number().min(0).max(limit)]);

const augmentSchema = z.strictObject({
  // `consistent` keeps note and image true to each other (a mirrored image gets the mirrored note); `upstream` flips
  // and turns images under notes that name sides, as the authors' code does.
  mode: z
    .enum(['consistent', 'upstream', 'none'])
    .default(AUGMENT_DEFAULTS.mode)
    .describe('augmentation of the training cases'),
  blurProbability: fraction().default(AUGMENT_DEFAULTS.blurProbability).describe('probability of blurring'),
  blurSigma: range(100)
    .default([...AUGMENT_DEFAULTS.blurSigma])
    .describe('range of the blur’s standard deviation, in pixels'),
  photometricProbability: fraction()
    .default(AUGMENT_DEFAULTS.photometricProbability)
    .describe('probability of changing each of brightness, contrast, saturation and hue'),
  brightness: z
    .number()
    .min(0)
    .max(255)
    .default(AUGMENT_DEFAULTS.brightness)
    .describe('largest change of brightness, out of 255'),
  contrast: range(10)
    .default([...AUGMENT_DEFAULTS.contrast])
    .describe('range of the contrast factor'),
  saturation: range(10)
    .default([...AUGMENT_DEFAULTS.saturation])
    .describe('range of the saturation factor'),
  hueDegrees: z
    .number()
    .min(0)
    .max(180)
    .default(AUGMENT_DEFAULTS.hueDegrees)
    .describe('largest change of hue, in degrees'),
  flipProbability: fraction()
    .default(AUGMENT_DEFAULTS.flipProbability)
    .describe('probability of turning and flipping, or of mirroring image and note'),
  rotateProbability: fraction()
    .default(AUGMENT_DEFAULTS.rotateProbability)
    .describe('probability of rotating, if not flipped'),
  rotateDegrees: z
    .number()
    .min(0)
    .max(180)
    .default(AUGMENT_DEFAULTS.rotateDegrees)
    .describe('largest rotation either way, in degrees'),
  // Off: the paper trains with the notes as they are. Independent of `mode`.
  notes: fraction()
    .default(AUGMENT_DEFAULTS.notes)
    .describe(
      'probability of putting a note of LViT’s grammar into other words; set a longer text.contextLength',
    ),
  noteKinds: z
    .string()
    .refine((list) => noteKindsOf(list) !== null, `all, or a list of ${REWORDINGS.join(', ')}`)
    .default(AUGMENT_DEFAULTS.noteKinds)
    .describe(`kinds of rewordings, separated by commas: ${REWORDINGS.join(', ')}; or all`),
  // Each kind once, and little memory: features of every rewording are kept (24 tokens take 48 KB).
  noteVariants: count()
    .max(1000)
    .default(AUGMENT_DEFAULTS.noteVariants)
    .describe('rewordings of each note to draw from, chosen once by the seed'),
});

export const configSchema = z.strictObject({
  model: modelSchema.prefault({}),
  text: textSchema.prefault({}),
  note: noteSchema.prefault({}),
  data: dataSchema.prefault({}),
  train: trainSchema.prefault({}),
  augment: augmentSchema.prefault({}),
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1)
    .default(1)
    .describe('random seed of weights, order, augmentation, masks and dropout'),
  device: z
    .string()
    .regex(/^(cpu|cuda(:\d+)?)$/, 'cpu, cuda or cuda:N')
    .default('cpu')
    .describe('cpu, cuda or cuda:N'),
});

/** Every setting has a value. */
export type Config = z.infer<typeof configSchema>;
export type { ModelConfig } from '../model/settings.js';
export type { TextConfig } from '../text/settings.js';
export type NoteConfig = Config['note'];
export type TrainConfig = Config['train'];

/** A setting, for the command line and the documentation. */
export interface Setting {
  /** E.g. `train.lr`. */
  readonly path: string;
  readonly type: 'number' | 'integer' | 'boolean' | 'string' | 'choice' | 'numbers';
  readonly choices?: readonly string[];
  readonly default: unknown;
  readonly description: string;
}

interface SchemaNode {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly default?: unknown;
  readonly description?: string;
}

/** Settings in the schema's order. */
export function describeSettings(): Setting[] {
  const settings: Setting[] = [];
  const visit = (node: SchemaNode, path: string): void => {
    if (node.properties) {
      for (const [key, child] of Object.entries(node.properties)) visit(child, path ? `${path}.${key}` : key);
      return;
    }
    const choices = path === 'model.name' ? modelNames() : node.enum?.map(String);
    settings.push({
      path,
      type: choices ? 'choice' : settingType(node.type),
      ...(choices ? { choices } : {}),
      default: node.default,
      description: node.description ?? '',
    });
  };
  visit(z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode, '');
  return settings;
}

function settingType(type: string | undefined): Setting['type'] {
  switch (type) {
    case 'number':
    case 'integer':
    case 'boolean':
      return type;
    case 'array':
      return 'numbers';
    default:
      return 'string';
  }
}
