/** A small model on a small data set, trained in a second. */
import { join } from 'node:path';
import { type Config, loadConfig, type Overrides } from '../config/config.js';
import { train } from '../train/train.js';
import { writeTinyData } from '@reclmis/data/testing';

export const TINY_RUN_SIZE = 32;

/** Two epochs of a model of a few thousand numbers, in this thread. */
export function tinyConfig(data: string, overrides: Overrides = {}): Config {
  return loadConfig(undefined, {
    'model.baseWidth': 4,
    'model.imageSize': TINY_RUN_SIZE,
    'model.layers': 1,
    'text.encoder': 'words',
    'text.contextLength': 12,
    'note.sides': 'patient',
    'data.dir': data,
    'data.workers': 0,
    'train.epochs': 2,
    'train.batchSize': 4,
    'train.lr': 2e-3,
    'train.threads': 1,
    ...overrides,
  });
}

/** Makes `data/` and `run/` below `root`. @returns the run's folder. */
export async function makeTinyRun(root: string, overrides: Overrides = {}): Promise<string> {
  const data = join(root, 'data');
  const out = join(root, 'run');
  await writeTinyData(data, TINY_RUN_SIZE, { train: 10, val: 6, test: 4 });
  await train(tinyConfig(data, { 'train.lr': 4e-3, ...overrides }), { out });
  return out;
}
