/** The training's settings, docs/method.md 7: type, range, default and its reason. */
import { z } from 'zod';
import { parsePairs } from '../model/settings.js';
import { fraction } from '../schema.js';
import { PRECISIONS } from './precisions.js';

const count = (): z.ZodNumber => z.number().int().min(1);

/** `a, b`; empty: none. */
function parseNames(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

const lossWeightsSchema = z.strictObject({
  // Eq. 10: L = 2.5 (Dice + BCE) + 0.2 CCL + 1 (CVR + CLR).
  dice: z.number().min(0).default(2.5).describe('weight of the Dice loss (eq. 10)'),
  bce: z.number().min(0).default(2.5).describe('weight of the binary cross-entropy (eq. 10)'),
  ccl: z.number().min(0).default(0.2).describe('weight of conditioned contrastive learning (eq. 10)'),
  clr: z.number().min(0).default(1).describe('weight of conditioned language reconstruction (eq. 10)'),
  cvr: z.number().min(0).default(1).describe('weight of conditioned vision reconstruction (eq. 10)'),
  // Both are of use only next to Dice or cross-entropy, whose sum here has weight 5 (docs/reference/training.md).
  lovasz: z.number().min(0).default(0).describe('weight of the Lovász hinge, a loss of IoU; 0: not computed'),
  boundary: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of the boundary term, which counts errors by distance; 0: not computed'),
  // The cross-entropy's weight: teacher and mask count alike.
  distil: z.number().min(0).default(2.5).describe('weight of the teacher’s probabilities (train.teacher)'),
  // Our choice for the systems that train a contrast next to the mask: nothing is published (docs/models.md).
  contrastive: z.number().min(0).default(1).describe('weight of ConVIRT’s contrastive loss'),
  global: z.number().min(0).default(1).describe('weight of GLoRIA’s global contrastive loss'),
  local: z.number().min(0).default(1).describe('weight of GLoRIA’s local contrastive loss'),
  count: z.number().min(0).default(1).describe('weight of TGANet’s classifier of how many areas'),
  size: z.number().min(0).default(1).describe('weight of TGANet’s classifier of how large'),
});

export const trainSchema = z.strictObject({
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
  // Validation and use are at model.imageSize. Images are resampled from there, so that sizes far from it say little.
  sizes: z
    .array(z.number().int().min(16).max(2048))
    .default([])
    .describe('sizes of images to train at, one drawn for each step; empty: model.imageSize alone'),
  optimizer: z.enum(['adam', 'adamw']).default('adam').describe('optimiser'), // the paper's
  lr: z.number().positive().max(1).default(3e-4).describe('peak learning rate'), // the paper's (section 4.2)
  // PyTorch's defaults, as upstream.
  betas: z
    .tuple([fraction().lt(1), fraction().lt(1)])
    .default([0.9, 0.999])
    .describe('decay rates of the optimiser’s two moments'),
  weightDecay: z.number().min(0).default(0).describe('weight decay; decoupled with adamw'),
  // PyTorch's and the paper's rule; many recipes leave out what has one dimension.
  decayAll: z
    .boolean()
    .default(true)
    .describe('weight decay also for biases and the scales of normalisations'),
  // Adam bounds its steps by itself, so that clipping only matters where single batches have extreme gradients.
  clipNorm: z
    .number()
    .min(0)
    .default(0)
    .describe('scale the gradients down to this joint norm where they exceed it; 0: never'),
  // 0.999 averages over about a thousand steps; short runs want 0.99 (docs/measurements/levers.md).
  ema: fraction()
    .lt(1)
    .default(0)
    .describe('decay per step of a moving average of the weights, to be validated and kept; 0: none'),
  // The paper's cosine annealing, per step over the whole run: short runs anneal to the end too.
  schedule: z
    .enum(['constant', 'cosine', 'cosine-warm-restarts', 'exponential', 'one-cycle'])
    .default('cosine')
    .describe('learning rate schedule'),
  // 0 lets cosine anneal fully; upstream stops at 1e-4 (QaTa-COV19) or a tenth (MosMedData+).
  minLr: z.number().min(0).default(0).describe('lowest learning rate of the schedule'),
  restartEpochs: z.number().positive().default(10).describe('period of cosine-warm-restarts, in epochs'), // upstream's for QaTa-COV19
  decay: z.number().positive().max(1).default(0.99).describe('factor per epoch of the exponential schedule'), // upstream's for MosMedData+
  // PyTorch's default.
  rise: fraction()
    .gt(0)
    .lt(1)
    .default(0.3)
    .describe('share of the run’s steps in which the one-cycle schedule rises to its peak'),
  // Adam's first steps are noisy; a short ramp costs nothing. 0 is the paper's.
  warmupSteps: z.number().int().min(0).default(0).describe('steps of linear warm-up to the learning rate'),
  // For fine-tuning. Frozen batch statistics too: those of few new images would undo what was learnt on many.
  freeze: z
    .union([z.string().transform(parseNames), z.array(z.string().min(1))], {
      error: 'names of parts, separated by commas or as a list',
    })
    .prefault([])
    .describe(
      'parts that are not trained, with their batch statistics: names or modules, separated by commas (docs/guide/starting-weights.md)',
    ),
  lrFactors: z
    .union([z.string().transform(parsePairs), z.record(z.string(), z.unknown())], {
      error: 'PART=FACTOR,... or a mapping of parts to factors',
    })
    .pipe(z.record(z.string(), z.number().positive().max(100)))
    .prefault({})
    .describe(
      'parts that are trained with a multiple of the learning rate: PART=FACTOR,... (docs/guide/starting-weights.md)',
    ),
  // 50 as in LViT’s code, on which upstream builds; shorter runs never stop early.
  patience: z
    .number()
    .int()
    .min(0)
    .default(50)
    .describe('stop after this many epochs without a better validation Dice; 0: never'),
  lossWeights: lossWeightsSchema.prefault({}),
  // Of the teacher's probabilities on the training images themselves, augmented; the masks stay the first teacher.
  teacher: z
    .string()
    .default('')
    .describe('runs whose probabilities the model learns too, separated by commas; empty: none'),
  // Twice the teacher's time; its average is a little better than itself.
  teacherFlips: z
    .boolean()
    .default(false)
    .describe('average each teacher over the image and its mirror image with the mirrored note'),
  // With one class a softer target says little more.
  teacherTemperature: z
    .number()
    .positive()
    .max(100)
    .default(1)
    .describe('softens teacher and student before they are compared; 1: as they are'),
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
