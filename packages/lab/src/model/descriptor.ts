/** A model's descriptor, in its own file: settings, building, parity and `bench table` work from it. */
import { ReclmisError } from '@reclmis/core';
import type { Tensor } from '@reclmis/torch';
import type { z } from 'zod';
import type { NoteEncoder, NoteFeatures } from '../text/encoder.js';
import type { ModelSettings } from './options.js';
import type { SegmentationModel, TrainingChoices, TrainingSegmentation } from './segmentation-model.js';

/** Traits of the note encoder that a model reads with. */
export type EncoderTraits = Pick<NoteEncoder, 'width' | 'contextLength' | 'logitScale' | 'vocabularySize'>;

/** Sizes of a golden file's parameters, by key and axis. Throws GOLDEN_INVALID if there is no such axis. */
export type SizeOf = (key: string, axis: number) => number;

/** What parity must know besides keys. */
export interface ParityTraits {
  /**
   * Implied by a golden file's shapes; others keep their defaults.
   * @param sizeOf sizes of the file's parameters. @param keys all of them
   */
  readonly settings?: (
    sizeOf: SizeOf,
    keys: readonly string[],
  ) => Partial<Pick<ModelSettings, 'baseWidth' | 'options'>>;
  /** If `forwardTraining` does not suffice. @param options the file's */
  readonly forward?: (
    model: SegmentationModel,
    images: Tensor,
    note: NoteFeatures | null,
    options: Readonly<Record<string, unknown>>,
    choices: TrainingChoices,
  ) => TrainingSegmentation;
  /**
   * Gradients beyond the usual tolerance, each with a reason: `absolute` for those that are zero in exact
   * arithmetic, `relative` for small differences of large numbers. The first match decides.
   */
  readonly gradients?: readonly {
    readonly keys: RegExp;
    readonly absolute?: number;
    readonly relative?: number;
  }[];
  /**
   * By names of the file's `options`, which must be equal. Options that are settings (`fusion_heads`:
   * `model.options.fusionHeads`) are taken instead.
   */
  readonly constants?: Readonly<Record<string, number | readonly number[]>>;
  /** The same for options that shapes tell, such as a head's width. */
  readonly shapes?: (sizeOf: SizeOf) => Readonly<Record<string, number | readonly number[]>>;
  /** The file's `options` that `forward` reads. */
  readonly inputs?: readonly string[];
  /** Outputs and losses that the model does not compute. */
  readonly skipped?: readonly string[];
}

export interface ModelDescriptor {
  /** As the field writes its name. */
  readonly title: string;
  /** Whether a note changes the mask. */
  readonly readsNotes: (settings: ModelSettings) => boolean;
  /** Does training read notes' features? Default `readsNotes`. */
  readonly learnsFromNotes?: (settings: ModelSettings) => boolean;
  /**
   * Why nothing of an image can be computed ahead of its note: a clause without full stop, for a model that reads notes
   * but has no `imageFeatures` of its own.
   */
  readonly noteEntersEarly?: string;
  /** Draws weights from libtorch's generator. @throws CONFIG_INVALID for settings that do not go together */
  readonly build: (settings: ModelSettings, encoder: EncoderTraits) => SegmentationModel;
  /** Whether `model.deepSupervision` is a choice; default false. */
  readonly deepSupervision?: true;
  /** This model's own settings; default none. */
  readonly options?: z.ZodObject;
  /** A key of no other model: identifies golden files. */
  readonly ownKey: string;
  /** In the authors' checkpoints, but without effect, and absent here. */
  readonly unusedKeys: readonly RegExp[];
  /** In `configs/`. */
  readonly presets: readonly string[];
  /**
   * For `train.freeze` and `train.lrFactors`: paths of modules and keys of parameters, by the part's name. Each parameter
   * is in one part.
   */
  readonly parts?: Readonly<Record<string, readonly string[]>>;
  readonly parity?: ParityTraits;
  /** Its row in the paper's Table 1. */
  readonly table1?: Table1Row;
}

/**
 * The model's name in the paper's Table 1, and why its figures differ from ours, a sentence or two for each
 * column.
 */
export interface Table1Row {
  readonly title: string;
  readonly parameters?: string;
  readonly flops?: string;
}

/** Gives `build` typed `model.options` with defaults. */
export function describeModel<Options extends z.ZodObject>(
  descriptor: Omit<ModelDescriptor, 'build' | 'options'> & {
    readonly options: Options;
    readonly build: (
      settings: Omit<ModelSettings, 'options'>,
      encoder: EncoderTraits,
      options: z.output<Options>,
    ) => SegmentationModel;
  },
): ModelDescriptor {
  const { options, build, ...rest } = descriptor;
  return {
    ...rest,
    options,
    build: ({ options: given, ...settings }, encoder) =>
      build(settings, encoder, parseOptions(rest.title, options, given)),
  };
}

function parseOptions<Options extends z.ZodObject>(
  title: string,
  schema: Options,
  given: Readonly<Record<string, unknown>>,
): z.output<Options> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = ['model.options', ...(issue?.path ?? [])].map(String).join('.');
  throw new ReclmisError('CONFIG_INVALID', `${title}: ${path}: ${issue?.message ?? 'invalid'}`, {
    cause: parsed.error,
  });
}
