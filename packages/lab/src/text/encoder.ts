/**
 * Turns notes into features: the interface of the word encoder and the CLIP text tower.
 *
 * Encoders are frozen (docs/method.md 1), so a note's features never change and are computed once per run
 * (docs/reference/text-encoder.md).
 *
 * B notes, T tokens (the context length), W feature width.
 */
import { createHash } from 'node:crypto';
import type { NoteTokens } from '@reclmis/core';
import { Tensor } from '@reclmis/torch';

export interface NoteFeatures {
  /** float32 [B,T,W]; carries no gradient. */
  readonly features: Tensor;
  /** bool [B,T], true for tokens; at least one per row. */
  readonly valid: Tensor;
  /** int64 [B,T], the tokens' numbers in the vocabulary, 0 where there is none; absent where only features were given. */
  readonly ids?: Tensor;
}

/** Plain JSON from which an encoder can be rebuilt; `kind` says which. */
export interface NoteEncoderDescription {
  readonly kind: string;
  readonly [setting: string]: unknown;
}

/** A frozen note encoder. */
export interface NoteEncoder {
  /** W. */
  readonly width: number;
  /** T. */
  readonly contextLength: number;
  /** One more than the largest number in `ids`. */
  readonly vocabularySize: number;
  /** Hash of all that determines the features; a checkpoint recognises its encoder by it. */
  readonly fingerprint: string;
  /** @param device of the features, default `cpu`. @returns new tensors, the caller's to dispose. */
  encode(notes: readonly string[], device?: string): NoteFeatures;
  /** Tokens that the whole note needs, in however long a context. */
  countTokens(note: string): number;
  /** The T tokens of a note with their words, in the features' order. */
  tokens(note: string): NoteTokens;
  /** ln(1 / temperature) with which CCL starts; absent or null: the model's default. */
  readonly logitScale?: number | null;
  /** JSON for `restoreNoteEncoder`. */
  describe(): NoteEncoderDescription;
  /** Frees native memory; the encoder may be used again. */
  dispose?(): void;
}

/** One note's features. */
export interface FeatureRow {
  /** [T,W], row by row. */
  readonly features: Float32Array;
  /** Tokens of the note, 1 to T. */
  readonly length: number;
}

/** One note's features and tokens, kept between batches. */
export interface NoteRow extends FeatureRow {
  /** The tokens' numbers in the vocabulary, from 1. */
  readonly ids: readonly number[];
}

/** An LRU cache of notes' rows. */
export class NoteCache {
  private readonly rows = new Map<string, NoteRow>();

  /** @param capacity rows kept; 4,096 of 24 x 512 floats take 200 MB, and QaTa-COV19 has fewer distinct notes. */
  constructor(
    private readonly compute: (note: string) => NoteRow,
    private readonly capacity = 4096,
  ) {}

  get(note: string): NoteRow {
    const row = this.rows.get(note) ?? this.compute(note);
    this.rows.delete(note);
    this.rows.set(note, row); // now the most recently used
    if (this.rows.size > this.capacity) {
      for (const oldest of this.rows.keys()) {
        this.rows.delete(oldest);
        break;
      }
    }
    return row;
  }
}

export function stackRows(
  rows: readonly NoteRow[],
  contextLength: number,
  width: number,
  device: string,
): NoteFeatures {
  const size = contextLength * width;
  const features = new Float32Array(rows.length * size);
  const valid = new Uint8Array(rows.length * contextLength);
  const ids = new BigInt64Array(rows.length * contextLength);
  rows.forEach((row, b) => {
    features.set(row.features, b * size);
    valid.fill(1, b * contextLength, b * contextLength + row.length);
    row.ids.forEach((id, t) => (ids[b * contextLength + t] = BigInt(id)));
  });
  return {
    features: Tensor.fromFloat32(features, [rows.length, contextLength, width], { device }),
    valid: Tensor.fromUint8(valid, [rows.length, contextLength], { dtype: 'bool', device }),
    ids: Tensor.fromInt64(ids, [rows.length, contextLength], { device }),
  };
}

export function fingerprintOf(description: NoteEncoderDescription): string {
  return createHash('sha256').update(JSON.stringify(description)).digest('hex');
}
