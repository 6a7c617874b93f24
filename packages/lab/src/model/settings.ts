/** The network's settings, docs/method.md 2 to 7 and 11: type, range, default and its reason. */
import { parse } from 'yaml';
import { z } from 'zod';
import { fraction } from '../schema.js';
import { isModel, modelDescriptor, modelNames } from './registry.js';

const fields = z.strictObject({
  // The paper's model, and others of its Table 1 (docs/guide/models.md). `baseWidth` and `imageSize` are every model's, `dropout` is LViT's too; all
  // other settings of this section are RecLMIS's own and change nothing about its peers, nor do `train.lossWeights` of losses that they lack.
  name: z
    .string()
    .refine(isModel, { error: () => `one of ${modelNames().join(', ')}` })
    .default('reclmis')
    .describe('the model: reclmis, or one for comparison (docs/guide/models.md)'),
  // A file of published weights or a run (docs/guide/starting-weights.md). None by default: nothing published fits RecLMIS, and comparisons start alike.
  init: z
    .string()
    .default('')
    .describe('file of weights, or run, to start from; empty: from scratch (docs/guide/starting-weights.md)'),
  // `paper` is what the article says; `upstream` what the authors' code does: causal reconstruction, a second softmax in CCL,
  // reconstruction targets F'_V and F_clip. Choose `upstream` for the authors' released checkpoints and numbers.
  variant: z
    .enum(['paper', 'upstream'])
    .default('paper')
    .describe('follow the paper or the authors’ code where they differ'),
  // 64 is the paper's; the bottleneck is 8 x baseWidth wide. Narrower ones serve demonstrations and tests.
  baseWidth: z.number().int().min(4).max(512).default(64).describe('channels of the first encoder level'),
  // The paper's 224; four poolings make a patch grid of imageSize / 16.
  imageSize: z
    .number()
    .int()
    .min(32)
    .max(1024)
    .multipleOf(16)
    .default(224)
    .describe('side of the square input, a multiple of 16, in pixels'),
  // Two more 1x1 convolutions that only training uses; nnU-Net has its own, always (docs/reference/training.md).
  deepSupervision: z
    .boolean()
    .default(false)
    .describe('coarser maps of the decoder learn the mask too (reclmis, unet, lvit, uctransnet)'),
  // 3 is the paper's best of 1 to 10 (ablation); upstream uses 4 for QaTa-COV19.
  layers: z
    .number()
    .int()
    .min(1)
    .max(10)
    .default(3)
    .describe('layers in each of the reconstructors’ two stacks'),
  // Table 2's switches. Without `ci` the notes do not enter the model at all: the note-free baseline.
  components: z
    .strictObject({
      ci: z.boolean().default(true).describe('conditioned interaction; off: the model sees no note'),
      ccl: z.boolean().default(true).describe('conditioned contrastive learning'),
      clr: z.boolean().default(true).describe('conditioned language reconstruction'),
      cvr: z.boolean().default(true).describe('conditioned vision reconstruction'),
    })
    .prefault({}),
  // Table 3's switches: whether each loss is conditioned by the patches and words of interest; all of them score best.
  conditions: z
    .strictObject({
      ccl: z.boolean().default(true).describe('weight contrastive learning by patches and words of interest'),
      clr: z.boolean().default(true).describe('condition language reconstruction on patches of interest'),
      cvr: z.boolean().default(true).describe('condition vision reconstruction on words of interest'),
    })
    .prefault({}),
  // Table 4's switches. With `self`, an attention reads its own modality alone: that much of the exchange between them is gone.
  attention: z
    .strictObject({
      ci: z
        .enum(['cross', 'self'])
        .default('cross')
        .describe(
          'what the interaction attends to: the other modality, or its own (the mask then ignores the note)',
        ),
      reconstruction: z
        .enum(['cross', 'self'])
        .default('cross')
        .describe('what reconstruction attends to: the other modality, or the unmasked rest of its own'),
    })
    .prefault({}),
  // Masking by the predicted distribution beats uniform masking in the paper; `topk` is upstream's other branch.
  maskStrategy: z
    .enum(['distribution', 'random', 'topk'])
    .default('distribution')
    .describe('how masked patches and words are drawn'),
  // Best of the paper's ablation: 0.5 of the patches, 0.3 of the words.
  maskRatios: z
    .strictObject({
      visual: fraction().default(0.5).describe('fraction of patches to mask'),
      textual: fraction().default(0.3).describe('fraction of the note’s words to mask'),
    })
    .prefault({}),
  // 0.1 in CI's embeddings and attention and on each reconstructor sub-layer (docs/method.md 3 and 7).
  dropout: fraction()
    .lt(1)
    .default(0.1)
    .describe('dropout in the interaction and the reconstructors, or of LViT’s embedded tokens'),
  // 0 in the paper; upstream's MosMedData+ and MoNuSeg presets use 0.5 before the two MLPs of POI and WOI (docs/method.md 3).
  interestDropout: fraction()
    .lt(1)
    .default(0)
    .describe('dropout before the MLPs of patches and words of interest'),
  // A mapping in YAML; as a flag `--model.options size=tiny,window=12`. docs/models.md lists each model's.
  options: z
    .union([z.string().transform(parsePairs), z.record(z.string(), z.unknown())])
    .prefault({})
    .describe('settings of the chosen model alone, NAME=VALUE,... (docs/models.md)'),
});

/** `options` must be the chosen model's. */
export const modelSchema = fields.superRefine(({ name, options, deepSupervision }, context) => {
  if (!isModel(name)) return;
  if (deepSupervision && modelDescriptor(name).deepSupervision !== true)
    context.addIssue({
      code: 'custom',
      path: ['deepSupervision'],
      message: `false for ${name}: only ${supervised().join(', ')} have it as a choice`,
    });
  const schema = modelDescriptor(name).options ?? z.strictObject({});
  const known = Object.keys(schema.shape);
  for (const issue of schema.safeParse(options).error?.issues ?? []) {
    const path = ['options', ...issue.path];
    const message =
      issue.code === 'unrecognized_keys'
        ? `options of ${name}: ${known.join(', ') || 'none'} (not ${issue.keys.join(', ')})`
        : issue.message;
    context.addIssue({ code: 'custom', path, message });
  }
});

function supervised(): string[] {
  return modelNames().filter((name) => modelDescriptor(name).deepSupervision === true);
}

/** `a=1,b=tiny`; numbers, lists in brackets and booleans as in YAML. */
export function parsePairs(text: string, context: z.RefinementCtx): Record<string, unknown> {
  const pairs = text === '' ? [] : text.split(/,(?![^[]*\])/);
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) context.addIssue({ code: 'custom', message: 'NAME=VALUE,...' });
      return [pair.slice(0, at).trim(), parse(pair.slice(at + 1))];
    }),
  );
}

export type ModelConfig = z.infer<typeof modelSchema>;
