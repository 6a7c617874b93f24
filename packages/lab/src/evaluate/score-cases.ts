/**
 * Scores of a model over cases, at threshold 0.5 and the model's own size: docs/method.md 10. Validation and evaluation both use it, so
 * that a run's validation figures can be reproduced from its checkpoint.
 */
import { type Mask, ReclmisError, type Score, score, ScoreSummary, threshold } from '@reclmis/core';
import type { Batch } from '../data/types.js';
import type { Opinion } from './ensemble.js';

/** One image's score: Dice, IoU, precision and recall in [0, 1], and the areas behind them in pixels of the model's size. */
export interface CaseScore extends Score {
  readonly id: string;
}

/** One case with everything that was scored of it. The arrays are views of the batch: whoever keeps them copies them. */
export interface ScoredCase {
  readonly score: CaseScore;
  /** The note that the model read. */
  readonly note: string;
  /** S, the side of all planes. */
  readonly size: number;
  /** S x S, in [0, 1]. */
  readonly probabilities: Float32Array;
  /** At threshold 0.5. */
  readonly prediction: Mask;
  readonly truth: Mask;
}

export interface ScoreOptions {
  /** The note that a case is given instead of its own. */
  readonly noteTransform?: (note: string, id: string) => string;
  /** Called with each case, for those who measure more of it. */
  readonly onCase?: (one: ScoredCase) => void;
  /** Called after each batch with the number of cases done. */
  readonly onProgress?: (done: number) => void;
  /** Ends the work early; what was scored so far is returned. */
  readonly signal?: AbortSignal;
}

/**
 * Runs the model over batches.
 * @throws LOSS_NOT_FINITE where a probability is not a number, naming the case.
 */
export async function scoreCases(
  segmenter: Opinion,
  batches: AsyncIterable<Batch>,
  { noteTransform = (note) => note, onCase, onProgress, signal }: ScoreOptions = {},
): Promise<{ rows: CaseScore[]; summary: ScoreSummary }> {
  const rows: CaseScore[] = [];
  const S = segmenter.size;
  for await (const batch of batches) {
    const notes = batch.notes.map((note, i) => noteTransform(note, batch.ids[i] ?? ''));
    const probabilities = await segmenter.probabilities(batch.images, notes); // [B,1,S,S]
    batch.ids.forEach((id, i) => {
      const plane = probabilities.subarray(i * S * S, (i + 1) * S * S);
      if (plane.some(Number.isNaN)) {
        throw new ReclmisError('LOSS_NOT_FINITE', `${id}: the predicted probabilities are NaN`, {
          remedy: 'Train again with a lower learning rate; the weights have diverged.',
        });
      }
      const prediction = threshold(plane, S, S);
      const truth = truthOf(batch, i, S);
      const row = { id, ...score(prediction, truth) };
      rows.push(row);
      onCase?.({ score: row, note: notes[i] ?? '', size: S, probabilities: plane, prediction, truth });
    });
    onProgress?.(rows.length);
    await new Promise(setImmediate); // lets signals and timers in between two batches
    if (signal?.aborted) break;
  }
  return { rows, summary: new ScoreSummary(rows) };
}

/** The true mask of a case of a batch. */
export function truthOf(batch: Pick<Batch, 'masks'>, index: number, size: number): Mask {
  const plane = batch.masks.subarray(index * size * size, (index + 1) * size * size);
  return { width: size, height: size, data: Uint8Array.from(plane) };
}
