/**
 * Every setting of a run: type, range, default and the reason for the default.
 *
 * Defaults are the paper's (arXiv 2404.02845; docs/method.md), even where the authors' code differs. One schema
 * validates (`config.ts`), types (`Config`), documents and makes command-line flags (`describeSettings`).
 */
import { isWindowText, RESIZE_RULES, REWORDINGS, STATED_SIDES, USUAL_RESIZE } from '@reclmis/core';
import { z } from 'zod';
import { modelNames } from '../model/registry.js';
import { modelSchema } from '../model/settings.js';
import { fraction } from '../schema.js';
import { textSchema } from '../text/settings.js';
import { AUGMENT_DEFAULTS, noteKindsOf } from '@reclmis/data';
import { trainSchema } from './train-settings.js';

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
    // By area keeps a mask's size; LViT's loader lets thin things grow, by 5 points of Dice on MoNuSeg's 1000 x 1000
    // originals, and published figures come from it (docs/guide/own-data.md).
    resize: z
      .enum(RESIZE_RULES)
      .default(USUAL_RESIZE)
      .describe(
        'how images and masks of other sizes are resized: area, or upstream: bilinear without antialiasing, as in LViT’s loader',
      ),
    // A model sees what it has learnt: exported with it, and used by `predict` and `serve`.
    window: z
      .string()
      .default('')
      .refine(
        (text) => text === '' || isWindowText(text),
        'expected CENTER/WIDTH, or the number or name of a window',
      )
      .describe(
        'grey level window of DICOM and NIfTI images: CENTER/WIDTH in their units, such as -600/1500, or the number (from 0) or name of a window in the DICOM files; empty: each file’s first',
      ),
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
