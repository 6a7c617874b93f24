/**
 * What `weights export` puts next to the tensors, so that `weights import` rebuilds the run with its note encoder: under
 * `reclmis` in the file's dictionary, as JSON, which PyTorch reads as a string. No paths, no notes, no figures of single
 * images.
 */
import { readFormat, ReclmisError, type TrainingReference, trainingReferenceSchema } from '@reclmis/core';
import type { TensorSource } from '@reclmis/torch';
import { z } from 'zod';
import { type Config, resolveStored } from '../config/config.js';
import { type RunInfo, sidesOf } from '../run/run.js';
import type { NoteEncoder, NoteEncoderDescription } from '../text/encoder.js';
import { restoreNoteEncoder } from '../text/restore.js';

export const OWN_KEY = 'reclmis';
const FORMAT = 'reclmis-export/1';
const EXPORT_AGAIN = 'Export the run again, with this version of RecLMIS.';

const section = z.record(z.string(), z.unknown());
const schema = z.object({
  format: z.literal(FORMAT),
  config: z.object({ model: section, text: section, note: section, data: section, train: section }),
  encoder: z.looseObject({ kind: z.string() }),
  note: section.optional(),
  reference: trainingReferenceSchema.optional(),
});

export interface OwnExport {
  readonly config: Config;
  readonly encoder: NoteEncoderDescription;
  /** What the training notes were like. */
  readonly note: RunInfo['note'];
  /** For warnings about results; null if the run had none. */
  readonly reference: TrainingReference | null;
}

/** For `writeTorchArchive`. */
export function describeOwn(
  { model: { init: _, ...model }, text, note, data, train }: Config,
  encoder: NoteEncoder,
  info: Pick<RunInfo, 'note'>,
  reference: TrainingReference | null,
): string {
  const config = {
    model,
    text,
    note: { sides: note.sides },
    data: { resize: data.resize, window: data.window },
    train: { precision: train.precision },
  };
  return JSON.stringify({
    format: FORMAT,
    config,
    encoder: encoder.describe(),
    ...(info.note && { note: info.note }),
    ...(reference && { reference }),
  });
}

/** Null for a file of others. @throws WEIGHTS_UNSUPPORTED if it is damaged or of another version */
export function ownExportIn({ about, path }: Pick<TensorSource, 'about' | 'path'>): OwnExport | null {
  const text = about.get(OWN_KEY);
  if (text === undefined) return null;
  try {
    if (typeof text !== 'string') throw new Error(`expected text, got ${typeof text}`);
    const value: unknown = JSON.parse(text);
    const stated =
      typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
    readFormat('export', stated, {
      where: `${path}: its settings (${OWN_KEY})`,
      code: 'WEIGHTS_UNSUPPORTED',
      remedy: EXPORT_AGAIN,
    });
    const { config, encoder, note, reference } = schema.parse(value);
    return {
      config: resolveStored(config, path),
      encoder,
      note: note as RunInfo['note'],
      reference: reference ?? null,
    };
  } catch (cause) {
    if (cause instanceof ReclmisError && cause.code === 'WEIGHTS_UNSUPPORTED') throw cause;
    const what = cause instanceof z.ZodError ? (cause.issues[0]?.path.join('.') ?? '') : String(cause);
    throw new ReclmisError(
      'WEIGHTS_UNSUPPORTED',
      `${path}: its settings (${OWN_KEY}) cannot be read: ${what.split('\n')[0] ?? ''}`,
      { cause, remedy: EXPORT_AGAIN },
    );
  }
}

/** The words encoder as it was, vocabulary included. @throws WEIGHTS_UNSUPPORTED */
export function ownEncoder({ encoder }: OwnExport, path: string): NoteEncoder {
  try {
    return restoreNoteEncoder(encoder);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('WEIGHTS_UNSUPPORTED', `${path}: ${what}`, { cause });
  }
}

/**
 * The export's configuration with what the user adds.
 * @throws OPTION_INVALID for options that contradict the file
 */
export function withOptions(
  { config }: OwnExport,
  path: string,
  asked: {
    readonly contextLength?: number | undefined;
    readonly sides?: Config['note']['sides'] | undefined;
  },
): Config {
  const { contextLength, sides } = asked;
  const stated = sidesOf(config);
  const remedy = 'Leave the option out: the file states it.';
  if (contextLength !== undefined && contextLength !== config.text.contextLength)
    throw new ReclmisError(
      'OPTION_INVALID',
      `--context-length ${contextLength}: ${path} was trained with ${config.text.contextLength} tokens`,
      { remedy },
    );
  if (sides !== undefined && stated !== 'unknown' && sides !== stated)
    throw new ReclmisError(
      'OPTION_INVALID',
      `--sides ${sides}: ${path} was trained with notes that mean ${stated} sides`,
      { remedy },
    );
  return sides === undefined ? config : { ...config, note: { ...config.note, sides } };
}
