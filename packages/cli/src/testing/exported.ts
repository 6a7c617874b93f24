/** A small run on phantoms, and its exports. */
import { join } from 'node:path';
import { writePhantom } from '@reclmis/data';
import { loadPreset, train } from '@reclmis/lab';
import { exportModel } from '@reclmis/export';

export const SMALL_SIZE = 32;

/** Trains one epoch. @returns the run's folder below `root`. */
export async function smallRun(root: string): Promise<string> {
  const data = join(root, 'data');
  const run = join(root, 'run');
  await writePhantom(data, { count: 12, seed: 1, size: SMALL_SIZE });
  const config = loadPreset('phantom', {
    'data.dir': data,
    'data.workers': 0,
    'model.baseWidth': 4,
    'model.imageSize': SMALL_SIZE,
    'train.epochs': 1,
    'train.batchSize': 4,
    'train.warmupSteps': 0,
    'train.threads': 1,
  });
  await train(config, { out: run });
  return run;
}

/** @returns the exported model's folder below `root`. */
export async function smallModel(
  run: string,
  out: string,
  precision: 'fp32' | 'fp16' = 'fp32',
): Promise<string> {
  await exportModel(run, { out, precision, threads: 1 });
  return out;
}
