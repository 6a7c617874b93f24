/**
 * The note encoder that needs no download: frozen word features. Ours; the paper uses CLIP's text tower.
 *
 * Each word of the training notes has a fixed random vector of unit variance, seeded by the word, so it is equal in
 * every run; a slip of a known word has that word's vector (core's `slips.ts`), any other word none. A token's features are
 *     x_t = ( e(w_t) + sum_{d = -R..R, d != 0} c^|d| roll(e(w_{t+d}), d * 37) + p * position_t ) / norm.
 * A roll rotates the space, so a neighbour's word and distance stay linearly readable (Plate's and Kanerva's permuted
 * superpositions): one trained convolution can tell "upper left lung" from "lower left lung". Positions are Vaswani
 * et al.'s sinusoids; `norm` gives unit variance, as CLIP's features have. Reasons: docs/reference/text-encoder.md.
 *
 * T tokens, W width, R radius.
 */
import {
  defined,
  type NoteTokens,
  PAD_ID,
  Random,
  ReclmisError,
  UNKNOWN_ID,
  type UnknownWords,
  WordTokenizer,
} from '@reclmis/core';
import {
  fingerprintOf,
  NoteCache,
  type NoteEncoder,
  type NoteEncoderDescription,
  type NoteFeatures,
  type NoteRow,
  stackRows,
} from './encoder.js';

/** From "upper" to "lung" in LViT's "upper middle left lung". */
const RADIUS = 3;
/** c; below 1, so that the token's own word dominates. */
const CLOSENESS = 0.6;
/** p; tells equal words apart without hiding them. */
const POSITION = 0.3;
/** Coprime to powers of 2: distances never share a rotation. */
const ROLL = 37;
/** Seeds every word: changing it changes all features. */
const RECIPE = 'reclmis-words-1';

/** To compute the formula with tensors. */
export interface WordFormula {
  /** e, [V,W]; 0 for padding and the unknown word. */
  readonly vectors: Float32Array;
  /** p * position_t, [T,W]. */
  readonly positions: Float32Array;
  /** R. */
  readonly radius: number;
  /** c. */
  readonly closeness: number;
  /** Dimensions per step of distance. */
  readonly roll: number;
  /** 1 / norm. */
  readonly scale: number;
}

export interface WordEncoderOptions {
  /** T; longer notes lose their last words. */
  readonly contextLength?: number;
  /** W; 512 as CLIP's. */
  readonly width?: number;
}

export class WordEncoder implements NoteEncoder {
  readonly width: number;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly fingerprint: string;
  private readonly vectors: readonly Float32Array[];
  private readonly cache: NoteCache;

  constructor(
    readonly tokenizer: WordTokenizer,
    { contextLength = 24, width = 512 }: WordEncoderOptions = {},
  ) {
    checkCount('contextLength', contextLength);
    checkCount('width', width);
    this.width = width;
    this.contextLength = contextLength;
    this.vocabularySize = tokenizer.size;
    this.vectors = tokenizer.vocabulary.map((word, id) => wordVector(word, id, width));
    this.cache = new NoteCache((note) => this.compute(note));
    this.fingerprint = fingerprintOf(this.describe());
  }

  /**
   * Takes the notes' words as the vocabulary.
   * @param unknownWords what becomes of other words; default `ignored`. @throws NOTES_EMPTY if the notes hold no word
   */
  static fromNotes(
    notes: Iterable<string>,
    { unknownWords, ...options }: WordEncoderOptions & { readonly unknownWords?: UnknownWords } = {},
  ): WordEncoder {
    const tokenizer = WordTokenizer.fromNotes(notes, defined({ unknownWords }));
    if (tokenizer.size <= UNKNOWN_ID + 1) {
      throw new ReclmisError('NOTES_EMPTY', 'the training notes contain no words, expected at least one');
    }
    return new WordEncoder(tokenizer, options);
  }

  /** @throws VOCABULARY_INVALID */
  static restore(description: NoteEncoderDescription): WordEncoder {
    const { kind, recipe, contextLength, width, tokenizer } = description;
    if (
      kind !== 'words' ||
      recipe !== RECIPE ||
      typeof contextLength !== 'number' ||
      typeof width !== 'number'
    ) {
      throw new ReclmisError(
        'VOCABULARY_INVALID',
        `note encoder: expected kind words by recipe ${RECIPE}, got kind ${kind} by recipe ${String(recipe)}`,
      );
    }
    return new WordEncoder(WordTokenizer.fromJSON(tokenizer), { contextLength, width });
  }

  encode(notes: readonly string[], device = 'cpu'): NoteFeatures {
    const rows = notes.map((note) => this.cache.get(note));
    return stackRows(rows, this.contextLength, this.width, device);
  }

  countTokens(note: string): number {
    return this.tokenizer.count(note, this.contextLength);
  }

  tokens(note: string): NoteTokens {
    return this.tokenizer.tokens(note, this.contextLength);
  }

  describe(): NoteEncoderDescription {
    return {
      kind: 'words',
      recipe: RECIPE,
      contextLength: this.contextLength,
      width: this.width,
      tokenizer: this.tokenizer.toJSON(),
    };
  }

  formula(): WordFormula {
    const { width: W, contextLength: T, vectors } = this;
    const table = new Float32Array(vectors.length * W);
    vectors.forEach((vector, id) => table.set(vector, id * W));
    const positions = new Float32Array(T * W);
    for (let t = 0; t < T; t++) addPosition(positions.subarray(t * W, (t + 1) * W), t);
    return {
      vectors: table,
      positions,
      radius: RADIUS,
      closeness: CLOSENESS,
      roll: ROLL,
      scale: 1 / Math.sqrt(variance()),
    };
  }

  /** Padding is 0. */
  private compute(note: string): NoteRow {
    const { ids, length } = this.tokenizer.encode(note, this.contextLength);
    const W = this.width;
    const features = new Float32Array(this.contextLength * W);
    const norm = 1 / Math.sqrt(variance());
    for (let t = 0; t < length; t++) {
      const row = features.subarray(t * W, (t + 1) * W);
      addPosition(row, t);
      for (let d = -RADIUS; d <= RADIUS; d++) {
        const id = t + d >= 0 && t + d < length ? (ids[t + d] ?? PAD_ID) : PAD_ID;
        const vector = this.vectors[id];
        if (vector && id > UNKNOWN_ID) addRolled(row, vector, d * ROLL, CLOSENESS ** Math.abs(d));
      }
      for (let i = 0; i < W; i++) row[i] = (row[i] ?? 0) * norm;
    }
    return { features, length, ids: ids.slice(0, length) };
  }
}

/**
 * e(word): mean 0, variance 1; 0 for padding and the unknown word, since an untrained vector would say
 * something at random.
 */
function wordVector(word: string, id: number, width: number): Float32Array {
  const vector = new Float32Array(width);
  if (id <= UNKNOWN_ID) return vector;
  const random = Random.from(RECIPE, word);
  for (let i = 0; i < width; i++) vector[i] = random.normal();
  return vector;
}

/** row += weight * roll(vector, shift). */
function addRolled(row: Float32Array, vector: Float32Array, shift: number, weight: number): void {
  const W = row.length;
  const start = ((shift % W) + W) % W;
  for (let i = 0; i < W; i++) {
    const j = i + start < W ? i + start : i + start - W;
    row[j] = (row[j] ?? 0) + weight * (vector[i] ?? 0);
  }
}

/** row += p * sinusoids of position t, scaled to unit variance (a sine's is 1/2). */
function addPosition(row: Float32Array, t: number): void {
  const W = row.length;
  for (let i = 0; i < W; i++) {
    const angle = t / 10000 ** ((i - (i % 2)) / W);
    row[i] = POSITION * Math.SQRT2 * (i % 2 === 0 ? Math.sin(angle) : Math.cos(angle));
  }
}

/** A token's variance before scaling, with all neighbours. */
function variance(): number {
  let sum = 1 + POSITION ** 2;
  for (let d = 1; d <= RADIUS; d++) sum += 2 * CLOSENESS ** (2 * d);
  return sum;
}

function checkCount(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new ReclmisError(
      'CONFIG_INVALID',
      `text.${name}: expected a whole number of at least 1, got ${value}`,
    );
  }
}
