/** Images with notes for the exporter's check and for calibration: from a data set, or made. */
import { existsSync } from 'node:fs';
import { imageToPlanes, Random, type ReclmisError } from '@reclmis/core';
import { readImage } from '@reclmis/files';
import { madeNotes } from '../bench/made.js';
import { openDataset } from '../data/dataset.js';
import type { Case, Split } from '../data/types.js';
import type { Run } from '../run.js';

/** An image as the model takes it, with its note. */
export interface ExportCase {
  /** [3,S,S] in [0,1]. */
  readonly image: Float32Array;
  readonly note: string;
  /** Whether it was read from a data set rather than made. */
  readonly real: boolean;
}

/** Random pixels, and notes of LViT's grammar. */
export function madeCases(count: number, size: number): ExportCase[] {
  const random = Random.from('export', count, size);
  return madeNotes(count).map((note) => ({
    image: Float32Array.from({ length: 3 * size * size }, () => random.next()),
    note,
    real: false,
  }));
}

/** Reads `count` cases, spread evenly over those given. @throws IMAGE_* */
export async function readCases(cases: readonly Case[], count: number, size: number): Promise<ExportCase[]> {
  const taken = Array.from({ length: Math.min(count, cases.length) }, (_, i) => {
    return cases[Math.floor((i * cases.length) / Math.min(count, cases.length))];
  }).filter((one) => one !== undefined);
  const read: ExportCase[] = [];
  for (const { imagePath, note } of taken) {
    read.push({ image: imageToPlanes(await readImage(imagePath), size), note, real: true });
  }
  return read;
}

/**
 * Cases of the run's own data, where the folder is at hand and still fits; none otherwise, since the check has made ones too.
 */
export async function ownCases(run: Run, split: Exclude<Split, 'test'>): Promise<readonly Case[]> {
  const { dir, trainStems, valStems } = run.config.data;
  if (!existsSync(dir)) return [];
  const stems = split === 'train' ? trainStems : valStems;
  try {
    return (await openDataset(dir, split, stems ? { stems } : {})).cases;
  } catch (error) {
    if (isCoded(error)) return [];
    throw error;
  }
}

function isCoded(error: unknown): error is ReclmisError {
  return error instanceof Error && 'code' in error && 'remedy' in error;
}
