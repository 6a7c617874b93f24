import { imageToPlanes, type Mask, mirroredNote, score, threshold } from '@reclmis/core';
import { readSample, type Case } from '@reclmis/data';
import type { Segmenter } from '../engine/segmenter.js';
import type { OverviewRow } from './overview.js';

/** Their notes change when left and right are swapped. */
export function casesThatNameASide(cases: readonly Case[], count: number): Case[] {
  return cases.filter(({ note }) => (mirroredNote(note) ?? note) !== note).slice(0, count);
}

/** Segments each case by its own note, and with left and right swapped. @throws the codes of `readSample` */
export async function compareNotes(segmenter: Segmenter, cases: readonly Case[]): Promise<OverviewRow[]> {
  const S = segmenter.size;
  const rows: OverviewRow[] = [];
  for (const one of cases) {
    const { id, image, mask, note } = await readSample(one, S, segmenter.resize);
    const swappedNote = mirroredNote(note) ?? note;
    const plane = imageToPlanes(image, S, segmenter.resize); // [3,S,S]
    const pair = new Float32Array(2 * plane.length); // [2,3,S,S]
    pair.set(plane);
    pair.set(plane, plane.length);
    const probabilities = segmenter.probabilities(pair, [note, swappedNote]); // [2,1,S,S]
    const cut = (i: number): Mask => threshold(probabilities.subarray(i * S * S, (i + 1) * S * S), S, S);
    const [prediction, swappedPrediction] = [cut(0), cut(1)];
    rows.push({
      id,
      image,
      truth: mask,
      note,
      prediction,
      dice: score(prediction, mask).dice,
      swappedNote,
      swappedPrediction,
      swappedDice: score(swappedPrediction, mask).dice,
    });
  }
  return rows;
}
