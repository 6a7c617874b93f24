/**
 * What turns notes into features: the seam between the word encoder, the CLIP text tower and whatever comes later.
 *
 * Encoders are frozen (docs/method.md 1): they have no trained parameter, a note always has the same features, and so its row is
 * computed once per run and reused. docs/reference/text-encoder.md says why.
 *
 * B notes, T tokens (the context length), W feature width.
 */
import { createHash } from 'node:crypto';
import type { NoteTokens } from '@reclmis/core';
import { Tensor } from '@reclmis/torch';

/** Features of B notes. */
export interface NoteFeatures {
  /** float32 [B,T,W]; carries no gradient. */
  readonly features: Tensor;
  /** bool [B,T], true where there is a token; every row has at least one. */
  readonly valid: Tensor;
}

/** Everything to rebuild an encoder from, as plain JSON; `kind` says which. */
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
  /** Hash of everything that determines the features, by which a checkpoint recognises its encoder. */
  readonly fingerprint: string;
  /** @param device where the features are wanted, `cpu` by default. @returns new tensors, the caller's to dispose. */
  encode(notes: readonly string[], device?: string): NoteFeatures;
  /** Tokens that a note would take if the context were long enough. */
  countTokens(note: string): number;
  /** The T tokens of a note with the words that they stand for, in the order of the features. */
  tokens(note: string): NoteTokens;
  /** The encoder's own ln(1 / temperature), with which CCL starts; absent or null: the model's default. */
  readonly logitScale?: number | null;
  /** JSON that `restoreNoteEncoder` reads back. */
  describe(): NoteEncoderDescription;
  /** Frees what the encoder holds besides memory of the language's own; it may be used again. */
  dispose?(): void;
}

/** One note's features, kept between batches. */
export interface NoteRow {
  /** [T,W], row by row. */
  readonly features: Float32Array;
  /** Tokens of the note, 1 to T. */
  readonly length: number;
}

/** Rows of recently used notes; the least recently used leave first. */
export class NoteCache {
  private readonly rows = new Map<string, NoteRow>();

  /** @param capacity rows kept; 4,096 of 24 x 512 floats are 200 MB, and QaTa-COV19 has fewer distinct notes. */
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

/** Joins rows into a batch. */
export function stackRows(
  rows: readonly NoteRow[],
  contextLength: number,
  width: number,
  device: string,
): NoteFeatures {
  const size = contextLength * width;
  const features = new Float32Array(rows.length * size);
  const valid = new Uint8Array(rows.length * contextLength);
  rows.forEach((row, b) => {
    features.set(row.features, b * size);
    valid.fill(1, b * contextLength, b * contextLength + row.length);
  });
  return {
    features: Tensor.fromFloat32(features, [rows.length, contextLength, width], { device }),
    valid: Tensor.fromUint8(valid, [rows.length, contextLength], { dtype: 'bool', device }),
  };
}

/** SHA-256 of a description's JSON. */
export function fingerprintOf(description: NoteEncoderDescription): string {
  return createHash('sha256').update(JSON.stringify(description)).digest('hex');
}
