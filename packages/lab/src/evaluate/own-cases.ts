import { existsSync } from 'node:fs';
import { ReclmisError } from '@reclmis/core';
import type { Case, Split } from '@reclmis/data';
import type { Run } from '../run/run.js';
import { openEvaluated } from './open.js';

type TrainedOn = Pick<Run, 'config' | 'info'>;

/** The run's own cases, or its fold's; none if the folder is gone or changed. */
export async function ownCases(run: TrainedOn, split: Exclude<Split, 'test'>): Promise<readonly Case[]> {
  const { dir, folds, trainStems, valStems } = run.config.data;
  if (!existsSync(dir)) return [];
  const stems = split === 'train' ? trainStems : valStems;
  try {
    return (await openEvaluated(run, { split, ...(folds === 0 && stems ? { stems } : {}) })).cases; // a fold heeds the lists itself
  } catch (error) {
    if (error instanceof ReclmisError) return [];
    throw error;
  }
}
