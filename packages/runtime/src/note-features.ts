/**
 * The note encoder at work, with the features of recent notes.
 *
 * B notes, T tokens, W width of the note's features.
 */
import { type ModelManifest, ReclmisError } from '@reclmis/core';
import { runNetwork } from './networks.js';
import type { Network } from './seams.js';
import type { Tokens } from './tokens.js';

export class NoteFeatures {
  /** By note, least recently used first. */
  private readonly kept = new Map<string, Float32Array>();

  /** @param tokens null if the model reads no notes @param capacity notes that are kept */
  constructor(
    private readonly manifest: ModelManifest,
    private readonly network: Network,
    private readonly tokens: Tokens | null,
    private readonly capacity: number,
  ) {}

  knows(notes: readonly string[]): boolean {
    return notes.every((note) => this.kept.has(note));
  }

  /** [B,T,W]; notes that are not kept are computed together. @throws INFERENCE_FAILED */
  async of(notes: readonly string[]): Promise<Float32Array> {
    const { note } = this.manifest;
    if (!note || !this.tokens) throw readsNone();
    const size = note.contextLength * note.width;
    const here = new Map<string, Float32Array>();
    const missing: string[] = [];
    for (const one of new Set(notes)) {
      const known = this.kept.get(one);
      if (known) here.set(one, known);
      else missing.push(one);
    }
    if (missing.length > 0) {
      const tokenize = this.tokens.encode;
      const ids = missing.flatMap((one) => tokenize(one).map(BigInt));
      const rows = await this.encode(BigInt64Array.from(ids), missing.length);
      missing.forEach((one, i) => here.set(one, rows.slice(i * size, (i + 1) * size)));
    }
    const all = new Float32Array(notes.length * size);
    notes.forEach((one, i) => {
      const row = here.get(one);
      if (row) all.set(row, i * size);
    });
    for (const [one, row] of here) this.remember(one, row);
    return all;
  }

  /** Ids [B,T] -> features [B,T,W]. @throws INFERENCE_FAILED */
  encode(tokens: BigInt64Array, count: number): Promise<Float32Array> {
    const { note, textEncoder } = this.manifest;
    if (!note || !textEncoder) throw readsNone();
    const inputs = { [textEncoder.inputs.tokens]: { data: tokens, shape: [count, note.contextLength] } };
    const length = count * note.contextLength * note.width;
    return runNetwork(this.network, inputs, textEncoder.outputs.note, length);
  }

  clear(): void {
    this.kept.clear();
  }

  async release(): Promise<void> {
    this.clear();
    await this.network.release();
  }

  private remember(note: string, row: Float32Array): void {
    this.kept.delete(note);
    this.kept.set(note, row); // most recently used
    while (this.kept.size > this.capacity) {
      const [oldest] = this.kept.keys();
      if (oldest === undefined) return;
      this.kept.delete(oldest);
    }
  }
}

const readsNone = (): ReclmisError =>
  new ReclmisError('INFERENCE_FAILED', 'the model reads no notes, so there are no note features');
