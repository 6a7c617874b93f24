/** Tables of words: a row goes to the same word of another vocabulary. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ReclmisError, UNKNOWN_ID } from '@reclmis/core';
import { readTextSync } from '@reclmis/files';
import type { NoteEncoderDescription } from '../text/encoder.js';

/** Our row, and the file's row for it. */
export type RowPairs = readonly (readonly [own: number, file: number])[];

/** BERT's, a word a line, next to a checkpoint with BERT's table. */
const VOCABULARY_FILE = 'vocab.txt';
const BERT_UNKNOWN = '[UNK]';
/** BERT's have 0.2 MB. */
const MAX_BYTES = 16 * 1024 * 1024;

/** An encoder's words by number; null if it has pieces of words. */
export function vocabularyOf({ tokenizer }: NoteEncoderDescription): readonly string[] | null {
  const words: unknown =
    typeof tokenizer === 'object' && tokenizer !== null && 'words' in tokenizer ? tokenizer.words : null;
  return Array.isArray(words) ? words.map(String) : null;
}

/** The words next to a checkpoint, or null. @throws WEIGHTS_UNSUPPORTED for a file that cannot be read */
export function vocabularyNextTo(path: string): readonly string[] | null {
  const file = join(dirname(path), VOCABULARY_FILE);
  if (!existsSync(file)) return null;
  try {
    return readTextSync(file, { limit: MAX_BYTES }).split(/\r?\n/);
  } catch (cause) {
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new ReclmisError('WEIGHTS_UNSUPPORTED', `${file}: ${what}`, {
      remedy: 'Put BERT’s list of words there, one a line, or remove it.',
      cause,
    });
  }
}

/** Padding has no row: it stays 0. */
export function pairWords(own: readonly string[], others: readonly string[]): RowPairs {
  const numbers = new Map(others.map((word, number) => [word, number]));
  return own.flatMap((word, id) => {
    if (id < UNKNOWN_ID) return [];
    const number = numbers.get(word) ?? (id === UNKNOWN_ID ? numbers.get(BERT_UNKNOWN) : undefined);
    return number === undefined ? [] : [[id, number] as const];
  });
}
