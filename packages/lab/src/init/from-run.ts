/**
 * Fine-tuning: a run starts from another's best weights. Keys are the same; image size, classes and
 * vocabulary may differ.
 *
 * What reads the encoder's features, or learns to match them, means nothing under another encoder, and is
 * left. Word features mean the same under every vocabulary (text/words.ts); a model's own table of words does
 * not.
 */
import { existsSync, statSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import { readSafetensors, readSafetensorsHeader, type Tensor } from '@reclmis/torch';
import { type CheckpointInfo, checkpointPath, intact, parseInfo } from '../run/checkpoint.js';
import { weightsPrefix } from '../run/resume-files.js';
import { openRun } from '../run/run.js';
import type { NoteEncoderDescription } from '../text/encoder.js';
import type { Table } from './family.js';
import { nnUNetNames } from './nn-unet.js';
import type { Shapes } from './recipe.js';
import { WORD_TABLE } from './towers.js';
import { pairWords, type RowPairs, vocabularyOf } from './words.js';

/** Parameters that read features, or learn to match them, by model. */
const READ_FEATURES: Readonly<Record<string, RegExp>> = {
  reclmis: /^text_module4\./,
  lvit: /^text_module4\./,
  convirt: /^bert_l1\./,
  gloria: /^(?:global|local)_embedder\./,
  clipseg: /^film_(?:mul|add)\./,
  lavt: /\.image_lang_att\.f_(?:key|value)\./,
};
/** Tables looked up by the tokens' numbers. */
const READ_IDS: Readonly<Record<string, string>> = { vilt: WORD_TABLE };

/** Parts of an encoder's description that do not change what features mean. */
const VOCABULARY = new Set(['tokenizer', 'contextLength']);

const TABLES: readonly (readonly [pattern: RegExp, table: 'positions' | 'bias'])[] = [
  [/\.relative_position_bias_table$/, 'bias'],
  [/(?:^|\.)(?:position_embeddings|positional_embedding|pos_embed)$/, 'positions'],
];

export interface StoredRun {
  /** The file of weights. */
  readonly path: string;
  readonly info: CheckpointInfo;
  /** Before the model's keys in the file. */
  readonly prefix: string;
}

/**
 * The checkpoint of a run's folder, or the file itself; null for another kind of file.
 * @throws RUN_INVALID, CHECKPOINT_MISSING, CHECKPOINT_CORRUPT
 */
export function storedRun(path: string): StoredRun | null {
  const stats = statSync(path);
  const isFolder = stats.isDirectory();
  if (!isFolder && !stats.isFile()) return null; // reading a pipe would block; opening it as weights reports the error
  if (isFolder) openRun(path);
  const file = isFolder ? checkpointPath(path, 'best') : path;
  if (!existsSync(file)) throw new ReclmisError('CHECKPOINT_MISSING', `${file}: no such checkpoint`);
  const metadata = isFolder ? intact(() => readSafetensorsHeader(file).metadata) : metadataOf(file);
  if (!isFolder && !/^reclmis-(?:checkpoint|resume)\//.test(metadata['format'] ?? '')) return null;
  const { info, format } = parseInfo(file, metadata);
  return { path: file, info, prefix: weightsPrefix(format, info.config) };
}

/** A run's weights by the model's keys, in the current scope. */
export interface RunSource {
  readonly info: CheckpointInfo;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Reads all at once: a sealed file is hashed whole at every read. @throws CHECKPOINT_CORRUPT */
export function openRunSource({ path, info, prefix }: StoredRun): RunSource {
  const { tensors } = intact(() => readSafetensors(path, { select: (name) => name.startsWith(prefix) }));
  return {
    info,
    tensors: new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])),
  };
}

function metadataOf(file: string): Readonly<Record<string, string>> {
  try {
    return readSafetensorsHeader(file).metadata;
  } catch (error) {
    if (error instanceof ReclmisError) return {}; // not a checkpoint, or damaged; the reader of published files reports it
    throw error;
  }
}

/** A run or model, as far as its parameters' meaning goes. */
export interface Side {
  /** `model.name`. */
  readonly model: string;
  readonly encoder: NoteEncoderDescription;
  readonly shapes: Shapes;
}

/** Which parameters of a run a new model takes, and what to tell the user. */
export function tableOfRun(
  run: Side,
  { model, encoder, shapes }: Side,
): { readonly table: Table; readonly notice: string | null } {
  const features = sameFeatures(run.encoder, encoder) ? undefined : READ_FEATURES[model];
  const words = sameNumbers(run.encoder, encoder) ? undefined : READ_IDS[model];
  const rows = words === undefined ? null : commonWords(run.encoder, encoder);
  const nameOf = model === 'nnunet' && run.model === model ? nnUNetNames(shapes, run.shapes) : null;
  return {
    table: (key) => {
      if (key === words) return rows && { from: [key], rows };
      if (features?.test(key) === true) return null;
      const table = TABLES.find(([pattern]) => pattern.test(key))?.[1];
      return { from: [nameOf?.(key) ?? key], ...(table && { table }) };
    },
    notice:
      features === undefined && (words === undefined || rows !== null)
        ? null
        : 'The run had another note encoder: what reads its features or words starts from scratch.',
  };
}

/** Rows of words in both vocabularies; null where either has pieces of words. */
function commonWords(a: NoteEncoderDescription, own: NoteEncoderDescription): RowPairs | null {
  const [theirs, ours] = [vocabularyOf(a), vocabularyOf(own)];
  return theirs && ours && pairWords(ours, theirs);
}

function sameFeatures(a: NoteEncoderDescription, b: NoteEncoderDescription): boolean {
  if (a.kind !== b.kind) return false;
  const essence = (description: NoteEncoderDescription): string =>
    JSON.stringify(Object.entries(description).filter(([name]) => !VOCABULARY.has(name)));
  return essence(a) === essence(b);
}

function sameNumbers(a: NoteEncoderDescription, b: NoteEncoderDescription): boolean {
  return a.kind === b.kind && JSON.stringify(a['tokenizer']) === JSON.stringify(b['tokenizer']);
}
