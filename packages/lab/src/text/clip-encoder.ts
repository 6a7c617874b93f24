/**
 * The paper's note encoder: CLIP's tokeniser and frozen text tower, with weights stored on this machine
 * (docs/method.md 1).
 *
 * Features are computed once per note and kept, in memory and on disk (`feature-store.ts`); one note at a
 * time, since a matrix product's bits depend on its batch.
 *
 * B notes, T tokens, W feature width.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ClipTokenizer, type NoteTokens, ReclmisError } from '@reclmis/core';
import { cacheHome, readRegularSync } from '@reclmis/files';
import { readSafetensors, scope } from '@reclmis/torch';
import type { StoredWeights } from '../weights/stored.js';
import { ClipTextTower } from '../clip/tower.js';
import {
  fingerprintOf,
  NoteCache,
  type NoteEncoder,
  type NoteEncoderDescription,
  type NoteFeatures,
  type NoteRow,
  stackRows,
} from './encoder.js';
import { FeatureStore } from './feature-store.js';

/** In the fingerprint; change it with the computation. */
const RECIPE = 'clip-text-1';

export interface ClipEncoderOptions {
  /** T, with start and end tokens; longer notes lose their last words. */
  readonly contextLength: number;
  /** On disk; default the cache's, null: none. */
  readonly features?: string | null;
}

interface ClipDescription extends NoteEncoderDescription {
  readonly kind: 'clip';
  readonly recipe: string;
  readonly id: string;
  readonly weights: string;
  readonly contextLength: number;
}

export class ClipEncoder implements NoteEncoder {
  readonly width: number;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly fingerprint: string;
  /** CLIP's ln(1 / temperature), for CCL. */
  readonly logitScale: number | null;
  readonly tokenizer: ClipTokenizer;
  private readonly cache: NoteCache;
  private readonly store: FeatureStore | null;
  private tower: ClipTextTower | null = null;

  /** @throws WEIGHTS_CORRUPT, VOCABULARY_INVALID, CONFIG_INVALID for too long a context */
  constructor(
    readonly weights: StoredWeights,
    { contextLength, features = join(cacheHome(), 'features') }: ClipEncoderOptions,
  ) {
    const { tower } = weights.manifest;
    if (contextLength > tower.positions) {
      throw new ReclmisError(
        'CONFIG_INVALID',
        `text.contextLength: expected at most ${tower.positions}, the positions of ${weights.id}, got ${contextLength}`,
      );
    }
    this.contextLength = contextLength;
    this.width = tower.projection;
    this.tokenizer = ClipTokenizer.fromMerges(this.intact('merges').toString('utf8'));
    this.vocabularySize = tower.vocabulary + 1;
    this.fingerprint = fingerprintOf(this.describe());
    this.store =
      features === null ? null : new FeatureStore(features, this.fingerprint, contextLength, this.width);
    this.cache = new NoteCache((note) => this.row(note));
    this.logitScale = readLogitScale(weights.model);
  }

  encode(notes: readonly string[], device = 'cpu'): NoteFeatures {
    const rows = notes.map((note) => this.cache.get(note));
    return stackRows(rows, this.contextLength, this.width, device);
  }

  countTokens(note: string): number {
    return this.tokenizer.tokenize(note).length + 2; // start and end
  }

  tokens(note: string): NoteTokens {
    return this.tokenizer.tokens(note, this.contextLength);
  }

  describe(): ClipDescription {
    const { id, manifest } = this.weights;
    return {
      kind: 'clip',
      recipe: RECIPE,
      id,
      weights: manifest.fingerprint,
      contextLength: this.contextLength,
    };
  }

  /** Only for a note without known features. */
  get isLoaded(): boolean {
    return this.tower !== null;
  }

  /** The encoder owns it. @throws WEIGHTS_CORRUPT */
  textTower(): ClipTextTower {
    this.tower ??= this.load();
    return this.tower;
  }

  dispose(): void {
    this.tower?.dispose();
    this.tower = null;
  }

  private row(note: string): NoteRow {
    const { ids, length } = this.tokenizer.encode(note, this.contextLength);
    const numbers = ids.slice(0, length).map((id) => id + 1); // 0 means "no token" here; CLIP's own 0 is a token
    const kept = this.store?.get(ids);
    if (kept) return { ...kept, ids: numbers };
    const row = { features: this.compute(ids), length };
    this.store?.put(ids, row);
    return { ...row, ids: numbers };
  }

  private compute(ids: readonly number[]): Float32Array {
    const tower = this.textTower();
    return scope(() => tower.encodeTokens([ids]).features.toFloat32Array()); // [1,T,W]
  }

  private load(): ClipTextTower {
    this.intact('model');
    const tower = new ClipTextTower(this.weights.manifest.tower);
    try {
      scope(() => {
        const { tensors } = readSafetensors(this.weights.model, { select: (key) => key !== 'logit_scale' });
        tower.loadStateDict(tensors);
      });
    } catch (error) {
      tower.dispose();
      throw error;
    }
    return tower;
  }

  /** Unchanged since its import. */
  private intact(which: 'model' | 'merges'): Buffer {
    const { manifest, id } = this.weights;
    const path = this.weights[which];
    let bytes: Buffer;
    try {
      bytes = readRegularSync(path);
    } catch (cause) {
      throw new ReclmisError('WEIGHTS_CORRUPT', `${path}: cannot be read`, { cause });
    }
    const name = path.slice(this.weights.dir.length + 1);
    const expected = manifest.files[name]?.sha256;
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== expected) {
      throw new ReclmisError(
        'WEIGHTS_CORRUPT',
        `${path}: expected SHA-256 ${expected ?? 'none'} by the manifest of ${id}, got ${actual}`,
      );
    }
    return bytes;
  }
}

export function isClipDescription(description: NoteEncoderDescription): description is ClipDescription {
  const { kind, recipe, id, weights, contextLength } = description;
  return (
    kind === 'clip' &&
    recipe === RECIPE &&
    typeof id === 'string' &&
    typeof weights === 'string' &&
    typeof contextLength === 'number' &&
    Number.isInteger(contextLength)
  );
}

function readLogitScale(model: string): number | null {
  return scope(() => {
    const scale = readSafetensors(model, { select: (key) => key === 'logit_scale' }).tensors.get(
      'logit_scale',
    );
    return scale ? scale.to({ dtype: 'float32' }).item() : null;
  });
}
