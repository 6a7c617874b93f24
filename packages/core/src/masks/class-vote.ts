/**
 * Decides between classes pixel by pixel: a class claims the pixels whose probability is above its threshold, and the
 * claim with the greatest probability wins. On a tie the class that was added first wins, so the result depends on the
 * probabilities and the order alone.
 */
import { ReclmisError } from '../errors.js';
import type { Mask, Raster } from '../images/raster.js';

/** Largest value of an 8-bit labelled mask, and so the most classes. */
export const LARGEST_CLASS = 255;

/** Height x width values: a class's label, 0 for the background. */
export type LabelMap = Raster;

export class ClassVote {
  /** Place of the winning class by pixel, from 1; 0 for none. */
  private readonly winner: Uint8Array;
  /** Its probability. */
  private readonly best: Float32Array;
  private readonly claims: number[] = [];

  constructor(
    private readonly width: number,
    private readonly height: number,
  ) {
    this.winner = new Uint8Array(width * height);
    this.best = new Float32Array(width * height);
  }

  /** The next class. @param probability width x height values in [0, 1]; not kept. @param threshold from 0 */
  add(probability: Float32Array, threshold: number): void {
    const { winner, best, claims } = this;
    if (probability.length !== winner.length || claims.length === LARGEST_CLASS)
      throw new ReclmisError(
        'INTERNAL',
        `expected ${winner.length} probabilities of at most ${LARGEST_CLASS} classes, got ${probability.length} of class ${claims.length + 1}`,
      );
    const place = claims.length + 1;
    let claimed = 0;
    for (let i = 0; i < winner.length; i++) {
      const p = probability[i] as number;
      if (!(p > threshold)) continue;
      claimed++;
      if (winner[i] !== 0 && p <= (best[i] as number)) continue;
      best[i] = p;
      winner[i] = place;
    }
    claims.push(claimed);
  }

  /** Pixels that class `index` (from 0) claimed, whether it won them or not. */
  claimed(index: number): number {
    return this.claims[index] ?? 0;
  }

  /** The pixels that class `index` (from 0) won. */
  mask(index: number): Mask {
    const { width, height, winner } = this;
    return { width, height, data: winner.map((place) => (place === index + 1 ? 1 : 0)) };
  }

  /** @param labels by class, in the order of `add` */
  labels(labels: readonly number[]): LabelMap {
    const { width, height, winner } = this;
    const valueOf = Uint8Array.of(0, ...labels);
    return { width, height, data: winner.map((place) => valueOf[place] as number) };
  }
}
