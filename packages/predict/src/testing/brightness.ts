/** A fake network whose every pixel is known. */
import type { ModelIdentity, PlaneSegmenter } from '../segmenter.js';

/** The red plane for the note "bright", else one minus it. */
export class Brightness implements PlaneSegmenter {
  readonly batches: number[] = [];

  constructor(
    readonly size = 16,
    /** Milliseconds per batch. */
    private readonly delay = 0,
  ) {}

  async probabilities(planes: Float32Array, notes: readonly string[]): Promise<Float32Array> {
    const S = this.size;
    this.batches.push(notes.length);
    if (this.delay > 0) await new Promise((resolve) => setTimeout(resolve, this.delay));
    const out = new Float32Array(notes.length * S * S);
    for (const [b, note] of notes.entries()) {
      const red = planes.subarray(b * 3 * S * S, b * 3 * S * S + S * S);
      out.set(note === 'bright' ? red : red.map((value) => 1 - value), b * S * S);
    }
    return out;
  }
}

export const BRIGHTNESS: ModelIdentity = {
  kind: 'run',
  name: 'brightness',
  files: [{ name: 'best.safetensors', sha256: 'b'.repeat(64) }],
};
