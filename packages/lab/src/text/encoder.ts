/**
 * Turns notes into features. Encoders are frozen (docs/method.md 1): a note's features are computed once per
 * run.
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
  /** int64 [B,T], numbers in the vocabulary, 0 for none; absent if only features were given. */
  readonly ids?: Tensor;
}

/** Plain JSON; `kind` tells the encoder. */
export interface NoteEncoderDescription {
  readonly kind: string;
  readonly [setting: string]: unknown;
}

export interface NoteEncoder {
  /** W. */
  readonly width: number;
  /** T. */
  readonly contextLength: number;
  /** Larger than any number in `ids`. */
  readonly vocabularySize: number;
  /** Hash of all that determines the features. */
  readonly fingerprint: string;
  /** @param device default `cpu`. @returns tensors, the caller's to dispose */
  encode(notes: readonly string[], device?: string): NoteFeatures;
  /** In however long a context. */
  countTokens(note: string): number;
  /** T of them, in the features' order. */
  tokens(note: string): NoteTokens;
  /** ln(1 / temperature) for CCL's start; absent or null: the model's default. */
  readonly logitScale?: number | null;
  /** For `restoreNoteEncoder`. */
  describe(): NoteEncoderDescription;
  /** The encoder may be used again. */
  dispose?(): void;
}

export interface FeatureRow {
  /** [T,W], row by row. */
  readonly features: Float32Array;
  /** 1 to T. */
  readonly length: number;
}

/** Kept between batches. */
export interface NoteRow extends FeatureRow {
  /** In the vocabulary, from 1. */
  readonly ids: readonly number[];
}

/** Least recently used rows go first. */
export class NoteCache {
  private readonly rows = new Map<string, NoteRow>();

  /** @param capacity in rows; 4,096 of 24 x 512 floats take 200 MB; QaTa-COV19 has fewer distinct notes */
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
