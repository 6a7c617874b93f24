/** Scores a model over cases, at threshold 0.5 and the model's size: docs/method.md 10. */
import { type Mask, ReclmisError, type Score, score, ScoreSummary, threshold } from '@reclmis/core';
import type { Batch } from '@reclmis/data';
import type { Opinion } from './ensemble.js';

/** Measures in [0, 1], areas in pixels of the model's size. */
export interface CaseScore extends Score {
  readonly id: string;
}

/** The arrays are views of the batch: copy what you keep. */
export interface ScoredCase {
  readonly score: CaseScore;
  /** As the model read it. */
  readonly note: string;
  /** S. */
  readonly size: number;
  /** S x S, in [0, 1]. */
  readonly probabilities: Float32Array;
  /** At threshold 0.5. */
  readonly prediction: Mask;
  readonly truth: Mask;
}

export interface ScoreOptions {
  /** Instead of the case's own. */
  readonly noteTransform?: (note: string, id: string) => string;
  readonly onCase?: (one: ScoredCase) => void;
  /** After each batch, with the cases done. */
  readonly onProgress?: (done: number) => void;
  /** Returns the scores so far. */
  readonly signal?: AbortSignal;
}

/** @throws LOSS_NOT_FINITE naming a case whose probability is not a number */
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
    await new Promise(setImmediate); // lets signals and timers in
    if (signal?.aborted) break;
  }
  return { rows, summary: new ScoreSummary(rows) };
}

export function truthOf(batch: Pick<Batch, 'masks'>, index: number, size: number): Mask {
  const plane = batch.masks.subarray(index * size * size, (index + 1) * size * size);
  return { width: size, height: size, data: Uint8Array.from(plane) };
}
